import { MalformedPacket } from "../../wire/malformed-packet.ts";
import { readOk } from "../../wire/ok-packet.ts";
import { readSessionTrack } from "../../wire/session-track.ts";

const GTIDS = /^[\w:,-]+$/;

/** The GTIDs that an OK packet's session-track data tell of (MySQL, session_track_gtids); "": none. */
export function toldGtids(ok: Buffer, capabilities: number): string {
  try {
    const changes = readSessionTrack(readOk(ok, capabilities).sessionTrack);
    const told = changes.flatMap((change) => (change.kind === "gtids" ? [change.gtids] : []));
    const gtids = told.join(",").replaceAll("\n", "");
    return GTIDS.test(gtids) ? gtids : "";
  } catch (error) {
    if (error instanceof MalformedPacket) return "";
    throw error;
  }
}
