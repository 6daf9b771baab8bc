import { BEGIN, COMMIT, MULTI, READ, ROLLBACK, ROUTES, SESSION } from "../../sql/statement-flags.ts";
import { COMMAND } from "../../wire/command.ts";
import type { WireError } from "../../wire/error-packet.ts";
import type { Destination } from "./destination.ts";
import type { Statement } from "./prepared-statements.ts";
import type { ServerLeg } from "./server-leg.ts";
import type { SplitServer } from "./split-server.ts";

/** The command of the client that is under way. One object for all of a session's: there is one at a time. */
export class Command {
  /** With its packet header; of a long command the beginning. */
  bytes: Buffer = NOTHING;
  code = 0;
  /** classify(), of the statement that it sends, prepares or executes; 0: it has none. */
  flags = 0;
  destination: Destination | "leg" = "primary";
  /** It is passed on as it comes, and cannot be repeated. */
  isLong = false;
  /** No answer comes to it. */
  isSilent = false;
  /** Of STMT_EXECUTE and its like. */
  statement: Statement | undefined;
  /** Our number of the statement that it prepares, or its number in the history. */
  id = 0;
  /** Who answers it: with `destination: "leg"` fixed from the start. */
  leg: ServerLeg | undefined;
  /** It has been sent to `leg`. */
  isSent = false;
  /** Bytes of its answer that the client has been sent. */
  answered = 0;
  /** Where it failed. */
  tried: readonly SplitServer[] = NOWHERE;
  /** What the server that failed last has said itself; undefined: nothing. */
  refusal: WireError | undefined;
  /** It waits for a primary until then, ms since 1970; 0: it has not begun to. */
  waitsUntil = 0;
  /** What has been written has been asked for it; see CausalRead. */
  isPositionKnown = false;

  begin(bytes: Buffer, isLong: boolean): void {
    this.bytes = bytes;
    this.code = bytes[4] as number;
    this.flags = 0;
    this.destination = "primary";
    this.isLong = isLong;
    this.isSilent = false;
    this.statement = undefined;
    this.id = 0;
    this.leg = undefined;
    this.isSent = false;
    this.answered = 0;
    this.tried = NOWHERE;
    this.refusal = undefined;
    this.waitsUntil = 0;
    this.isPositionKnown = false;
  }

  failedOn(server: SplitServer): void {
    this.tried = [...this.tried, server];
  }

  /** It may go everywhere again. */
  forgetFailures(): void {
    this.tried = NOWHERE;
    this.refusal = undefined;
  }

  /** It is over: lets go of what it held. */
  finish(): void {
    this.bytes = NOTHING;
    this.statement = undefined;
    this.leg = undefined;
    this.isSent = false;
  }

  /** Changes nothing, or the same again: may be sent to another server though it has been sent to one. */
  get isRepeatable(): boolean {
    if (this.isLong || this.statement?.longDataOn !== undefined) return false;
    if (REPEATABLE.has(this.code)) return true;
    if (!STATEMENTS.has(this.code)) return false;
    const { flags } = this;
    const route = flags & ROUTES;
    // A transaction that has not begun has done nothing. It ends an open one, which is lost as well.
    if ((flags & BEGIN) !== 0 && (flags & (COMMIT | ROLLBACK | MULTI)) === 0)
      return this.destination !== "transaction";
    return route === READ || (route === SESSION && this.code === COMMAND.QUERY);
  }
}

const NOTHING = Buffer.alloc(0);
const NOWHERE: readonly SplitServer[] = [];
const STATEMENTS: ReadonlySet<number> = new Set([COMMAND.QUERY, COMMAND.STMT_EXECUTE]);
const REPEATABLE: ReadonlySet<number> = new Set([
  COMMAND.INIT_DB,
  COMMAND.FIELD_LIST,
  COMMAND.STATISTICS,
  COMMAND.PROCESS_INFO,
  COMMAND.PING,
  COMMAND.STMT_PREPARE,
  COMMAND.STMT_RESET,
  COMMAND.SET_OPTION,
  COMMAND.RESET_CONNECTION,
]);
