import type { Timers } from "../passthrough/timers.ts";

/** How long failures count, and how long a host is turned away; ms. */
const REMEMBER_MS = 60_000;
const FIRST_DELAY_MS = 20;
const LAST_DELAY_MS = 1000;
/** Hosts that are remembered; the one that failed longest ago goes first. */
const MOST_HOSTS = 10_000;
/** Logins under way at once, from one host and from all. */
const MOST_LOGINS_OF_HOST = 1000;
const MOST_LOGINS = 10_000;

interface Failures {
  readonly count: number;
  readonly at: number;
}

/**
 * Keeps guessing of passwords slow: who has failed waits a little longer for each answer, and is turned away after too many. Of this
 * process alone.
 */
export class LoginGuard {
  readonly #timers: Timers;
  /** Failed logins of a host until it is turned away for a minute; 0: never. */
  maxFailures = 0;
  readonly #failures = new Map<string, Failures>();
  readonly #underWay = new Map<string, number>();
  #logins = 0;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** A login begins; false: too many are under way. Each that begins has to end. */
  begin(host: string): boolean {
    const count = this.#underWay.get(host) ?? 0;
    if (count >= MOST_LOGINS_OF_HOST || this.#logins >= MOST_LOGINS) return false;
    this.#underWay.set(host, count + 1);
    this.#logins++;
    return true;
  }

  end(host: string): void {
    const count = (this.#underWay.get(host) ?? 1) - 1;
    if (count === 0) this.#underWay.delete(host);
    else this.#underWay.set(host, count);
    this.#logins--;
  }

  isBlocked(host: string): boolean {
    return this.maxFailures > 0 && this.#countOf(host) >= this.maxFailures;
  }

  /** @returns how long the answer should wait, ms */
  failed(host: string): number {
    const count = this.#countOf(host) + 1;
    this.#failures.delete(host);
    this.#failures.set(host, { count, at: this.#timers.now() });
    if (this.#failures.size > MOST_HOSTS) this.#forgetOldest();
    return Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** (count - 1));
  }

  succeeded(host: string): void {
    this.#failures.delete(host);
  }

  #countOf(host: string): number {
    const failures = this.#failures.get(host);
    if (failures === undefined) return 0;
    return this.#timers.now() - failures.at < REMEMBER_MS ? failures.count : 0;
  }

  #forgetOldest(): void {
    for (const host of this.#failures.keys()) {
      this.#failures.delete(host);
      return;
    }
  }
}
