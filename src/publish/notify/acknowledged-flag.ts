import { errorMessage } from "../../errors/sluice-error.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";

/** One that is told whether to be passive. `set` resolves when it has acknowledged; both keep deadlines of their own. */
export interface FlagTarget {
  readonly name: string;
  get(): Promise<boolean>;
  set(passive: boolean): Promise<void>;
}

/**
 * Keeps one target at the newest value it was asked for: one request at a time, so that none overtakes another; again and
 * again until it is acknowledged, or a newer value makes it pointless.
 */
export class AcknowledgedFlag {
  readonly #target: FlagTarget;
  readonly #retryMs: number;
  readonly #clock: Clock;
  readonly #log: Log;
  #wanted: boolean | undefined;
  #acknowledged: boolean | undefined;
  #isTold = true;
  #work: Promise<void> | undefined;
  #wake: () => void = () => {};
  #cancelLook: () => void = () => {};
  #isClosed = false;

  constructor(target: FlagTarget, retryMs: number, clock: Clock, log: Log) {
    this.#target = target;
    this.#retryMs = retryMs;
    this.#clock = clock;
    this.#log = log;
  }

  /** From now on this value; it is sent also if it was acknowledged before, because the target may have been restarted. */
  want(passive: boolean): void {
    if (this.#isClosed) return;
    this.#wanted = passive;
    this.#acknowledged = undefined;
    this.#wake();
    this.#work ??= this.#tell().finally(() => {
      this.#work = undefined;
    });
  }

  /**
   * From now on looks every so often whether the target still is what it was told to be, and tells it again if not: one that was
   * restarted may have begun with something else, and keepalived, whose state did not change, says nothing.
   */
  keep(everyMs: number): void {
    this.#cancelLook = this.#clock.after(everyMs, () => {
      void this.#look().finally(() => {
        if (!this.#isClosed) this.keep(everyMs);
      });
    });
  }

  /** Resolves when the newest value is acknowledged, or after close. */
  async settled(): Promise<void> {
    await this.#work;
  }

  /** Gives up what is not acknowledged yet; the request that is under way comes to its end. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelLook();
    this.#wake();
    await this.#work;
  }

  async #look(): Promise<void> {
    const passive = this.#wanted;
    if (passive === undefined || this.#work !== undefined) return;
    // Who does not answer now is looked at again.
    const found = await this.#target.get().catch(() => passive);
    if (found !== passive && this.#wanted === passive) this.want(passive);
  }

  async #tell(): Promise<void> {
    while (!this.#isClosed && this.#wanted !== undefined && this.#acknowledged !== this.#wanted) {
      const passive = this.#wanted;
      try {
        await this.#target.set(passive);
        this.#acknowledge(passive);
      } catch (error) {
        this.#complain(passive, error);
        if (!this.#isClosed && this.#wanted === passive) await this.#pause();
      }
    }
  }

  #acknowledge(passive: boolean): void {
    if (this.#wanted === passive) this.#acknowledged = passive;
    this.#isTold = true;
    const state = passive ? "passive" : "active";
    this.#log.info(
      { event: "notified", target: this.#target.name, state },
      `${this.#target.name} is ${state}`,
    );
  }

  /** Said once until it works again. */
  #complain(passive: boolean, error: unknown): void {
    if (!this.#isTold) return;
    this.#isTold = false;
    const words = `${this.#target.name} is not ${passive ? "passive" : "active"} yet: ${errorMessage(error)}`;
    this.#log.warn({ event: "notify_failed", target: this.#target.name }, words);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(this.#retryMs, () => resolve());
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}
