import type { Accounts } from "../../topology/accounts.ts";
import type { Timers } from "../passthrough/timers.ts";

/** The accounts of a service, as they are known in this process. */
export interface AccountSource {
  /** undefined: none have been read yet. */
  readonly current: Accounts | undefined;
  /** A login failed by what is known: resolves when newer accounts are here, or when it is known that none will come now. */
  refresh(): Promise<void>;
}

export interface BookParts {
  readonly timers: Pick<Timers, "now" | "after">;
  /** Tells the control process that somebody waits for newer accounts. */
  ask(): void;
}

/** How long a login waits for the control process; it has servers to ask, and one may be down. */
const ANSWER_MS = 3000;
/** Where there was nothing newer a moment ago, nobody asks again: guesses by the thousand must not keep the control process busy. */
const MOMENT_MS = 10;

/** A worker's copy of what the control process has read; see main/traffic/account-books.ts. */
export class AccountCopy implements AccountSource {
  readonly #parts: BookParts;
  #current: Accounts | undefined;
  #answer: PromiseWithResolvers<void> | undefined;
  #deniedAt = Number.NEGATIVE_INFINITY;
  #cancel: () => void = () => {};

  constructor(parts: BookParts) {
    this.#parts = parts;
  }

  get current(): Accounts | undefined {
    return this.#current;
  }

  /** All who fail meanwhile wait for the same answer. */
  async refresh(): Promise<void> {
    const { timers, ask } = this.#parts;
    if (timers.now() - this.#deniedAt < MOMENT_MS) return;
    const asked = this.#answer;
    const answer = asked ?? Promise.withResolvers<void>();
    if (asked === undefined) {
      this.#answer = answer;
      this.#cancel = timers.after(ANSWER_MS, () => this.#settle());
      ask();
    }
    await answer.promise;
  }

  /** What the control process says. @param accounts undefined: there is nothing newer now */
  put(accounts: Accounts | undefined): void {
    if (accounts === undefined) this.#deniedAt = this.#parts.timers.now();
    else this.#current = accounts;
    this.#settle();
  }

  #settle(): void {
    const answer = this.#answer;
    this.#answer = undefined;
    this.#cancel();
    answer?.resolve();
  }
}
