import { expect, test } from "bun:test";
import { memoryFiles } from "../../../test/support/memory-files.ts";
import type { RunCommand } from "../../system/run-command.ts";
import { examineKernelBalancing, judgePrograms } from "./kernel-balancing.ts";

const DONE = { code: 0, stdout: "", stderr: "" };

test("without a service that needs it nothing is looked at", async () => {
  expect(await examineKernelBalancing("/etc/sluice.cnf", memoryFiles({}), 100)).toEqual([]);
  const files = memoryFiles({ "/etc/sluice.cnf": "[s]\ntype=service\nrouter=readconnroute\n" });
  expect(await examineKernelBalancing("/etc/sluice.cnf", files, 100)).toEqual([]);
});

test("programs that work, are missing, and are not permitted", async () => {
  const run =
    (answers: Readonly<Record<string, Awaited<ReturnType<RunCommand>>>>): RunCommand =>
    async ([program = ""]) =>
      answers[program] ?? DONE;
  expect(await judgePrograms(run({}))).toEqual([]);
  const missing = { code: 127, stdout: "", stderr: "spawn conntrack ENOENT" };
  const denied = { code: 1, stdout: "", stderr: "Operation not permitted (you must be root)" };
  expect(await judgePrograms(run({ conntrack: missing, nft: denied }))).toMatchObject([
    {
      severity: "error",
      sentence: expect.stringContaining("start as root, or give the process CAP_NET_ADMIN"),
    },
    { severity: "error", sentence: expect.stringContaining("apt-get install conntrack") },
  ]);
});
