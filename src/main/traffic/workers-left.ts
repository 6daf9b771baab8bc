import { readdirSync, readFileSync } from "node:fs";

/** A worker process that an earlier control process has started. */
export interface LeftWorker {
  readonly pid: number;
  readonly row: number;
  readonly number: number;
}

/** Where the workers of a runtime directory find their control process; it is among their arguments. */
export const socketOfWorkers = (directory: string): string => `${directory}/workers.sock`;

/** The workers of this directory that run now. */
export function workersLeft(directory: string): readonly LeftWorker[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const words = argumentsOf(Number(name));
      if (!words.includes(socketOfWorkers(directory))) return [];
      const after = (flag: string): number => Number(words[words.indexOf(flag) + 1]);
      return [{ pid: Number(name), row: after("--row"), number: after("--number") }];
    });
}

/** Whether a process is a worker of this directory: of this control process, or of one before it. This process counts as well. */
export function isWorker(pid: number, directory: string): boolean {
  return pid === process.pid || argumentsOf(pid).includes(socketOfWorkers(directory));
}

/** Empty where it has ended, or is another user's. */
function argumentsOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}
