import type { Accounts } from "../../topology/accounts.ts";

/** The accounts of a service, as they are known in this process. */
export interface AccountSource {
  /** undefined: none have been read yet. */
  readonly current: Accounts | undefined;
  /** A login failed by what is known: resolves when newer accounts are here, or when it is known that none will come now. */
  refresh(): Promise<void>;
}

export interface BookParts {
  readonly timers: { after(ms: number, callback: () => void): () => void };
  /** Tells the control process that somebody waits for newer accounts. */
  ask(): void;
}

/** How long a login waits for the control process; it has servers to ask, and one may be down. */
const ANSWER_MS = 3000;

/** A worker's copy of what the control process has read; see main/traffic/account-books.ts. */
export class AccountCopy implements AccountSource {
  readonly #parts: BookParts;
  #current: Accounts | undefined;
  #answer: PromiseWithResolvers<void> | undefined;
  #cancel: () => void = () => {};

  constructor(parts: BookParts) {
    this.#parts = parts;
  }

  get current(): Accounts | undefined {
    return this.#current;
  }

  /** All who fail meanwhile wait for the same answer. */
  async refresh(): Promise<void> {
    const asked = this.#answer;
    const answer = asked ?? Promise.withResolvers<void>();
    if (asked === undefined) {
      this.#answer = answer;
      this.#cancel = this.#parts.timers.after(ANSWER_MS, () => this.#settle());
      this.#parts.ask();
    }
    await answer.promise;
  }

  /** What the control process says. @param accounts undefined: there is nothing newer now */
  put(accounts: Accounts | undefined): void {
    if (accounts !== undefined) this.#current = accounts;
    this.#settle();
  }

  #settle(): void {
    const answer = this.#answer;
    this.#answer = undefined;
    this.#cancel();
    answer?.resolve();
  }
}
