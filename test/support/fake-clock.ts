import type { Clock } from "../../src/telemetry/clock.ts";

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now: number;
  readonly #timers = new Set<Timer>();

  constructor(now = 0) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** What random() says. */
  randomness = 0.5;

  random(): number {
    return this.randomness;
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves on by `ms`, calling back whatever falls due, in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    while (this.#ringNext(end));
    this.#now = end;
  }

  /** The same, letting promises settle before each callback and at the end. */
  async advanceSettling(ms: number): Promise<void> {
    const end = this.#now + ms;
    do await settle();
    while (this.#ringNext(end));
    this.#now = end;
    await settle();
  }

  #ringNext(end: number): boolean {
    const due = [...this.#timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
    if (due === undefined) return false;
    this.#timers.delete(due);
    this.#now = Math.max(this.#now, due.at);
    due.callback();
    return true;
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}
