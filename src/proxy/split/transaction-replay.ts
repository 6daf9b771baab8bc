import type { ReplayRules } from "../../topology/routing-table.ts";
import { COMMAND } from "../../wire/command.ts";
import type { Timers } from "../passthrough/timers.ts";
import { renumber, type Statement, withTypes } from "./prepared-statements.ts";
import type { Awaited, ServerLeg } from "./server-leg.ts";
import { AnswerSum, type LoggedCommand } from "./transaction-log.ts";

/** Who repeats a transaction. */
export interface ReplayOwner {
  /** A connection to the primary, brought to where the session is; undefined: there is none now. */
  reachPrimary(): Promise<ServerLeg | undefined>;
  /** Prepares a statement there if it is not; false: it cannot be. */
  prepareOn(leg: ServerLeg, statement: Statement): Promise<boolean>;
  /** It is where it was when its server was lost. */
  repeated(leg: ServerLeg): void;
  /** `reason`: a clause. */
  notRepeated(reason: string): void;
}

/** ER_LOCK_DEADLOCK; with Galera also: another node's transaction came first. */
export const DEADLOCK = 1213;
/** How often a primary is looked for, ms. */
const LOOK_AGAIN_MS = 100;

/** Does a transaction again on another server, command by command, and compares what comes of each. */
export class TransactionReplay {
  readonly #commands: readonly LoggedCommand[];
  readonly #rules: ReplayRules;
  readonly #owner: ReplayOwner;
  readonly #timers: Timers;
  readonly #endsAt: number;
  #attempts = 0;
  #isOver = false;

  constructor(commands: readonly LoggedCommand[], rules: ReplayRules, timers: Timers, owner: ReplayOwner) {
    this.#commands = [...commands];
    this.#rules = rules;
    this.#owner = owner;
    this.#timers = timers;
    this.#endsAt = rules.timeoutMs === 0 ? Number.POSITIVE_INFINITY : timers.now() + rules.timeoutMs;
  }

  /** Never rejects; the owner is told once. */
  async run(): Promise<void> {
    while (!this.#isOver) {
      const leg = await this.#owner.reachPrimary();
      if (this.#isOver) return;
      if (leg === undefined) {
        if (!(await this.#mayWait())) return this.#fail("no primary came in time");
        continue;
      }
      if (this.#attempts++ >= this.#rules.attempts) return this.#fail(`it was lost ${this.#attempts} times`);
      const end = await this.#repeatOn(leg);
      if (end === "differs") return this.#fail("it did not have the same results again");
      // It may have been lost since its last answer.
      if (end === "lost" || leg.isClosed) continue;
      if (!this.#isOver) this.#owner.repeated(leg);
      this.#isOver = true;
    }
  }

  /** Nobody is interested any more. */
  stop(): void {
    this.#isOver = true;
  }

  async #repeatOn(leg: ServerLeg): Promise<"whole" | "lost" | "differs"> {
    for (const command of this.#commands) {
      const { statement } = command;
      if (statement !== undefined && !(await this.#owner.prepareOn(leg, statement)))
        return leg.isClosed ? "lost" : "differs";
      const sum = await this.#send(leg, command);
      if (this.#isOver) return "lost";
      if (sum === undefined) return "lost";
      if (sum !== command.sum) {
        leg.lose("is of no use: a repeated transaction had other results there");
        return "differs";
      }
    }
    return "whole";
  }

  #send(leg: ServerLeg, { bytes, code, statement }: LoggedCommand): Promise<string | undefined> {
    if (leg.isClosed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      leg.send(
        statement === undefined ? bytes : addressed(bytes, code, statement, leg),
        new Repeated(code, this.#rules, resolve),
      );
    });
  }

  async #mayWait(): Promise<boolean> {
    if (this.#timers.now() >= this.#endsAt) return false;
    await new Promise<void>((resolve) => this.#timers.after(LOOK_AGAIN_MS, resolve));
    return true;
  }

  #fail(reason: string): void {
    if (!this.#isOver) this.#owner.notRepeated(reason);
    this.#isOver = true;
  }
}

function addressed(bytes: Buffer, code: number, statement: Statement, leg: ServerLeg): Buffer {
  const prepared = leg.prepared.get(statement.id);
  if (prepared === undefined) return bytes;
  const copy = withTypes(Buffer.from(bytes), code === COMMAND.STMT_BULK_EXECUTE, statement, prepared.types);
  prepared.types = statement.types;
  renumber(copy, prepared.id);
  return copy;
}

class Repeated implements Awaited {
  readonly command: number;
  readonly #rules: ReplayRules;
  readonly #then: (sum: string | undefined) => void;
  readonly #sum = new AnswerSum();

  /** @param then is told undefined where it has to be done again from the beginning */
  constructor(command: number, rules: ReplayRules, then: (sum: string | undefined) => void) {
    this.command = command;
    this.#rules = rules;
    this.#then = then;
  }

  bytes(_leg: ServerLeg, part: Buffer): void {
    this.#sum.add(part);
  }

  done(leg: ServerLeg): void {
    const isDeadlock = this.#rules.onDeadlock && leg.reply.errno === DEADLOCK;
    this.#then(isDeadlock ? undefined : this.#sum.value(leg, this.#rules.checksum));
  }

  abandoned(): void {
    this.#then(undefined);
  }
}
