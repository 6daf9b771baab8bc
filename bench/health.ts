// npm run bench:health: the agent against a check in bash under xinetd, on the same host in the same run.
import { readFileSync, writeFileSync } from "node:fs";
import { eventually } from "../test/eventually.ts";
import type { Host } from "../test/lab/host.ts";
import { Lab } from "../test/lab/lab.ts";
import { MariaDb } from "../test/lab/maria-db.ts";
import type { Process } from "../test/lab/process.ts";
import { runSluice, sluiceAs, startSluice } from "../test/lab/sluice.ts";
import { startXinetd } from "../test/lab/xinetd.ts";
import { firstRefusal } from "./health/first-refusal.ts";
import { load, median } from "./health/load.ts";
import { shellCheck, xinetdService } from "./health/shell-check.ts";
import { bound, conclusion, report, section } from "./report.ts";

const CLIENTS = 50;
const CHECK_TIMEOUT_MS = 1000;
const ROUNDS = Number(process.argv[2] ?? 20);
const SHELL_PORT = 9201;
const RUNS_A_LOOP = 10;

const lab = await Lab.create({ name: "bench-health" });
try {
  const host = await lab.host("db1");
  const clients = await lab.host("clients");
  const server = await MariaDb.start(host);
  await server.sql("CREATE USER checker@localhost IDENTIFIED BY 'secret'");
  const defaultsFile = writeDefaults(host, server);
  await startShellCheck(host, defaultsFile);
  const agent = await startAgent(host, server);

  section("Checks per second, and what they cost the server");
  await measureLoad(host, clients, server, agent);
  section("One-shot commands");
  await measureOneShot(host, defaultsFile);
  section(`From a fault to the first 503 (${ROUNDS} rounds)`);
  await measureFaults(host, server);
} finally {
  await lab.destroy();
}
process.exit(conclusion());

