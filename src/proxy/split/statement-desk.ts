import { COMMAND } from "../../wire/command.ts";
import { HEADER_BYTES } from "../../wire/packet.ts";
import type { Command } from "./command.ts";
import { renumber, type Statement, withTypes } from "./prepared-statements.ts";
import type { ServerLeg } from "./server-leg.ts";

/** The number of a statement is in these bytes of the answer to COM_STMT_PREPARE. */
const PREPARED_HEAD_BYTES = HEADER_BYTES + 5;

/** Whether a part of the present answer has to go through answered(). */
export function concernsDesk({ code, answered }: Command): boolean {
  return code === COMMAND.STMT_PREPARE && answered < PREPARED_HEAD_BYTES;
}

/** Puts the numbers of prepared statements right, in what goes to servers and in what comes back. */
export class StatementDesk {
  /** The beginning of an answer to COM_STMT_PREPARE that came in pieces. */
  #head: Buffer | undefined;

  /** Puts the server's number of the statement into a command for it, and the types that this server was never told. */
  address(command: Command, leg: ServerLeg): void {
    const { statement, code } = command;
    const prepared = statement && leg.prepared.get(statement.id);
    if (statement === undefined || prepared === undefined) return;
    const isBulk = code === COMMAND.STMT_BULK_EXECUTE;
    const isExecution = isBulk || code === COMMAND.STMT_EXECUTE;
    if (isExecution && !command.isLong) {
      command.bytes = withTypes(command.bytes, isBulk, statement, prepared.types);
      prepared.types = statement.types;
    }
    renumber(command.bytes, prepared.id);
    if (isExecution) statement.executedOn = leg;
    if (code === COMMAND.STMT_SEND_LONG_DATA) statement.longDataOn = leg;
  }

  /** Closes it wherever it is prepared. */
  close(statement: Statement, legs: readonly ServerLeg[]): void {
    for (const leg of legs) {
      const prepared = leg.prepared.get(statement.id);
      if (prepared === undefined) continue;
      leg.prepared.delete(statement.id);
      const bytes = Buffer.from([5, 0, 0, 0, COMMAND.STMT_CLOSE, 0, 0, 0, 0]);
      renumber(bytes, prepared.id);
      leg.send(bytes);
    }
  }

  /**
   * The client is to know a statement by our number, which is the command's id.
   * @returns what the client may be sent; undefined: not enough of the answer is here to write the number in
   */
  answered({ id }: Command, part: Buffer): Buffer | undefined {
    const head = this.#head === undefined ? part : Buffer.concat([this.#head, part]);
    const isPrepared = head[HEADER_BYTES] === 0;
    if (head.length <= HEADER_BYTES || (isPrepared && head.length < PREPARED_HEAD_BYTES)) {
      this.#head = head;
      return undefined;
    }
    this.#head = undefined;
    if (isPrepared) renumber(head, id);
    return head;
  }

  /** The answer will not go on. */
  forget(): void {
    this.#head = undefined;
  }
}
