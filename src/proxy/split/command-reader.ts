const HEADER_BYTES = 4;
const LONGEST_PACKET = 0xffffff;
/** Longer commands are passed on without being looked at as a whole. */
export const MOST_LOOKED_AT_BYTES = 1 << 20;

/** What is read: commands, a command that is too long to be kept, or a file for LOAD DATA LOCAL. */
type Mode = "commands" | "long" | "file";

export type Reading =
  /** `bytes` is one command, packet header included. */
  | "command"
  /** A command begins that is passed on as it comes, by pass(); `bytes` is its beginning, and is passed on again. */
  | "long"
  /** More has to come first. */
  | "incomplete"
  | "malformed";

/**
 * Cuts what a client sends into commands, as views of what came; only a command that came in pieces is put together.
 *
 *   take() ─▶ "command"                      a statement of the usual length
 *         └─▶ "long"  ─▶ pass() … pass()     one of several packets, or of more than 1 MiB
 *   beginFile() ─▶ pass() … pass()           up to the empty packet that ends it
 */
export class CommandReader {
  #chunk = NOTHING;
  /** Bytes of it that have been taken. */
  #at = 0;
  /** What came behind it: hardly ever anything. */
  #more: Buffer[] = [];
  #held = 0;
  #mode: Mode = "commands";
  // The packet that is passed on.
  #headerRead = 0;
  #length = 0;
  #bodyLeft = 0;
  #isContinuation = false;

  /** What take() found. */
  bytes: Buffer = NOTHING;

  /** Bytes that came and have not been taken. */
  get held(): number {
    return this.#held;
  }

  /** A long command or a file is under way: pass(), not take(). */
  get isPassing(): boolean {
    return this.#mode !== "commands";
  }

  push(chunk: Buffer): void {
    if (this.#held === 0) {
      this.#chunk = chunk;
      this.#at = 0;
    } else this.#more.push(chunk);
    this.#held += chunk.length;
  }

  take(): Reading {
    if (this.#held < HEADER_BYTES) return "incomplete";
    const first = this.#joined(HEADER_BYTES);
    const at = this.#at;
    const length = first.readUIntLE(at, 3);
    if (first[at + 3] !== 0 || length === 0) return "malformed";
    if (length === LONGEST_PACKET || length > MOST_LOOKED_AT_BYTES) return this.#takeLong();
    const whole = HEADER_BYTES + length;
    if (this.#held < whole) return "incomplete";
    const bytes = this.#joined(whole);
    this.bytes =
      this.#at === 0 && bytes.length === whole ? bytes : bytes.subarray(this.#at, this.#at + whole);
    this.#taken(whole);
    return "command";
  }

  /** The client sends a file next. */
  beginFile(): void {
    this.#begin("file");
  }

  /** More of what is passed on; undefined: nothing has come. Once its end has been taken, isPassing is false. */
  pass(): Buffer | undefined {
    if (this.#held === 0 || this.#mode === "commands") return undefined;
    const chunk = this.#chunk;
    const from = this.#at;
    let at = from;
    while (at < chunk.length && this.isPassing) {
      if (this.#bodyLeft === 0) {
        at = this.#readHeader(chunk, at);
        continue;
      }
      const bytes = Math.min(this.#bodyLeft, chunk.length - at);
      at += bytes;
      this.#bodyLeft -= bytes;
      if (this.#bodyLeft === 0) this.#packetEnded();
    }
    this.#taken(at - from);
    return from === 0 && at === chunk.length ? chunk : chunk.subarray(from, at);
  }

  /** All that came and has not been taken; it is taken now. */
  rest(): Buffer {
    if (this.#held === 0) return NOTHING;
    const rest = this.#joined(this.#held).subarray(this.#at);
    this.clear();
    return rest;
  }

  /** Forgets what came and has not been taken. */
  clear(): void {
    this.#chunk = NOTHING;
    this.#at = 0;
    this.#more = [];
    this.#held = 0;
    this.#mode = "commands";
  }

  /** The beginning of it has to be there, so that it can be told what kind of command it is. */
  #takeLong(): Reading {
    if (this.#held < LONG_BEGINNING_BYTES) return "incomplete";
    const bytes = this.#joined(LONG_BEGINNING_BYTES);
    this.bytes = bytes.subarray(this.#at, this.#at + LONG_BEGINNING_BYTES);
    this.#begin("long");
    return "long";
  }

  #begin(mode: Mode): void {
    this.#mode = mode;
    this.#headerRead = 0;
    this.#bodyLeft = 0;
    this.#isContinuation = false;
  }

  #readHeader(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length && this.#headerRead < HEADER_BYTES) {
      const byte = chunk[at++] as number;
      if (this.#headerRead === 0) this.#length = 0;
      if (this.#headerRead < 3) this.#length |= byte << (8 * this.#headerRead);
      this.#headerRead++;
    }
    if (this.#headerRead < HEADER_BYTES) return at;
    this.#headerRead = 0;
    this.#bodyLeft = this.#length;
    if (this.#length === 0) this.#packetEnded();
    return at;
  }

  #packetEnded(): void {
    const isEmptyOne = this.#length === 0 && !this.#isContinuation;
    this.#isContinuation = this.#length === LONGEST_PACKET;
    if (this.#mode === "file" ? isEmptyOne : !this.#isContinuation) this.#mode = "commands";
  }

  /** The chunk, once it has this many bytes that were not taken; with what came behind it, it has them. */
  #joined(bytes: number): Buffer {
    if (this.#chunk.length - this.#at >= bytes) return this.#chunk;
    this.#chunk = Buffer.concat([this.#chunk.subarray(this.#at), ...this.#more]);
    this.#at = 0;
    this.#more = [];
    return this.#chunk;
  }

  #taken(bytes: number): void {
    this.#held -= bytes;
    this.#at += bytes;
    if (this.#at < this.#chunk.length) return;
    this.#chunk = (this.#held > 0 ? this.#more.shift() : undefined) ?? NOTHING;
    this.#at = 0;
  }
}

/** The command's byte and the first words of the statement. */
const LONG_BEGINNING_BYTES = 4096;
const NOTHING: Buffer = Buffer.alloc(0);
