// npm run bench:balancing [rounds] [seconds]: connections through sluice (one worker) beside HAProxy (one thread), nginx, pen, and none.
import { eventually } from "../test/eventually.ts";
import type { Host } from "../test/lab/host.ts";
import { Lab } from "../test/lab/lab.ts";
import { MariaDb } from "../test/lab/maria-db.ts";
import { compare, type Figures } from "./balancing/compare.ts";
import { type Contender, mostSessions, startContenders } from "./balancing/contenders.ts";
import { memoryOfIdleSessions } from "./balancing/idle-sessions.ts";
import { LOADS, type Load, prepareLoads } from "./balancing/load.ts";
import { bound, conclusion, section } from "./report.ts";

const ROUNDS = Number(process.argv[2] ?? 5);
const SECONDS = Number(process.argv[3] ?? 4);
const IDLE_SESSIONS = Math.min(Number(process.argv[4] ?? 10_000), mostSessions());
const SERVER = {
  max_connections: 12_000,
  open_files_limit: 16_000,
  thread_handling: "pool-of-threads",
  back_log: 2000,
};

/** Else what is measured is the kernel's search for a free port among those of connections of a minute ago. */
const MANY_CONNECTIONS = ["net.ipv4.tcp_tw_reuse=1", "net.ipv4.ip_local_port_range=1024 65535"];

const lab = await Lab.create({ name: "bench-balancing" });
try {
  const server = await MariaDb.start(await lab.host("db1"), { options: SERVER });
  const clients = await lab.host("clients");
  await prepareLoads(clients, server);
  const proxy = await lab.host("proxy");
  for (const host of [clients, proxy]) await host.run(["sysctl", "-qw", ...MANY_CONNECTIONS]);
  const contenders = await startContenders(proxy, server);
  // First, while no proxy has memory to spare that a load before has left it.
  await showIdle(contenders, server);
  for (const load of [LOADS.points8, LOADS.points64, LOADS.wide8]) {
    const found = await show(clients, contenders, load);
    bound("sluice / haproxy, CPU of the proxy per query", found.cpuRatio, "<=", 1.05, "x");
    bound("sluice / haproxy, queries per second", found.rateRatio, ">=", 0.97, "x");
  }
  const connecting = await show(clients, contenders, LOADS.connect8);
  bound("sluice / haproxy, connections per second", connecting.rateRatio, ">=", 0.9, "x");
} finally {
  await lab.destroy();
}
process.exit(conclusion());

async function show(clients: Host, contenders: readonly Contender[], load: Load): Promise<Figures> {
  section(`${load.name} (${ROUNDS} rounds of ${SECONDS} s; ratios to haproxy in the same round)`);
  const all = await compare(clients, contenders, load, ROUNDS, SECONDS);
  for (const { name, perSecond, cpuMicros, rateRatio, cpuRatio } of all) {
    const rate = `${perSecond.toFixed(0).padStart(7)}/s ${rateRatio.toFixed(2)} x`;
    const cpu =
      cpuMicros === 0 ? "" : `${cpuMicros.toFixed(1).padStart(7)} us CPU each, ${cpuRatio.toFixed(2)} x`;
    console.log(`  ${name.padEnd(10)} ${rate}  ${cpu}`);
  }
  return all.find(({ name }) => name === "sluice") as Figures;
}

async function showIdle(contenders: readonly Contender[], server: MariaDb): Promise<void> {
  section(`${IDLE_SESSIONS} idle sessions, logged in`);
  for (const name of ["haproxy", "sluice"]) {
    const contender = contenders.find((one) => one.name === name) as Contender;
    await eventually(async () => Number(await server.status("Threads_connected")) < 100, { within: 60_000 });
    const each = await memoryOfIdleSessions(contender, IDLE_SESSIONS);
    bound(`${name}: resident memory each`, each, "<=", name === "sluice" ? 20 : 1000, "kB");
  }
}
