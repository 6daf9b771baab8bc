// scripts/bench.sh balancing: connections through sluice (one worker) beside HAProxy (one thread), interleaved in one run.
import { readdirSync, readFileSync } from "node:fs";
import { type ConnectionConfig, createConnection } from "mariadb";
import { eventually } from "../test/eventually.ts";
import { HaProxy } from "../test/lab/ha-proxy.ts";
import type { Host } from "../test/lab/host.ts";
import { Lab } from "../test/lab/lab.ts";
import { MariaDb } from "../test/lab/maria-db.ts";
import { startSluice } from "../test/lab/sluice.ts";

const ROUNDS = Number(process.argv[2] ?? 3);
const ROUND_MS = 2000;
const CLIENTS = 8;
const US_PER_TICK = 10_000;

interface Contender {
  readonly name: string;
  readonly port: number;
  readonly pids: readonly number[];
}

/** Does one thing again and again until the deadline, and counts it. */
type Work = (account: ConnectionConfig, endsAt: number) => Promise<number>;

const queries: Work = async (account, endsAt) => {
  const connection = await createConnection(account);
  let count = 0;
  for (; Date.now() < endsAt; count++) await connection.query("SELECT REPEAT('a', 100)");
  await connection.end();
  return count;
};

const logins: Work = async (account, endsAt) => {
  let count = 0;
  for (; Date.now() < endsAt; count++) {
    const connection = await createConnection(account);
    await connection.query("SELECT 1");
    await connection.end();
  }
  return count;
};

const lab = await Lab.create({ name: "bench-balancing" });
try {
  const server = await MariaDb.start(await lab.host("db1"));
  await server.sql("CREATE USER app@'%' IDENTIFIED BY 'app'; GRANT ALL ON *.* TO app@'%'");
  const proxy = await lab.host("proxy");
  const contenders = [await startHaProxy(proxy, server), await startBalancer(proxy, server)];
  await compare("query", queries, proxy, contenders);
  await compare("connect + query + quit", logins, proxy, contenders);
} finally {
  await lab.destroy();
}
process.exit(0);

async function startHaProxy(host: Host, { address }: MariaDb): Promise<Contender> {
  const timeouts = "timeout connect 5s\n timeout client 1m\n timeout server 1m";
  const text = `global\n nbthread 1\ndefaults\n mode tcp\n ${timeouts}\nlisten a\n bind 0.0.0.0:4100\n server s ${address}:3306`;
  await HaProxy.start(host, text);
  return { name: "haproxy", port: 4100, pids: pidsOf("haproxy") };
}

async function startBalancer(host: Host, { address }: MariaDb): Promise<Contender> {
  const folders = `datadir=${host.folder}/data\npersistdir=${host.folder}/data/sluice.cnf.d`;
  const monitor = "[m]\ntype=monitor\nmodule=mariadbmon\nservers=db1\nuser=app\npassword=app";
  const service =
    "[s]\ntype=service\nrouter=readconnroute\ncluster=m\n[l]\ntype=listener\nservice=s\nport=4006";
  const text = `[sluice]\nthreads=1\n${folders}\n[db1]\ntype=server\naddress=${address}\n${monitor}\n${service}\n`;
  host.write("/etc/sluice.cnf", text, 0o600);
  await startSluice(host, ["run", "--config", host.path("/etc/sluice.cnf")], { ports: [4006] });
  const pids = await eventually(() =>
    pidsOf("sluice\0worker").length > 0 ? pidsOf("sluice\0worker") : false,
  );
  return { name: "sluice", port: 4006, pids };
}

async function compare(
  what: string,
  work: Work,
  host: Host,
  contenders: readonly Contender[],
): Promise<void> {
  const costs = new Map<string, number[]>();
  const rates = new Map<string, number[]>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const { name, port, pids } of contenders) {
      const account = { host: host.address, port, user: "app", password: "app" };
      const before = cpuMicros(pids);
      const endsAt = Date.now() + ROUND_MS;
      const counts = await Promise.all(
        Array.from({ length: CLIENTS }, async () => await work(account, endsAt)),
      );
      const count = counts.reduce((sum, each) => sum + each, 0);
      costs.set(name, [...(costs.get(name) ?? []), (cpuMicros(pids) - before) / count]);
      rates.set(name, [...(rates.get(name) ?? []), (count / ROUND_MS) * 1000]);
    }
  }
  for (const { name } of contenders) {
    const cost = median(costs.get(name));
    const ratio = cost / median(costs.get("haproxy"));
    const rate = median(rates.get(name)).toFixed(0).padStart(7);
    console.log(
      `${what}: ${name.padEnd(8)} ${rate}/s  ${cost.toFixed(1)} us CPU each, ${ratio.toFixed(2)} x haproxy`,
    );
  }
}

function pidsOf(start: string): readonly number[] {
  return readdirSync("/proc").flatMap((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith(start)
        ? [Number(pid)]
        : [];
    } catch {
      return []; // it has ended
    }
  });
}

function cpuMicros(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return sum + (Number(fields[11]) + Number(fields[12])) * US_PER_TICK;
  }, 0);
}

function median(values: readonly number[] = []): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
