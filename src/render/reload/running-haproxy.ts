import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { SluiceError } from "../../errors/sluice-error.ts";
import {
  directoryOf,
  executableOf,
  listeningAddresses,
  type ProcessInfo,
  processesCalled,
} from "./process-table.ts";

/** The HAProxy that is in service. */
export interface RunningHaproxy {
  /** The master, or the only process. */
  readonly pid: number;
  readonly isMaster: boolean;
  /** Those that serve: the workers, or the only process. */
  readonly serving: readonly number[];
  readonly executable: string;
  readonly directory: string;
  /** How to start it again: without what only a reload adds. */
  readonly arguments: readonly string[];
  /** Its configuration files, absolute, in order. */
  readonly files: readonly string[];
}

/**
 * Finds it among the processes, or by its pid file where there are several. Throws HAPROXY_UNREACHABLE where none runs, USAGE where
 * it is not clear which is meant.
 */
export function findHaproxy(pidFile: string | undefined): RunningHaproxy {
  const all = processesCalled("haproxy");
  const isOne = (pid: number): boolean => all.some((process) => process.pid === pid);
  const roots = all.filter(({ parent }) => !isOne(parent));
  const found = pidFile === undefined ? inService(roots, all) : byPidFile(pidFile, roots, all);
  const workers = all.filter(({ parent }) => parent === found.pid).map(({ pid }) => pid);
  const isMaster = workers.length > 0 || found.argv.some((arg) => arg === "-W" || arg === "-Ws");
  const directory = directoryOf(found.pid);
  const { kept, files } = parseArguments(found.argv.slice(1));
  return {
    pid: found.pid,
    isMaster,
    serving: isMaster ? workers : [found.pid],
    executable: executableOf(found.pid),
    directory,
    arguments: kept,
    files: files.map((file) => resolve(directory, file)),
  };
}

/** The workers of a master now. */
export function workersOf(master: number): readonly number[] {
  return processesCalled("haproxy").flatMap(({ pid, parent }) => (parent === master ? [pid] : []));
}

/** Not those that a former reload left to end with their last client. */
function inService(roots: readonly ProcessInfo[], all: readonly ProcessInfo[]): ProcessInfo {
  const serving = roots.filter((root) => {
    const own = all.filter(({ pid, parent }) => pid === root.pid || parent === root.pid);
    return own.some(({ pid }) => listeningAddresses(pid).length > 0);
  });
  const [only, ...more] = serving;
  if (only === undefined) {
    throw new SluiceError(
      "HAPROXY_UNREACHABLE",
      "no HAProxy runs here that listens and may be seen by this user; start it first",
    );
  }
  if (more.length === 0) return only;
  const pids = serving.map(({ pid }) => pid).join(", ");
  throw new SluiceError(
    "USAGE",
    `several HAProxy run here (processes ${pids}); --pid-file names the one that is meant`,
  );
}

function byPidFile(path: string, roots: readonly ProcessInfo[], all: readonly ProcessInfo[]): ProcessInfo {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new SluiceError("USAGE", `--pid-file ${path} cannot be read`, { cause });
  }
  for (const word of text.split(/\s+/)) {
    const named = all.find(({ pid }) => pid === Number(word));
    const root = roots.find(({ pid }) => pid === named?.pid || pid === named?.parent);
    if (root !== undefined) return root;
  }
  throw new SluiceError(
    "HAPROXY_UNREACHABLE",
    `no process of ${path} is a running HAProxy: the file is stale`,
  );
}

/** `-sf PID…`, `-st PID…` and `-x SOCKET` are of a former reload; `-db` and `-d` would not let the new one leave us. */
function parseArguments(argv: readonly string[]): { kept: readonly string[]; files: readonly string[] } {
  const kept: string[] = [];
  const files: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const arg = argv[at] ?? "";
    if (arg === "-sf" || arg === "-st") while (/^\d+$/.test(argv[at + 1] ?? "")) at++;
    else if (arg === "-x") at++;
    else if (arg === "-f") {
      files.push(argv[++at] ?? "");
      kept.push("-f", argv[at] ?? "");
    } else if (arg !== "-db" && arg !== "-d") kept.push(arg);
  }
  return { kept, files };
}
