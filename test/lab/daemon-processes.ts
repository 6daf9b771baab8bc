import { readdirSync, readFileSync } from "node:fs";

/**
 * The processes that a daemon serves with: itself and its workers. Guards, whose task begins with its end, are none of them,
 * and neither are the commands that it runs.
 */
export function daemonProcesses(pid: number): readonly number[] {
  const isServing = (child: number): boolean => {
    const commandLine = commandLineOf(child);
    return commandLine.includes("sluice") && !commandLine.includes("-guard");
  };
  return [pid, ...childrenOf(pid).filter(isServing)];
}

/** Those of every thread of a process that is there. */
export function childrenOf(pid: number): readonly number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    read(`/proc/${pid}/task/${thread}/children`).trim().split(" ").filter(Boolean).map(Number),
  );
}

/** Its arguments, each with a NUL after it; empty where it has ended meanwhile. */
export const commandLineOf = (pid: number): string => read(`/proc/${pid}/cmdline`);

/** Empty where the process or thread has ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
