import type { ThreadInfo } from "../../admin/control.ts";

const KEPT_SAMPLES = 3600;

/** How busy a process is, from its CPU time once a second: over the last second, minute and hour. */
export class CpuSamples {
  /** CPU microseconds of each past second, newest last. */
  readonly #seconds: number[] = [];
  #last: number;

  /** @param micros CPU time so far */
  constructor(micros: number) {
    this.#last = micros;
  }

  add(micros: number): void {
    this.#seconds.push(micros - this.#last);
    this.#last = micros;
    if (this.#seconds.length > KEPT_SAMPLES) this.#seconds.shift();
  }

  get load(): ThreadInfo["load"] {
    return {
      lastSecond: this.#average(1),
      lastMinute: this.#average(60),
      lastHour: this.#average(KEPT_SAMPLES),
    };
  }

  /** Share of one processor over the last `count` seconds, or as many as there are. */
  #average(count: number): number {
    const samples = this.#seconds.slice(-count);
    if (samples.length === 0) return 0;
    return samples.reduce((sum, micros) => sum + micros, 0) / samples.length / 1e6;
  }
}
