import { readdirSync, readFileSync } from "node:fs";

/**
 * The processes that a daemon serves with: itself and its workers. Guards, whose task begins with its end, are none of them,
 * and neither are the commands that it runs.
 */
export function daemonProcesses(pid: number): readonly number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number),
  );
  const isServing = (child: number): boolean => {
    const commandLine = commandLineOf(child);
    return commandLine.includes("sluice") && !commandLine.includes("-guard");
  };
  return [pid, ...children.filter(isServing)];
}

/** Empty where it has ended meanwhile. */
function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