async function measureLoad(host: Host, clients: Host, server: MariaDb, agent: Process): Promise<void> {
  const agentUrl = `http://${host.address}:9200/`;
  const shell = await load(clients, `http://${host.address}:${SHELL_PORT}/`, 400, 8, false);
  const questionsIdle = await questionsPerSecond(
    server,
    async () => await new Promise((resolve) => setTimeout(resolve, 3000)),
  );
  await load(clients, agentUrl, 20_000, CLIENTS, true); // warm
  const close = await load(clients, agentUrl, 50_000, CLIENTS, false);
  let keepAlive = close;
  const questionsLoaded = await questionsPerSecond(server, async () => {
    keepAlive = await load(clients, agentUrl, 200_000, CLIENTS, true);
  });
  report("bash under xinetd, close", shell.perSecond, "checks/s");
  report("agent, close", close.perSecond, "checks/s");
  report("agent, keep-alive", keepAlive.perSecond, "checks/s");
  bound("agent (close) / bash", close.perSecond / shell.perSecond, ">=", 100, "x");
  bound(`agent p99 at ${CLIENTS} clients, close`, close.p99Ms, "<", 5, "ms");
  bound(`agent p99 at ${CLIENTS} clients, keep-alive`, keepAlive.p99Ms, "<", 5, "ms");
  bound("failed checks of the agent", close.failed + keepAlive.failed, "<=", 0, "");
  bound("statements per second on the server, loaded / idle", questionsLoaded / questionsIdle, "<", 1.5, "x");
  const rssKb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${agent.pid}/status`, "utf8"))?.[1]);
  bound("resident memory of the agent after the load", rssKb / 1024, "<=", 60, "MB");
}

/** Statements the server ran per second, less the two that ask. */
async function questionsPerSecond(server: MariaDb, during: () => Promise<unknown>): Promise<number> {
  const before = Number(await server.status("Questions"));
  const begun = performance.now();
  await during();
  const seconds = (performance.now() - begun) / 1000;
  return Math.max(0, Number(await server.status("Questions")) - before - 2) / seconds;
}

async function measureOneShot(host: Host, defaultsFile: string): Promise<void> {
  const script = "/etc/check.sh";
  const persona = sluiceAs(host, "clustercheck");
  const argv = [persona, "", "", "0", "/dev/null", "1", defaultsFile];
  const withoutAgent = { SLUICE_RUNTIME_DIR: "/run/nowhere" };
  const shell = await wallTime(host, [script]);
  const alone = await wallTime(host, argv, withoutAgent);
  const asking = await wallTime(host, argv);
  report("bash check, wall time", shell, "ms");
  report("clustercheck persona, asking the server itself", alone, "ms");
  report("clustercheck persona, beside an agent", asking, "ms");
  bound("persona / bash, wall time", alone / shell, "<=", 0.5, "x");
  const cpu = await cpuPerRun(host, 20);
  bound("sluice check against a running agent, CPU", cpu, "<=", 25, "ms");
  if ((await runSluice(host, ["check"], { mayFail: true })).code !== 0)
    throw new Error("sluice check says no");
}

/** Wall time of a command, ms: the median of loops on the host itself, so that nothing of this process is in it. */
async function wallTime(
  host: Host,
  argv: readonly string[],
  env: Record<string, string> = {},
): Promise<number> {
  const loop = `TIMEFORMAT=%R; time for i in $(seq ${RUNS_A_LOOP}); do "$@" >/dev/null 2>&1; done`;
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const { stderr } = await host.run(["bash", "-c", loop, "bash", ...argv], {
      env,
      mayFail: true,
      timeoutMs: 60_000,
    });
    times.push((Number(stderr.trim().split("\n").at(-1)) * 1000) / RUNS_A_LOOP);
  }
  return median(times);
}

/** CPU of `sluice check`, children of a shell loop, user and system, by bash's own accounting. */
async function cpuPerRun(host: Host, runs: number): Promise<number> {
  const loop = `for i in $(seq ${runs}); do "$0" check --exit-code; done; times`;
  const { stdout } = await host.run(["bash", "-c", loop, sluiceAs(host, "sluice")], { timeoutMs: 60_000 });
  const last = stdout.trim().split("\n").at(-1) ?? "";
  const ms = [...last.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, m, s]) => sum + Number(m) * 60_000 + Number(s) * 1000,
    0,
  );
  return ms / runs;
}

async function measureFaults(host: Host, server: MariaDb): Promise<void> {
  const kills: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    kills.push(await firstRefusal(host.address, () => process.kill(server.pid, "SIGKILL")));
    await eventually(() => !server.isRunning, { what: "the end of the killed server" });
    await server.start();
  }
  report("kill -9 to the first 503, median", median(kills), "ms");
  bound("kill -9 to the first 503, median", median(kills), "<", 10, "ms");
  bound(`kill -9 to the first 503, worst of ${ROUNDS}`, Math.max(...kills), "<", 50, "ms");
  const stops: number[] = [];
  for (let i = 0; i < Math.min(5, ROUNDS); i++) {
    stops.push(await firstRefusal(host.address, () => process.kill(server.pid, "SIGSTOP")));
    await server.resume();
  }
  bound("SIGSTOP to the first 503, worst", Math.max(...stops), "<", CHECK_TIMEOUT_MS + 150, "ms");
}

async function startAgent(host: Host, server: MariaDb): Promise<Process> {
  const account = ["--socket", server.socketPath, "--defaults-extra-file", writeDefaults(host, server)];
  return await startSluice(host, ["agent", ...account, "--check-timeout", `${CHECK_TIMEOUT_MS}ms`], {
    ports: [9200],
  });
}

function writeDefaults(host: Host, server: MariaDb): string {
  const path = `${host.folder}/client.cnf`;
  writeFileSync(path, `[client]\nuser=checker\npassword=secret\nsocket=${server.socketPath}\n`, {
    mode: 0o600,
  });
  return path;
}

async function startShellCheck(host: Host, defaultsFile: string): Promise<void> {
  host.write("/etc/check.sh", shellCheck(defaultsFile), 0o755);
  await startXinetd(host, xinetdService(SHELL_PORT, "/etc/check.sh"), [SHELL_PORT]);
}
