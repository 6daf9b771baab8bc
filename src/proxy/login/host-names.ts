import type { Timers } from "../passthrough/timers.ts";

/** How long an answer counts, and how long a login waits for one; ms. */
const KEPT_MS = 60_000;
const ANSWER_MS = 2000;
/** Addresses that are remembered; the one asked for longest ago goes first. */
const MOST = 10_000;

interface Known {
  readonly at: number;
  readonly name: Promise<string | undefined>;
}

/** Names of clients' hosts, looked up once a minute: a slow name server must not hold up every login. */
export class HostNames {
  readonly #timers: Timers;
  readonly #lookUp: (address: string) => Promise<string | undefined>;
  readonly #known = new Map<string, Known>();

  /** @param lookUp a name that leads back to the address; undefined: there is none. Never rejects. */
  constructor(timers: Timers, lookUp: (address: string) => Promise<string | undefined>) {
    this.#timers = timers;
    this.#lookUp = lookUp;
  }

  /** undefined: it has none, or it is not known in time. */
  async nameOf(address: string): Promise<string | undefined> {
    const now = this.#timers.now();
    const known = this.#known.get(address);
    if (known !== undefined && now - known.at < KEPT_MS) return await known.name;
    const name = this.#within(this.#lookUp(address));
    this.#known.delete(address);
    this.#known.set(address, { at: now, name });
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MOST) break;
      this.#known.delete(oldest);
    }
    return await name;
  }

  #within(answer: Promise<string | undefined>): Promise<string | undefined> {
    return new Promise((resolve) => {
      const cancel = this.#timers.after(ANSWER_MS, () => resolve(undefined));
      void answer.then((name) => {
        cancel();
        resolve(name);
      });
    });
  }
}
