import { routingHints } from "../../sql/routing-hints.ts";
import { HEADER_BYTES } from "../../wire/packet.ts";

/** The server that a statement's comment names (`-- sluice route to server db2`), the first of several. */
export function hintedServer(command: Buffer, mode: number): string | undefined {
  for (const hint of routingHints(command, HEADER_BYTES + 1, command.length, mode)) {
    if (hint.kind === "route" && hint.to === "server") return hint.server;
  }
  return undefined;
}
