import { COMMAND } from "../../wire/command.ts";
import { STATUS } from "../../wire/ok-packet.ts";
import { HEADER_BYTES } from "../../wire/packet.ts";

/** A packet of this length goes on in the next one. */
const LONGEST_PACKET = 0xffffff;
const OK = 0x00;
const LOCAL_INFILE = 0xfb;
const EOF = 0xfe;
const ERR = 0xff;
/** No error but a progress report, which comes before the answer (MariaDB). */
const PROGRESS_ERRNO = 0xffff;
/** Old EOF packets are shorter; a row that begins with 0xfe is longer by far. */
const EOF_MAX_BYTES = 9;
/** What is kept of a packet that comes in pieces: enough for any OK or ERR without its session-track data. */
const MOST_KEPT_BYTES = 16_384;

/** What the next packet is. */
const FIRST = 0;
const SKIPPED = 1;
const COLUMNS_END = 2;
const ROW = 3;
const SINGLE = 4;
const DONE = 5;

/** How a reply ended. `none`: it has not. */
export type Outcome = "none" | "ok" | "error" | "malformed";

/**
 * Finds the end of a server's answer by packet headers, whatever chunks it comes in, and keeps what the last OK, EOF or ERR of it
 * said. It never copies but for such a packet that comes in pieces.
 *
 *   FIRST ─ OK, ERR ──────────────────────────────────────────────▶ DONE, or FIRST again where more results follow
 *     ├─ column count ─▶ SKIPPED ×n ─▶ COLUMNS_END (EOF) ─▶ ROW ×n ─┘    (no COLUMNS_END with DEPRECATE_EOF)
 *     ├─ prepared ─▶ SKIPPED ×n ─▶ DONE
 *     └─ LOCAL INFILE ─▶ FIRST, once the client has sent its file
 */
export class ReplyTracker {
  readonly #deprecateEof: boolean;
  #command = 0;
  #expects = DONE;
  /** Packets to skip, and what comes after them. */
  #toSkip = 0;
  #afterSkipped = DONE;
  // The packet that is being read.
  #headerRead = 0;
  #length = 0;
  #bodyLeft = 0;
  #isContinued = false;
  #isContinuation = false;
  #kept: Buffer | undefined;
  #keptBytes = 0;

  outcome: Outcome = "none";
  /** Of the last OK or EOF packet; outlasts the answer. */
  status: number = STATUS.AUTOCOMMIT;
  /** Of the ERR packet that ended the answer. */
  errno = 0;
  /** Sequence number of the packet that was begun last. */
  sequence = 0;
  /** Results that were complete; a failed statement of several has those before it. */
  results = 0;
  /** The server wants the client's file now; whoever sends it sets this back. */
  wantsFile = false;
  /** Prepared: the server's number of it, and how many parameters it has. */
  statementId = 0;
  parameters = 0;
  /** The payload of an OK packet that carries session-track data; valid until the next chunk is fed. */
  tracked: Buffer | undefined;

  /** @param deprecateEof whether CLIENT_DEPRECATE_EOF has been agreed on */
  constructor(deprecateEof: boolean) {
    this.#deprecateEof = deprecateEof;
  }

  get isDone(): boolean {
    return this.#expects === DONE;
  }

  /** Between two packets, so that one of ours could stand here. */
  get isAtBoundary(): boolean {
    return this.#headerRead === 0 && this.#bodyLeft === 0 && !this.#isContinued;
  }

  /** A command that is answered has been sent. */
  begin(command: number): void {
    this.#command = command;
    this.#expects = command === COMMAND.STATISTICS ? SINGLE : hasOnlyRows(command) ? ROW : FIRST;
    this.outcome = "none";
    this.errno = 0;
    this.results = 0;
    this.wantsFile = false;
    this.tracked = undefined;
  }

