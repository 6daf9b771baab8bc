import type { ClientIdentity } from "./logged-in.ts";

/** Sessions of each account that has a limit of its own (MAX_USER_CONNECTIONS). In this process; the servers count all that reaches them. */
export class AccountPlaces {
  readonly #sessions = new Map<string, number>();

  /** False: all its places are taken. Each that is taken is to be left. */
  take({ account, maxUserConnections }: ClientIdentity): boolean {
    if (maxUserConnections === 0) return true;
    const present = this.#sessions.get(account) ?? 0;
    if (present >= maxUserConnections) return false;
    this.#sessions.set(account, present + 1);
    return true;
  }

  leave({ account, maxUserConnections }: ClientIdentity): void {
    if (maxUserConnections === 0) return;
    const left = (this.#sessions.get(account) ?? 1) - 1;
    if (left === 0) this.#sessions.delete(account);
    else this.#sessions.set(account, left);
  }
}
