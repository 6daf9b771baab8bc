import { readFileSync } from "node:fs";

const US_PER_TICK = 10_000;

/** CPU time of processes since they began, user and system, all their threads; microseconds. */
export function cpuMicros(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    return sum + (Number(fields[11]) + Number(fields[12])) * US_PER_TICK;
  }, 0);
}
