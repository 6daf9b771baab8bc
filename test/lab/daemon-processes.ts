import { readdirSync, readFileSync } from "node:fs";

/** The processes that a daemon serves with: itself and its workers. Guards, whose task begins with its end, are none of them. */
export function daemonProcesses(pid: number): readonly number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number),
  );
  const isGuard = (child: number): boolean =>
    readFileSync(`/proc/${child}/cmdline`, "utf8").includes("-guard");
  return [pid, ...children.filter((child) => !isGuard(child))];
}
