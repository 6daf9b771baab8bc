import { readdirSync, readFileSync } from "node:fs";
import { libc } from "./libc.ts";

const WNOHANG = 1;

/** The child processes of a process, those that have ended and nobody took note of included. */
export function childrenOf(pid: number): readonly number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8")
      .split(" ")
      .filter((child) => child !== "")
      .map(Number),
  );
}

/**
 * Takes note of the end of children that this process has had since before it became this program; else they stay zombies for good.
 * @returns those that still run
 */
export async function reap(pids: readonly number[]): Promise<readonly number[]> {
  const { waitpid, ptr } = await libc();
  return pids.filter((pid) => waitpid(pid, ptr(new Int32Array(1)), WNOHANG) === 0);
}
