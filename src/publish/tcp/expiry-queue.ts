import type { Clock } from "../../telemetry/clock.ts";

/**
 * Things that expire a fixed time after they were put in. As the time is the same for all, the order of arrival is the
 * order of expiry, and one timer serves any number of them.
 */
export class ExpiryQueue<T> {
  readonly #clock: Clock;
  readonly #delayMs: number;
  readonly #onExpired: (item: T) => void;
  /** Item -> the monotonic time at which it expires; a Map keeps the order of arrival. */
  readonly #items = new Map<T, number>();
  #cancelTimer: (() => void) | undefined;

  constructor(clock: Clock, delayMs: number, onExpired: (item: T) => void) {
    this.#clock = clock;
    this.#delayMs = delayMs;
    this.#onExpired = onExpired;
  }

  get size(): number {
    return this.#items.size;
  }

  /** Puts an item in, or starts its time anew. */
  add(item: T): void {
    this.#items.delete(item);
    this.#items.set(item, this.#clock.monotonic() + this.#delayMs);
    this.#cancelTimer ??= this.#clock.after(this.#delayMs, this.#expire);
  }

  delete(item: T): void {
    this.#items.delete(item);
  }

  /** The item that has been here longest. */
  oldest(): T | undefined {
    for (const item of this.#items.keys()) return item;
    return undefined;
  }

  items(): readonly T[] {
    return [...this.#items.keys()];
  }

  /** Forgets all items; none of them expires. */
  clear(): void {
    this.#items.clear();
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  // The timer is not moved when its item leaves: it wakes at most once per delay, and looks who is first by then.
  readonly #expire = (): void => {
    this.#cancelTimer = undefined;
    const now = this.#clock.monotonic();
    for (const [item, expiresAt] of this.#items) {
      if (expiresAt > now) {
        this.#cancelTimer ??= this.#clock.after(expiresAt - now, this.#expire);
        return;
      }
      this.#items.delete(item);
      this.#onExpired(item);
    }
  };
}
