// npm run bench:fleet: one daemon that watches 200 servers once a second; one mysqld behind 200 addresses.
import { readFileSync } from "node:fs";
import { eventually } from "../test/eventually.ts";
import { FleetDaemon } from "../test/lab/fleet-daemon.ts";
import { Lab } from "../test/lab/lab.ts";
import { MariaDb } from "../test/lab/maria-db.ts";
import { bound, conclusion, report, section } from "./report.ts";

const SERVERS = 200;
const SETTLE_MS = 10_000;
const MEASURED_MS = Number(process.argv[2] ?? 30) * 1000;
const SLICE_MS = 50;
const TICKS_PER_SECOND = 100; // of /proc/PID/stat

const lab = await Lab.create({ name: "bench-fleet" });
try {
  const host = await lab.host("db1");
  const server = await MariaDb.start(host, { options: { max_connections: 1000 } });
  await server.sql(
    "CREATE USER watcher@'%' IDENTIFIED BY 'secret'; GRANT SLAVE MONITOR ON *.* TO watcher@'%'",
  );
  const control = await lab.host("control");
  await addAddresses(server);
  const daemon = await FleetDaemon.start(control, configuration());
  await allRunning(daemon);
  await pause(SETTLE_MS);
  section(`${SERVERS} servers, one probe a second each, over ${MEASURED_MS / 1000} s`);
  await measure(daemon, server);
} finally {
  await lab.destroy();
}
process.exit(conclusion());

/** 10.200.0.1 to .200 on the database host, and the way there on the daemon's. */
async function addAddresses(server: MariaDb): Promise<void> {
  const lines = Array.from({ length: SERVERS }, (_, i) => `address add 10.200.0.${i + 1}/32 dev lo`);
  await server.host.run(["ip", "-batch", "-"], { stdin: `${lines.join("\n")}\n` });
  await (await lab.host("control")).run(["ip", "route", "add", "10.200.0.0/24", "via", server.address]);
}

function configuration(): string {
  const names = Array.from({ length: SERVERS }, (_, i) => `s${i + 1}`);
  const servers = names.map((name, i) => `[${name}]\ntype=server\naddress=10.200.0.${i + 1}\n`);
  const monitor = "type=monitor\nmodule=auto\nuser=watcher\npassword=secret\nmonitor_interval=1s";
  return `${servers.join("\n")}\n[all]\n${monitor}\nservers=${names.join(",")}\n`;
}

async function allRunning(daemon: FleetDaemon): Promise<void> {
  const isRunning = (state: string): boolean => state.includes("Running");
  await eventually(async () => Object.values(await daemon.states()).every(isRunning), { within: 60_000 });
}

async function measure(daemon: FleetDaemon, server: MariaDb): Promise<void> {
  const cpuBefore = cpuSeconds(daemon.process.pid);
  const begun = performance.now();
  const slices: number[] = [];
  let last = await questions(server);
  while (performance.now() - begun < MEASURED_MS) {
    const sliceBegun = performance.now();
    await pause(SLICE_MS);
    const now = await questions(server);
    slices.push((now - last - 1) / (performance.now() - sliceBegun));
    last = now;
  }
  const seconds = (performance.now() - begun) / 1000;
  const cores = (cpuSeconds(daemon.process.pid) - cpuBefore) / seconds;
  const status = readFileSync(`/proc/${daemon.process.pid}/status`, "utf8");
  const memory = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
  const mean = slices.reduce((sum, rate) => sum + rate, 0) / slices.length;
  const busiest = slices.toSorted((a, b) => b - a)[Math.floor(slices.length / 100)] ?? Number.NaN;
  report("statements per second on the server", mean * 1000, "");
  bound("share of one core", cores * 100, "<", 15, "%");
  bound("resident memory", memory, "<", 150, "MB");
  bound(`busiest ${SLICE_MS} ms (99th percentile) / mean`, busiest / mean, "<", 3, "x");
}

async function questions(server: MariaDb): Promise<number> {
  return Number(await server.status("Questions"));
}

/** User and system time of a process. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
