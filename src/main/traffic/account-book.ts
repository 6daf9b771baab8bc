import { errorMessage } from "../../errors/sluice-error.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Accounts } from "../../topology/accounts.ts";
import { mergeAccounts } from "./merge-accounts.ts";

/** How often accounts are read, ms. */
export interface RefreshRules {
  /** After a failed login at most this often; negative: never. */
  readonly afterFailureMs: number;
  /** And without one this often; 0: never. */
  readonly everyMs: number;
  /** Of all servers, and not of the first that answers. */
  readonly ofAllServers: boolean;
}

export interface BookParts {
  readonly service: string;
  readonly clock: Clock;
  readonly log: Log;
  rules(): RefreshRules;
  /** Names of servers (or of a file) to read from, the best first. */
  servers(): readonly string[];
  /** Rejects with one sentence that names the server. */
  read(server: string): Promise<Accounts>;
  /** Goes to all workers. @param accounts undefined: there are no newer ones now */
  tell(accounts: Accounts | undefined): void;
}

/** While nothing at all is known, nobody can log in: it is tried this often, ms. */
const FIRST_TRIES_MS = 1000;

/** The accounts of one service: read at the start, and again when a login fails by them. */
export class AccountBook {
  readonly #parts: BookParts;
  #current: Accounts | undefined;
  #text = "";
  /** When a reading that a failed login had asked for began, by the monotonic clock. */
  #askedAt = Number.NEGATIVE_INFINITY;
  #isReading = false;
  #isFailing = false;
  #isStopped = false;
  #cancelNext: () => void = () => {};

  constructor(parts: BookParts) {
    this.#parts = parts;
  }

  get current(): Accounts | undefined {
    return this.#current;
  }

  start(): void {
    void this.#read();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelNext();
  }

  /** A login has failed by what is known. Every question is answered by tell(). */
  wanted(): void {
    if (this.#isReading) return; // its end is the answer
    const { clock, rules, tell } = this.#parts;
    const { afterFailureMs } = rules();
    const isAllowed =
      this.#current === undefined ||
      (afterFailureMs >= 0 && clock.monotonic() - this.#askedAt >= afterFailureMs);
    if (!isAllowed) {
      tell(undefined);
      return;
    }
    this.#askedAt = clock.monotonic();
    void this.#read();
  }

  async #read(): Promise<void> {
    if (this.#isReading || this.#isStopped) return;
    this.#isReading = true;
    this.#cancelNext();
    const accounts = await this.#readServers();
    this.#isReading = false;
    if (this.#isStopped) return;
    this.#parts.tell(accounts === undefined ? undefined : this.#take(accounts));
    this.#planNext();
  }

  /** @returns what differs from before; undefined: nothing does */
  #take(accounts: Accounts): Accounts | undefined {
    const { service, log } = this.#parts;
    const text = JSON.stringify({ ...accounts, readAt: 0 });
    const isNew = text !== this.#text;
    const isFirst = this.#current === undefined;
    this.#current = accounts;
    this.#text = text;
    if (!isNew) return undefined;
    const fields = { event: "accounts", service, server: accounts.server };
    const sentence = `service ${service} has ${accounts.accounts.length} accounts, read from ${accounts.server}`;
    if (isFirst || this.#isFailing) log.info(fields, sentence);
    else log.debug(fields, sentence);
    this.#isFailing = false;
    return accounts;
  }

  #planNext(): void {
    const { clock, rules } = this.#parts;
    const everyMs = this.#current === undefined ? FIRST_TRIES_MS : rules().everyMs;
    if (everyMs > 0) this.#cancelNext = clock.after(everyMs, () => void this.#read());
  }

  async #readServers(): Promise<Accounts | undefined> {
    const { servers, rules } = this.#parts;
    const names = servers();
    const failures: string[] = [];
    const found: Accounts[] = [];
    const tryOne = async (name: string): Promise<void> => {
      try {
        found.push(await this.#parts.read(name));
      } catch (error) {
        failures.push(errorMessage(error));
      }
    };
    if (rules().ofAllServers) await Promise.all(names.map(tryOne));
    else
      for (const name of names) {
        await tryOne(name);
        if (found.length > 0) break;
      }
    if (found.length > 0) return mergeAccounts(found);
    this.#failed(names.length === 0 ? ["it has no server"] : failures);
    return undefined;
  }

  /** Told once, until it goes well again. */
  #failed(reasons: readonly string[]): void {
    const { service, log } = this.#parts;
    const fields = { event: "accounts_failed", service };
    const sentence = `the accounts of service ${service} cannot be read: ${reasons.join("; ")}`;
    if (this.#isFailing) log.debug(fields, sentence);
    else log.warn(fields, sentence);
    this.#isFailing = true;
  }
}