  /** Reads on. @returns where this answer ends in the chunk; the chunk's end where it goes on after it */
  feed(chunk: Buffer, from: number): number {
    const end = chunk.length;
    let at = from;
    while (at < end && this.#expects !== DONE) {
      if (this.#bodyLeft > 0) {
        at = this.#skipBody(chunk, at);
        continue;
      }
      if (this.#headerRead > 0 || at + HEADER_BYTES >= end) {
        at = this.#readHeader(chunk, at);
        continue;
      }
      const length =
        (chunk[at] as number) | ((chunk[at + 1] as number) << 8) | ((chunk[at + 2] as number) << 16);
      this.sequence = chunk[at + 3] as number;
      at += HEADER_BYTES;
      // Nearly all packets are rows or column definitions, and whole.
      const isPlain = this.#expects === SKIPPED || (this.#expects === ROW && (chunk[at] as number) < EOF);
      if (isPlain && length < LONGEST_PACKET && !this.#isContinuation && at + length <= end) {
        at += length;
        if (this.#expects === SKIPPED) this.#skipped();
        continue;
      }
      this.#begun(length);
      if (this.#bodyLeft === 0) this.#ended(chunk, at, 0);
      else if (at + length <= end) {
        this.#bodyLeft = 0;
        this.#ended(chunk, at, length);
        at += length;
      }
    }
    return at;
  }

  #readHeader(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length && this.#headerRead < HEADER_BYTES) {
      const byte = chunk[at++] as number;
      if (this.#headerRead === 0) this.#length = 0;
      if (this.#headerRead === 3) this.sequence = byte;
      else this.#length |= byte << (8 * this.#headerRead);
      this.#headerRead++;
    }
    if (this.#headerRead < HEADER_BYTES) return at;
    this.#headerRead = 0;
    this.#begun(this.#length);
    if (this.#bodyLeft === 0) this.#ended(chunk, at, 0);
    return at;
  }

  #begun(length: number): void {
    this.#length = length;
    this.#bodyLeft = length;
    this.#isContinued = length === LONGEST_PACKET;
    this.#keptBytes = 0;
  }

  #skipBody(chunk: Buffer, from: number): number {
    const bytes = Math.min(this.#bodyLeft, chunk.length - from);
    const to = from + bytes;
    const isWhole = this.#keptBytes === 0 && bytes === this.#bodyLeft;
    if (!isWhole && !this.#isContinuation) this.#keep(chunk, from, to);
    this.#bodyLeft -= bytes;
    if (this.#bodyLeft > 0) return to;
    if (isWhole || this.#kept === undefined) this.#ended(chunk, from, bytes);
    else {
      const kept = this.#kept;
      this.#kept = undefined;
      this.#ended(kept, 0, this.#keptBytes);
    }
    return to;
  }

  /** Only what may end or shape the answer: rows and column definitions are not kept beyond their first byte. */
  #keep(chunk: Buffer, from: number, to: number): void {
    const first = this.#keptBytes === 0 ? (chunk[from] as number) : (this.#kept?.[0] ?? 0);
    const isOfUse = this.#expects !== SKIPPED && !(this.#expects === ROW && first < EOF);
    const room = isOfUse ? Math.min(MOST_KEPT_BYTES, this.#bodyLeft + this.#keptBytes) : 1;
    if (this.#keptBytes === 0) this.#kept = Buffer.allocUnsafe(room);
    const kept = this.#kept;
    if (kept === undefined || this.#keptBytes >= kept.length) return;
    this.#keptBytes += chunk.copy(kept, this.#keptBytes, from, to);
  }

  /** A packet is complete. The first of several that are one is judged when it ends; the others say nothing new. */
  #ended(bytes: Buffer, at: number, length: number): void {
    const isContinuation = this.#isContinuation;
    this.#isContinuation = this.#isContinued;
    if (isContinuation) {
      if (!this.#isContinued && this.#expects === SKIPPED) this.#skipped();
      return;
    }
    switch (this.#expects) {
      case FIRST:
        this.#first(bytes, at, length);
        return;
      case SKIPPED:
        if (!this.#isContinued) this.#skipped();
        return;
      case COLUMNS_END:
        this.#columnsEnd(bytes, at, length);
        return;
      case ROW:
        this.#row(bytes, at, length);
        return;
      default:
        this.#done("ok");
    }
  }

  #first(bytes: Buffer, at: number, length: number): void {
    const first = length === 0 ? -1 : (bytes[at] as number);
    if (first === -1) this.#done("malformed");
    else if (first === ERR) this.#error(bytes, at, length);
    else if (first === OK && this.#command === COMMAND.STMT_PREPARE) this.#prepared(bytes, at, length);
    else if (first === OK) this.#ok(bytes, at, length);
    else if (first === EOF) this.#eof(bytes, at, length);
    else if (first === LOCAL_INFILE) this.wantsFile = true;
    else this.#columns(bytes, at, length);
  }

  #columns(bytes: Buffer, at: number, length: number): void {
    const first = bytes[at] as number;
    const count = first < 0xfb ? first : first === 0xfc && length >= 3 ? bytes.readUInt16LE(at + 1) : -1;
    if (count < 0) this.#done("malformed");
    else this.#skip(count, this.#deprecateEof ? ROW : COLUMNS_END);
  }

  #prepared(bytes: Buffer, at: number, length: number): void {
    if (length < 12) {
      this.#done("malformed");
      return;
    }
    this.statementId = bytes.readUInt32LE(at + 1);
    const columns = bytes.readUInt16LE(at + 5);
    this.parameters = bytes.readUInt16LE(at + 7);
    const packetsOf = (definitions: number): number =>
      definitions === 0 ? 0 : definitions + (this.#deprecateEof ? 0 : 1);
    this.outcome = "ok";
    this.#skip(packetsOf(columns) + packetsOf(this.parameters), DONE);
  }

  #columnsEnd(bytes: Buffer, at: number, length: number): void {
    if (length > 0 && bytes[at] === ERR) {
      this.#error(bytes, at, length);
      return;
    }
    if (length < 5 || bytes[at] !== EOF) {
      this.#done("malformed");
      return;
    }
    this.status = bytes.readUInt16LE(at + 3);
    // The rows of a cursor are fetched by further commands.
    if (isExecute(this.#command) && (this.status & STATUS.CURSOR_EXISTS) !== 0) this.#done("ok");
    else this.#expects = ROW;
  }

  #row(bytes: Buffer, at: number, length: number): void {
    const first = length === 0 ? -1 : (bytes[at] as number);
    if (first === ERR) this.#error(bytes, at, length);
    // A row may begin with 0xfe as well, the length of a value of 16 MB; `length` may be but what was kept.
    else if (first === EOF && this.#length < (this.#deprecateEof ? LONGEST_PACKET : EOF_MAX_BYTES))
      this.#eof(bytes, at, length);
  }

  /** An EOF packet, or the OK packet that stands in its place. */
  #eof(bytes: Buffer, at: number, length: number): void {
    if (this.#deprecateEof && length !== 5) {
      this.#ok(bytes, at, length);
      return;
    }
    this.status = length >= 5 ? bytes.readUInt16LE(at + 3) : 0;
    this.#result();
  }

  #ok(bytes: Buffer, at: number, length: number): void {
    const limit = at + length;
    const statusAt = afterInteger(bytes, afterInteger(bytes, at + 1, limit), limit);
    if (statusAt < 0 || statusAt + 2 > limit) {
      this.#done("malformed");
      return;
    }
    this.status = bytes.readUInt16LE(statusAt);
    if ((this.status & STATUS.SESSION_STATE_CHANGED) !== 0) this.tracked = bytes.subarray(at, limit);
    this.#result();
  }

  #error(bytes: Buffer, at: number, length: number): void {
    if (length < 3) {
      this.#done("malformed");
      return;
    }
    const errno = bytes.readUInt16LE(at + 1);
    if (errno === PROGRESS_ERRNO) return;
    this.errno = errno;
    this.#done("error");
  }

  #result(): void {
    this.results++;
    if ((this.status & STATUS.MORE_RESULTS) !== 0) this.#expects = FIRST;
    else this.#done("ok");
  }

  #skip(packets: number, then: number): void {
    this.#toSkip = packets;
    this.#afterSkipped = then;
    this.#expects = packets === 0 ? then : SKIPPED;
  }

  #skipped(): void {
    if (--this.#toSkip === 0) this.#expects = this.#afterSkipped;
  }

  #done(outcome: Outcome): void {
    this.outcome = outcome;
    this.#expects = DONE;
  }
}

const hasOnlyRows = (command: number): boolean =>
  command === COMMAND.STMT_FETCH || command === COMMAND.FIELD_LIST;

const isExecute = (command: number): boolean =>
  command === COMMAND.STMT_EXECUTE || command === COMMAND.STMT_BULK_EXECUTE;

/** Where a length-encoded integer ends; -1 where it does not, within the limit. */
function afterInteger(bytes: Buffer, at: number, limit: number): number {
  if (at < 0 || at >= limit) return -1;
  const first = bytes[at] as number;
  const bytesOf = first < 0xfb ? 1 : first === 0xfc ? 3 : first === 0xfd ? 4 : first === 0xfe ? 9 : -1;
  return bytesOf < 0 || at + bytesOf > limit ? -1 : at + bytesOf;
}
