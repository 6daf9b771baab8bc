import { readdirSync } from "node:fs";
import type { ThreadInfo } from "../../admin/control.ts";

const SAMPLE_MS = 1000;
const KEPT_SAMPLES = 3600;

/** How busy this process is: its CPU time, sampled once a second, over the last second, minute and hour. */
export class ProcessLoad {
  /** CPU microseconds of each past second, newest last. */
  readonly #seconds: number[] = [];
  #last = process.cpuUsage();
  #timer: ReturnType<typeof setInterval> | undefined;

  start(): void {
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** The control process as thread 0. */
  thread(): ThreadInfo {
    const descriptors = countDescriptors();
    return {
      id: 0,
      pid: process.pid,
      state: "Active",
      sessions: 0,
      descriptors: { current: descriptors, total: descriptors },
      load: {
        lastSecond: this.#average(1),
        lastMinute: this.#average(60),
        lastHour: this.#average(KEPT_SAMPLES),
      },
      memoryBytes: process.memoryUsage.rss(),
    };
  }

  #sample(): void {
    const now = process.cpuUsage();
    this.#seconds.push(now.user + now.system - this.#last.user - this.#last.system);
    this.#last = now;
    if (this.#seconds.length > KEPT_SAMPLES) this.#seconds.shift();
  }

  /** Share of one processor over the last `count` seconds, or as many as there are. */
  #average(count: number): number {
    const samples = this.#seconds.slice(-count);
    if (samples.length === 0) return 0;
    return samples.reduce((sum, micros) => sum + micros, 0) / samples.length / 1e6;
  }
}

function countDescriptors(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
}
