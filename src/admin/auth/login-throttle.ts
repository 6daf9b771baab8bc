import type { Clock } from "../../telemetry/clock.ts";

/** How many mistakes are free, how long the longest pause is, ms. */
interface Limits {
  readonly free: number;
  readonly longestMs: number;
}

interface Failures {
  readonly count: number;
  /** Monotonic, ms. */
  readonly blockedUntil: number;
}

/** An address has to wait up to a minute; an account never long, or anybody could lock its owner out. */
const ADDRESS: Limits = { free: 5, longestMs: 60_000 };
const ACCOUNT: Limits = { free: 10, longestMs: 5_000 };
const FIRST_PAUSE_MS = 1_000;
/** Who was quiet for this long starts anew. */
const FORGIVEN_AFTER_MS = 15 * 60_000;
const MAX_ENTRIES = 1_000;

/**
 * Slows guessing down: after some failed logins each further one costs a pause, which doubles. Two small tables, by address and by
 * account; when one is full, who has been in it longest is forgotten. An address from which an account has logged in keeps getting in
 * while others guess at that account.
 */
export class LoginThrottle {
  readonly #clock: Clock;
  readonly #addresses = new Map<string, Failures>();
  readonly #accounts = new Map<string, Failures>();
  readonly #trusted = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long this login has to wait, ms; 0: it may be checked now. */
  waitMs(address: string, account: string): number {
    const now = this.#clock.monotonic();
    const trusted = this.#trusted.has(pair(address, account));
    const until = Math.max(
      this.#addresses.get(address)?.blockedUntil ?? 0,
      trusted ? 0 : (this.#accounts.get(account)?.blockedUntil ?? 0),
    );
    return Math.max(0, Math.ceil(until - now));
  }

  failed(address: string, account: string): void {
    this.#note(this.#addresses, address, ADDRESS);
    this.#note(this.#accounts, account, ACCOUNT);
  }

  succeeded(address: string, account: string): void {
    this.#addresses.delete(address);
    insert(this.#trusted, pair(address, account));
  }

  #note(table: Map<string, Failures>, key: string, { free, longestMs }: Limits): void {
    const now = this.#clock.monotonic();
    const before = table.get(key);
    const isForgiven = before === undefined || now - before.blockedUntil > FORGIVEN_AFTER_MS;
    const count = isForgiven ? 1 : before.count + 1;
    const pauseMs = count <= free ? 0 : Math.min(longestMs, FIRST_PAUSE_MS * 2 ** (count - free - 1));
    table.delete(key);
    if (table.size >= MAX_ENTRIES) table.delete(table.keys().next().value ?? "");
    table.set(key, { count, blockedUntil: now + pauseMs });
  }
}

function insert(set: Set<string>, value: string): void {
  set.delete(value);
  if (set.size >= MAX_ENTRIES) set.delete(set.values().next().value ?? "");
  set.add(value);
}

const pair = (address: string, account: string): string => `${address}\n${account}`;
