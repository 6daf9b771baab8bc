import { COMMAND } from "../../wire/command.ts";
import { initDbPacket } from "./own-packets.ts";
import type { Statement } from "./prepared-statements.ts";
import type { Awaited, ServerLeg } from "./server-leg.ts";

/**
 * Prepares a statement on a server that has not seen it, in the database of then. `then` is told the server's ERR packet, an empty one
 * where the connection was lost meanwhile; undefined where it has succeeded.
 */
export function prepareElsewhere(
  leg: ServerLeg,
  statement: Statement,
  database: string | undefined,
  then: (failure: Buffer | undefined) => void,
): void {
  const isElsewhere = statement.database !== undefined && statement.database !== database;
  if (isElsewhere) leg.send(initDbPacket(statement.database ?? ""), new Unheard(COMMAND.INIT_DB));
  leg.send(statement.command, new Preparation(statement, then));
  if (isElsewhere && database !== undefined) leg.send(initDbPacket(database), new Unheard(COMMAND.INIT_DB));
}

class Preparation implements Awaited {
  readonly command = COMMAND.STMT_PREPARE;
  readonly #statement: Statement;
  readonly #then: (failure: Buffer | undefined) => void;
  #head: Buffer | undefined;

  constructor(statement: Statement, then: (failure: Buffer | undefined) => void) {
    this.#statement = statement;
    this.#then = then;
  }

  bytes(_leg: ServerLeg, part: Buffer): void {
    // An ERR packet is all there is; of anything else nothing is needed.
    this.#head =
      this.#head === undefined ? part : Buffer.concat([this.#head, part.subarray(0, 1024)]).subarray(0, 1024);
  }

  done(leg: ServerLeg): void {
    const { outcome, statementId } = leg.reply;
    if (outcome === "ok") leg.prepared.set(this.#statement.id, { id: statementId, types: undefined });
    this.#then(outcome === "ok" ? undefined : this.#head);
  }

  abandoned(): void {
    this.#then(NOTHING);
  }
}

const NOTHING = Buffer.alloc(0);

/** Nobody hears the answer. */
export class Unheard implements Awaited {
  readonly command: number;

  constructor(command: number) {
    this.command = command;
  }

  bytes(): void {}

  done(): void {}
}
