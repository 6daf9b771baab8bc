import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const PERIOD_US = 20_000;

/** Gives a process, with all its threads, a share of one processor. @returns ends the limit; once the process is gone or while it runs */
export function limitCpu(pid: number, share: number): () => void {
  const quota = Math.round(share * PERIOD_US);
  const isSecond = existsSync("/sys/fs/cgroup/cgroup.controllers");
  const root = isSecond ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu";
  const group = join(root, `sluice-bench-${pid}`);
  mkdirSync(group, { recursive: true });
  if (isSecond) writeFileSync(join(group, "cpu.max"), `${quota} ${PERIOD_US}`);
  else {
    writeFileSync(join(group, "cpu.cfs_period_us"), String(PERIOD_US));
    writeFileSync(join(group, "cpu.cfs_quota_us"), String(quota));
  }
  writeFileSync(join(group, "cgroup.procs"), String(pid));
  return () => {
    if (existsSync(`/proc/${pid}`)) writeFileSync(join(root, "cgroup.procs"), String(pid));
    rmdirSync(group);
  };
}
