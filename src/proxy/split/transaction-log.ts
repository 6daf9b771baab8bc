import { crc32 } from "node:zlib";
import type { ReplayRules } from "../../topology/routing-table.ts";
import { readOk } from "../../wire/ok-packet.ts";
import { HEADER_BYTES } from "../../wire/packet.ts";
import type { Statement } from "./prepared-statements.ts";
import type { ServerLeg } from "./server-leg.ts";

/** A command of the transaction, and what came of it. */
export interface LoggedCommand {
  readonly bytes: Buffer;
  readonly code: number;
  readonly statement: Statement | undefined;
  /** See AnswerSum.value(). */
  readonly sum: string;
}

/** The sum of an answer, part by part. */
export class AnswerSum {
  #crc = 0;
  #bytes = 0;
  #first: Buffer | undefined;

  add(part: Buffer): void {
    this.#crc = crc32(part, this.#crc);
    this.#bytes += part.length;
    this.#first ??= part;
  }

  reset(): void {
    this.#crc = 0;
    this.#bytes = 0;
    this.#first = undefined;
  }

  /** Equal where the client could not tell the answers apart, as far as the rules ask for that. */
  value(leg: ServerLeg, checksum: ReplayRules["checksum"]): string {
    const { outcome, errno } = leg.reply;
    if (outcome === "error") return `error ${errno}`;
    const first = this.#first;
    const isLoneOk = first !== undefined && first.length === this.#bytes && first[HEADER_BYTES] === 0;
    if (!isLoneOk) return `result ${this.#crc}`;
    if (checksum === "result_only") return "ok";
    const { affectedRows, lastInsertId } = readOk(first.subarray(HEADER_BYTES), leg.login.capabilities);
    return checksum === "no_insert_id" ? `ok ${affectedRows}` : `ok ${affectedRows} ${lastInsertId}`;
  }
}

/** What a transaction has done so far, so that it can be done again elsewhere. */
export class TransactionLog {
  #commands: LoggedCommand[] = [];
  #bytes = 0;
  #isWhole = true;

  get commands(): readonly LoggedCommand[] {
    return this.#commands;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** False: it did what cannot be repeated, or too much. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  add(command: LoggedCommand, maxBytes: number): void {
    if (!this.#isWhole) return;
    this.#bytes += command.bytes.length;
    if (this.#bytes > maxBytes) this.spoil();
    else this.#commands.push(command);
  }

  /** Something was done that cannot be repeated. */
  spoil(): void {
    this.#isWhole = false;
    this.#commands = [];
    this.#bytes = 0;
  }

  clear(): void {
    if (this.#commands.length > 0) this.#commands = [];
    this.#bytes = 0;
    this.#isWhole = true;
  }
}
