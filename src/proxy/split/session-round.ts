import type { Command } from "./command.ts";
import type { LegSet } from "./leg-set.ts";
import type { Awaited, ServerLeg } from "./server-leg.ts";
import type { SessionHistory } from "./session-history.ts";

/**
 * A session command on its way to all servers: the client hears one of them, and those that answer otherwise are not what the
 * session is any more.
 */
export class SessionRound {
  readonly #command: number;
  #isOk: boolean | undefined;
  /** Answers that came before the one that counts. */
  readonly #early: { readonly leg: ServerLeg; readonly isOk: boolean }[] = [];

  private constructor(command: number) {
    this.#command = command;
  }

  /** Tells all servers but `heard`, whose answer the client hears. */
  static begin(command: Command, heard: ServerLeg, legs: LegSet, history: SessionHistory): SessionRound {
    const round = new SessionRound(command.code);
    for (const other of [...legs.all])
      if (other !== heard && !legs.catchUp(other)) other.lose("cannot be told what the session has set");
    command.id = history.nextId();
    for (const leg of legs.all) {
      leg.position = command.id;
      if (leg !== heard) leg.send(command.bytes, round.#echo());
    }
    return round;
  }

  #echo(): Awaited {
    return {
      command: this.#command,
      bytes: () => {},
      done: (leg) => {
        const isOk = leg.reply.outcome === "ok";
        if (this.#isOk === undefined) this.#early.push({ leg, isOk });
        else this.#compare(leg, isOk);
      },
    };
  }

  /** The answer that counts is here. */
  settle(isOk: boolean): void {
    this.#isOk = isOk;
    for (const early of this.#early) this.#compare(early.leg, early.isOk);
    this.#early.length = 0;
  }

  #compare(leg: ServerLeg, isOk: boolean): void {
    if (isOk !== this.#isOk)
      leg.lose(`${isOk ? "accepts" : "does not accept"} what the primary ${isOk ? "refuses" : "does"}`);
  }
}
