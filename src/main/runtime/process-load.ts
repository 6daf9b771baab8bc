import { readdirSync } from "node:fs";
import type { ThreadInfo } from "../../admin/control.ts";
import { CpuSamples } from "./cpu-samples.ts";

const SAMPLE_MS = 1000;

/** How busy this process is. */
export class ProcessLoad {
  readonly #samples = new CpuSamples(cpuMicros());
  #timer: ReturnType<typeof setInterval> | undefined;

  start(): void {
    this.#timer = setInterval(() => this.#samples.add(cpuMicros()), SAMPLE_MS);
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
      load: this.#samples.load,
      memoryBytes: process.memoryUsage.rss(),
    };
  }
}

function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function countDescriptors(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
}
