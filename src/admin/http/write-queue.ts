import { SluiceError } from "../../errors/sluice-error.ts";
import type { Clock } from "../../telemetry/clock.ts";

export interface WriteQueueLimits {
  /** How many may wait. */
  readonly places: number;
  /** How long one may wait for its turn, ms. */
  readonly waitMs: number;
}

interface Waiting {
  readonly begin: () => void;
}

const LIMITS: WriteQueueLimits = { places: 200, waitMs: 30_000 };

/**
 * One change at a time, in the order in which they came: each sees what the one before has left. Who finds the queue full, or waits
 * too long, gets BUSY and has changed nothing; who has begun is never given up.
 */
export class WriteQueue {
  readonly #clock: Clock;
  readonly #limits: WriteQueueLimits;
  readonly #waiting: Waiting[] = [];
  #isRunning = false;

  constructor(clock: Clock, limits: WriteQueueLimits = LIMITS) {
    this.#clock = clock;
    this.#limits = limits;
  }

  async run<T>(task: () => T | Promise<T>): Promise<T> {
    if (this.#isRunning) await this.#turn();
    this.#isRunning = true;
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#isRunning = false;
      else next.begin();
    }
  }

  #turn(): Promise<void> {
    const { places, waitMs } = this.#limits;
    if (this.#waiting.length >= places) {
      throw new SluiceError(
        "BUSY",
        `${places} changes wait already; nothing was changed, try again in a moment`,
      );
    }
    return new Promise((resolve, reject) => {
      const entry: Waiting = {
        begin: () => {
          cancel();
          resolve();
        },
      };
      const cancel = this.#clock.after(waitMs, () => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        const message = `the changes before this one took more than ${waitMs / 1000} s; nothing was changed`;
        reject(new SluiceError("BUSY", message));
      });
      this.#waiting.push(entry);
    });
  }
}
