import { BEGIN, COMMIT, IMPLICIT_COMMIT, MULTI, OPAQUE, ROLLBACK, USE } from "../../sql/statement-flags.ts";
import type { ReplayRules } from "../../topology/routing-table.ts";
import { COMMAND } from "../../wire/command.ts";
import type { Command } from "./command.ts";
import type { LegSet } from "./leg-set.ts";
import { prepareElsewhere } from "./prepare-elsewhere.ts";
import type { Statement } from "./prepared-statements.ts";
import type { ServerLeg } from "./server-leg.ts";
import type { SessionContext } from "./session-context.ts";
import { owned } from "./settle-command.ts";
import type { SplitHost } from "./split-host.ts";
import { AnswerSum, TransactionLog } from "./transaction-log.ts";
import { DEADLOCK, TransactionReplay } from "./transaction-replay.ts";

/** What becomes of a transaction whose server was lost. */
export interface TransactionOwner {
  /** It is on that connection now as it was on the lost one. */
  repeated(leg: ServerLeg): void;
  /** `reason`: a clause. */
  notRepeated(reason: string): void;
}

const CARRIED: ReadonlySet<number> = new Set([
  COMMAND.QUERY,
  COMMAND.STMT_EXECUTE,
  COMMAND.STMT_BULK_EXECUTE,
  COMMAND.SET_OPTION,
]);

/** Notes what a session's transaction does, and does it again where its server was lost (transaction_replay). */
export class TransactionKeeper {
  readonly #host: SplitHost;
  readonly #context: SessionContext;
  readonly #legs: LegSet;
  readonly #owner: TransactionOwner;
  readonly #log = new TransactionLog();
  /** Of the answer that comes in. */
  readonly #sum = new AnswerSum();
  /** What the session had been told before the transaction began: a position in its history. */
  #beganAt: number;
  #replay: TransactionReplay | undefined;
  /** How often it was repeated because of a deadlock. */
  #deadlocks = 0;

  constructor(host: SplitHost, context: SessionContext, legs: LegSet, owner: TransactionOwner) {
    this.#host = host;
    this.#context = context;
    this.#legs = legs;
    this.#owner = owner;
    this.#beganAt = context.history.lastId;
    // What a present transaction has done so far was not noted.
    if (context.facts.transaction !== undefined) this.#log.spoil();
  }

  get bytes(): number {
    return this.#log.bytes;
  }

  /** A part of an answer that the client is sent. */
  add(part: Buffer): void {
    this.#sum.add(part);
  }

  /** The answer will be another one. */
  forget(): void {
    this.#sum.reset();
  }

  /** The present answer is that the server has rolled the transaction back, and that is a reason to do it again. */
  isDeadlock({ reply }: ServerLeg): boolean {
    if (reply.errno !== DEADLOCK || reply.outcome !== "error") return false;
    const { replay } = this.#context.rules;
    return replay?.onDeadlock === true && this.#log.isWhole && this.#deadlocks < replay.attempts;
  }

  /** It is done again, or the client hears of it after all. */
  countDeadlock(isDoneAgain: boolean): void {
    this.#deadlocks = isDoneAgain ? this.#deadlocks + 1 : Number.POSITIVE_INFINITY;
  }

  /** A command has been answered. */
  note(command: Command, leg: ServerLeg): void {
    const { rules, facts } = this.#context;
    const { replay } = rules;
    const { transaction } = facts;
    if (replay === undefined || transaction === undefined) this.#beginAnew();
    else if (transaction === leg) this.#noteInside(command, leg, replay);
    this.#sum.reset();
  }

  /** Nothing is to be repeated yet. */
  #beginAnew(): void {
    this.#log.clear();
    this.#beganAt = this.#context.history.lastId;
    this.#deadlocks = 0;
  }

  /** The transaction is open after it. */
  #noteInside(command: Command, leg: ServerLeg, replay: ReplayRules): void {
    const { bytes, code, statement, isLong } = command;
    if (beginsAnew(command) && leg.reply.outcome === "ok") this.#beginAnew();
    else if (mayEnd(command) || isMove(command) || isLong || statement?.longDataOn !== undefined)
      this.#log.spoil();
    if (!CARRIED.has(code)) return;
    const sum = this.#sum.value(leg, replay.checksum);
    this.#log.add({ bytes: owned(bytes), code, statement, sum }, replay.maxBytes);
  }

  /**
   * The server of the transaction is lost: begins to do it again elsewhere. False: that cannot be.
   * @param command that was under way there
   */
  repeat(command: Command | undefined): boolean {
    const { rules, facts, history } = this.#context;
    const { commands, isWhole } = this.#log;
    if (rules.replay === undefined || !isWhole || commands.length === 0) return false;
    if (command !== undefined && !mayFollow(command)) return false;
    facts.transaction = undefined;
    this.#replay = new TransactionReplay(commands, rules.replay, this.#host.timers, {
      reachPrimary: async () => await this.#reachPrimary(),
      prepareOn: async (leg, statement) => await this.#prepareOn(leg, statement),
      repeated: (leg) => {
        leg.position = history.lastId;
        facts.transaction = leg;
        this.#owner.repeated(leg);
      },
      notRepeated: (reason) => this.#owner.notRepeated(reason),
    });
    void this.#replay.run();
    return true;
  }

  /** The session is over. */
  stop(): void {
    this.#replay?.stop();
  }

  /** Brought to where the session was when the transaction began: what it was told since is repeated with the rest. */
  async #reachPrimary(): Promise<ServerLeg | undefined> {
    const { primary } = this.#host;
    if (primary === undefined) return undefined;
    const present = this.#legs.on(primary);
    if (present !== undefined && present.position > this.#beganAt) this.#legs.drop(present);
    const leg = await this.#legs.reach(primary);
    return leg !== undefined && this.#legs.catchUp(leg, this.#beganAt) ? leg : undefined;
  }

  async #prepareOn(leg: ServerLeg, statement: Statement): Promise<boolean> {
    if (leg.prepared.has(statement.id)) return true;
    return await new Promise((resolve) => {
      const { database } = this.#context.facts;
      prepareElsewhere(leg, statement, database, (failure) => resolve(failure === undefined));
    });
  }
}

const ENDS = COMMIT | ROLLBACK | IMPLICIT_COMMIT;

/** BEGIN alone: what was before it is committed, and the transaction that is open now has done nothing. */
const beginsAnew = ({ flags }: Command): boolean =>
  (flags & BEGIN) !== 0 && (flags & (COMMIT | ROLLBACK | MULTI | OPAQUE)) === 0;

/**
 * Part of what was done may be committed, and done twice if it were repeated: by COMMIT AND CHAIN, by one statement of several, inside of a
 * procedure (functions cannot be told from these), by a COMMIT that was answered with an error, as nobody knows how far it came.
 */
const mayEnd = ({ flags }: Command): boolean => (flags & (ENDS | OPAQUE)) !== 0;

/** Statements are prepared again in the database of then, and after that it would be the last one. */
const isMove = ({ code, flags }: Command): boolean => code === COMMAND.INIT_DB || (flags & USE) !== 0;

/** Whether a command may be sent after the transaction was repeated, though it has been sent before. A COMMIT may have been done. */
function mayFollow({ flags, isSent, answered, isLong, destination }: Command): boolean {
  const mayCommit = (flags & (COMMIT | IMPLICIT_COMMIT | MULTI | OPAQUE)) !== 0;
  return answered === 0 && !isLong && destination !== "leg" && !(mayCommit && isSent);
}
