import { COMMAND } from "../../wire/command.ts";
import { HEADER_BYTES } from "../../wire/packet.ts";
import type { Awaited, ServerLeg } from "./server-leg.ts";

/** More than the answer to an ordinary question of ours ever has. */
const MOST_BYTES = 64 << 10;

export type Row = readonly (string | null)[];

/** A question of ours to a server, and what `read` finds in its whole answer; undefined: an error, too much, or nothing of the kind. */
export class Question<T> implements Awaited {
  readonly command = COMMAND.QUERY;
  readonly #read: (answer: Buffer, hasEofPackets: boolean) => T | undefined;
  readonly #then: (found: T | undefined) => void;
  readonly #mostBytes: number;
  readonly #parts: Buffer[] = [];
  #bytes = 0;

  constructor(
    read: (answer: Buffer, hasEofPackets: boolean) => T | undefined,
    then: (found: T | undefined) => void,
    mostBytes = MOST_BYTES,
  ) {
    this.#read = read;
    this.#then = then;
    this.#mostBytes = mostBytes;
  }

  bytes(_leg: ServerLeg, part: Buffer): void {
    this.#bytes += part.length;
    if (this.#bytes <= this.#mostBytes) this.#parts.push(part);
  }

  done(leg: ServerLeg): void {
    const isGood = leg.reply.outcome === "ok" && this.#bytes <= this.#mostBytes;
    this.#then(isGood ? this.#read(Buffer.concat(this.#parts), leg.hasEofPackets) : undefined);
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
