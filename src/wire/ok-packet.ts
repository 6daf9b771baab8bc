import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { CLIENT, hasFlag } from "./capability.ts";

export const OK = 0x00;

export const STATUS = Object.freeze({
  IN_TRANSACTION: 1,
  AUTOCOMMIT: 2,
  MORE_RESULTS: 8,
  CURSOR_EXISTS: 1 << 6,
  NO_BACKSLASH_ESCAPES: 1 << 9,
  IN_READ_ONLY_TRANSACTION: 1 << 13,
  SESSION_STATE_CHANGED: 1 << 14,
});

export interface OkPacket {
  readonly affectedRows: number;
  readonly lastInsertId: number;
  readonly statusFlags: number;
  readonly warnings: number;
  /** For people; most servers leave it empty. */
  readonly info: Buffer;
  /** Changes of the session's state, as readSessionTrack() takes them; empty: none were told. */
  readonly sessionTrack: Buffer;
}

const EMPTY = Buffer.alloc(0);

export const PLAIN_OK: OkPacket = Object.freeze({
  affectedRows: 0,
  lastInsertId: 0,
  statusFlags: STATUS.AUTOCOMMIT,
  warnings: 0,
  info: EMPTY,
  sessionTrack: EMPTY,
});

/** @param capabilities what is agreed on with whom it came from. Throws MalformedPacket. */
export function readOk(payload: Buffer, capabilities: number): OkPacket {
  const reader = new ByteReader(payload, "OK packet", 1);
  const affectedRows = reader.lengthEncoded();
  const lastInsertId = reader.lengthEncoded();
  const statusFlags = reader.uint16();
  const warnings = reader.uint16();
  const head = { affectedRows, lastInsertId, statusFlags, warnings };
  if (!hasFlag(capabilities, CLIENT.SESSION_TRACK))
    return { ...head, info: reader.rest(), sessionTrack: EMPTY };
  const info = reader.remaining > 0 ? reader.lengthEncodedBytes() : EMPTY;
  const hasTrack = hasFlag(statusFlags, STATUS.SESSION_STATE_CHANGED) && reader.remaining > 0;
  return { ...head, info, sessionTrack: hasTrack ? reader.lengthEncodedBytes() : EMPTY };
}

/** @param capabilities what is agreed on with whom it goes to: without CLIENT.SESSION_TRACK the track is left out. */
export function writeOk(ok: OkPacket, capabilities: number): Buffer {
  const isTracked = hasFlag(capabilities, CLIENT.SESSION_TRACK);
  const hasTrack = isTracked && ok.sessionTrack.length > 0;
  const flags = hasTrack
    ? ok.statusFlags | STATUS.SESSION_STATE_CHANGED
    : ok.statusFlags & ~STATUS.SESSION_STATE_CHANGED;
  const writer = new ByteWriter()
    .uint8(OK)
    .lengthEncoded(ok.affectedRows)
    .lengthEncoded(ok.lastInsertId)
    .uint16(flags)
    .uint16(ok.warnings);
  if (!isTracked) return writer.bytes(ok.info).payload();
  if (ok.info.length === 0 && !hasTrack) return writer.payload();
  writer.lengthEncodedBytes(ok.info);
  return (hasTrack ? writer.lengthEncodedBytes(ok.sessionTrack) : writer).payload();
}
