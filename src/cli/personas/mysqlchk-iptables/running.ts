import { readFileSync } from "node:fs";
import { basename } from "node:path";

/** Where the one in the background is found. */
export const PID_FILE = "/run/mysqlchk_iptables.pid";
export const RUNTIME_DIRECTORY = "/run/mysqlchk_iptables";

const RUNS = new Set(["-R", "--run", "-v", "--verbose"]);

/** The process that keeps the gate now. A number in the pid file is believed only if its process is one of us that runs. */
export function runningProcess(): number | undefined {
  const pid = Number.parseInt(read(PID_FILE), 10);
  if (!(pid > 0)) return undefined;
  const words = read(`/proc/${pid}/cmdline`).split("\0");
  const isUs = words.slice(0, 3).some((word) => basename(word).replace(/\.sh$/, "") === "mysqlchk_iptables");
  return isUs && words.some((word) => RUNS.has(word)) ? pid : undefined;
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
