import { HEADER_BYTES } from "../../wire/packet.ts";
import type { ServerLeg } from "./server-leg.ts";

/** A binary prepared statement of the session. It has our number for the client, and one of its own on each server. */
export interface Statement {
  readonly id: number;
  /** COM_STMT_PREPARE as the client sent it, packet header included. */
  readonly command: Buffer;
  /** What classify() says of its text. */
  readonly flags: number;
  /** The default database at that time; undefined: none. */
  readonly database: string | undefined;
  readonly parameters: number;
  /** Parameter types as the client told them last; it does so once. */
  types: Buffer | undefined;
  /** Where it was executed last; its cursor is there, if it has one. */
  executedOn: ServerLeg | undefined;
  hasCursor: boolean;
  /** Where COM_STMT_SEND_LONG_DATA has gone; the execution must follow. */
  longDataOn: ServerLeg | undefined;
}

/** What servers allow by default for all their clients together. */
const MOST_STATEMENTS = 16_382;
const MOST_BYTES = 16 << 20;

const ID_OFFSET = HEADER_BYTES + 1;
/** Number, flags, iteration count (always 1). */
const EXECUTE_FIXED_BYTES = 9;
/** Number, flags. */
const BULK_FIXED_BYTES = 6;
const BULK_SENDS_TYPES = 128;
/** MariaDB: the statement that was prepared last; sent before its number can be known. */
const LAST_PREPARED = 0xffffffff;

/** The binary prepared statements of a session. */
export class PreparedStatements {
  readonly #statements = new Map<number, Statement>();
  #bytes = 0;
  #lastId = 0;
  #lastPrepared: Statement | undefined;

  get count(): number {
    return this.#statements.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** One has something on a server that a new connection would not have: a cursor, or parts of a parameter. */
  get hasOpen(): boolean {
    for (const { executedOn, longDataOn, hasCursor } of this.#statements.values())
      if (longDataOn !== undefined || (hasCursor && executedOn !== undefined)) return true;
    return false;
  }

  get isFull(): boolean {
    return this.#statements.size >= MOST_STATEMENTS || this.#bytes >= MOST_BYTES;
  }

  /** A number for a statement that is about to be prepared. Until it is, there is no last one. */
  nextId(): number {
    this.#lastPrepared = undefined;
    // The highest number stands for "the last one".
    this.#lastId = (this.#lastId % (LAST_PREPARED - 1)) + 1;
    return this.#lastId;
  }

  add(statement: Statement): void {
    this.#statements.set(statement.id, statement);
    this.#bytes += statement.command.length;
    this.#lastPrepared = statement;
  }

  /** The statement that a COM_STMT_… names; undefined: there is none. */
  named(command: Buffer): Statement | undefined {
    if (command.length < ID_OFFSET + 4) return undefined;
    const id = command.readUInt32LE(ID_OFFSET);
    return id === LAST_PREPARED ? this.#lastPrepared : this.#statements.get(id);
  }

  delete(statement: Statement): void {
    if (this.#statements.delete(statement.id)) this.#bytes -= statement.command.length;
    if (this.#lastPrepared === statement) this.#lastPrepared = undefined;
  }

  clear(): void {
    this.#statements.clear();
    this.#bytes = 0;
    this.#lastPrepared = undefined;
  }

  /** What was on that connection is gone with it. */
  forgetLeg(leg: ServerLeg): void {
    if (this.#statements.size === 0) return;
    for (const statement of this.#statements.values()) {
      if (statement.executedOn === leg) statement.executedOn = undefined;
    }
  }
}

/** Puts the server's number of a statement in the place of ours, in place. */
export function renumber(command: Buffer, id: number): void {
  command.writeUInt32LE(id, ID_OFFSET);
}

/** Where an execution says its parameter types. */
interface TypesPlace {
  /** The flag that tells whether they are there. */
  readonly flagAt: number;
  readonly areSent: boolean;
  /** Where they are, or would be. */
  readonly at: number;
}

/**
 * Remembers the parameter types that an execution brings, and adds those that it leaves out but this server has never heard.
 * @returns the command as it is to be sent: the same one, but for the rare case
 */
export function withTypes(
  command: Buffer,
  isBulk: boolean,
  statement: Statement,
  known: Buffer | undefined,
): Buffer {
  const place = typesPlace(command, isBulk, statement.parameters);
  const { types } = statement;
  const bytes = 2 * statement.parameters;
  if (place === undefined) return command;
  if (place.areSent) {
    const sent = command.subarray(place.at, place.at + bytes);
    if (types === undefined || !types.equals(sent))
      statement.types = Buffer.from(Uint8Array.from(sent).buffer);
    return command;
  }
  if (types === undefined || types === known) return command;
  const all = Buffer.concat([command.subarray(0, place.at), types, command.subarray(place.at)]);
  all.writeUIntLE(all.length - HEADER_BYTES, 0, 3);
  if (isBulk) all.writeUInt16LE(all.readUInt16LE(place.flagAt) | BULK_SENDS_TYPES, place.flagAt);
  else all[place.flagAt] = 1;
  return all;
}

/** Undefined: there are no parameters, or the command ends before. */
function typesPlace(command: Buffer, isBulk: boolean, parameters: number): TypesPlace | undefined {
  if (parameters === 0) return undefined;
  if (isBulk) {
    const flagAt = ID_OFFSET + 4;
    const at = ID_OFFSET + BULK_FIXED_BYTES;
    if (command.length < at) return undefined;
    return { flagAt, at, areSent: (command.readUInt16LE(flagAt) & BULK_SENDS_TYPES) !== 0 };
  }
  const flagAt = ID_OFFSET + EXECUTE_FIXED_BYTES + ((parameters + 7) >> 3);
  if (command.length <= flagAt) return undefined;
  return { flagAt, at: flagAt + 1, areSent: command[flagAt] === 1 };
}
