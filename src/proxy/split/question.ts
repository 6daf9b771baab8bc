import { COMMAND } from "../../wire/command.ts";
import { HEADER_BYTES } from "../../wire/packet.ts";
import type { Awaited, ServerLeg } from "./server-leg.ts";

/** More than an answer to a question of ours ever has. */
const MOST_BYTES = 64 << 10;

export type Row = readonly (string | null)[];

/** A question of ours to a server, and the first row of its answer; undefined: none, or not as text. */
export class Question implements Awaited {
  readonly command = COMMAND.QUERY;
  readonly #then: (row: Row | undefined) => void;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(then: (row: Row | undefined) => void) {
    this.#then = then;
  }

  bytes(_leg: ServerLeg, part: Buffer): void {
    this.#bytes += part.length;
    if (this.#bytes <= MOST_BYTES) this.#parts.push(part);
  }

  done(leg: ServerLeg): void {
    const isGood = leg.reply.outcome === "ok" && this.#bytes <= MOST_BYTES;
    this.#then(isGood ? firstRow(Buffer.concat(this.#parts), leg.hasEofPackets) : undefined);
  }

  abandoned(): void {
    this.#then(undefined);
  }
}

/** The first row of a complete text result; undefined: there is none. */
export function firstRow(bytes: Buffer, hasEofPackets: boolean): Row | undefined {
  const columns = bytes[HEADER_BYTES] ?? 0;
  if (columns === 0 || columns >= 0xfb) return undefined;
  let at = 0;
  const toSkip = 1 + columns + (hasEofPackets ? 1 : 0);
  for (let i = 0; i < toSkip && at + HEADER_BYTES <= bytes.length; i++)
    at += HEADER_BYTES + bytes.readUIntLE(at, 3);
  if (at + HEADER_BYTES >= bytes.length) return undefined;
  const end = at + HEADER_BYTES + bytes.readUIntLE(at, 3);
  at += HEADER_BYTES;
  const row: (string | null)[] = [];
  while (row.length < columns && at < end) {
    const first = bytes[at++] as number;
    if (first === 0xfb) {
      row.push(null);
      continue;
    }
    const isShort = first < 0xfb;
    if (!isShort && first !== 0xfc) return undefined;
    const length = isShort ? first : bytes.readUInt16LE(at);
    if (!isShort) at += 2;
    row.push(bytes.toString("utf8", at, at + length));
    at += length;
  }
  return row.length === columns ? row : undefined;
}
