// scripts/bench.sh kernel [rounds] [seconds]: sysbench's oltp_point_select through dataplane=kernel, directly, and through HAProxy
// (one thread), all on one host as in reference measurements, in turn; and the same with the proxy on a host of its own.
import { eventually } from "../test/eventually.ts";
import { HaProxy } from "../test/lab/ha-proxy.ts";
import type { Host } from "../test/lab/host.ts";
import { Lab } from "../test/lab/lab.ts";
import { MariaDb } from "../test/lab/maria-db.ts";
import { startSluice } from "../test/lab/sluice.ts";
import { bound, conclusion, report, section } from "./report.ts";

const ROUNDS = Number(process.argv[2] ?? 5);
const SECONDS = Number(process.argv[3] ?? 4);
const THREADS = [8, 64];
const ROWS = 10_000;
const KERNEL = 4006;
const HAPROXY = 4100;

/** A way to the server, as a client on `from` sees it. */
interface Way {
  readonly name: "direct" | "kernel" | "haproxy";
  readonly address: string;
  readonly port: number;
}

const lab = await Lab.create({ name: "bench-kernel" });
try {
  const database = await lab.host("db1");
  const server = await MariaDb.start(database);
  await server.sql(
    "CREATE USER app@'%' IDENTIFIED BY 'app'; GRANT ALL ON *.* TO app@'%'; CREATE DATABASE sbtest",
  );
  await sysbench(database, { name: "direct", address: server.address, port: 3306 }, 1, "prepare");
  await startWays(database, server);
  await compare("client, proxy and server on one host", database, ways(server, database), true);
  const proxy = await lab.host("proxy");
  await startWays(proxy, server);
  await compare("each on a host of its own", await lab.host("client"), ways(server, proxy), false);
} finally {
  await lab.destroy();
}
process.exit(conclusion());

function ways(server: MariaDb, proxy: Host): readonly Way[] {
  return [
    { name: "direct", address: server.address, port: server.port },
    { name: "kernel", address: proxy.address, port: KERNEL },
    { name: "haproxy", address: proxy.address, port: HAPROXY },
  ];
}

async function startWays(host: Host, { address, port }: MariaDb): Promise<void> {
  const timeouts = "timeout connect 5s\n timeout client 1m\n timeout server 1m";
  const text = `global\n nbthread 1\ndefaults\n mode tcp\n ${timeouts}\nlisten a\n bind 0.0.0.0:${HAPROXY}\n server s ${address}:${port}`;
  await HaProxy.start(host, text);
  await host.run(["sysctl", "-w", "net.ipv4.ip_forward=1"]);
  const folders = `datadir=${host.folder}/data\npersistdir=${host.folder}/data/sluice.cnf.d`;
  const monitor = "[m]\ntype=monitor\nmodule=mariadbmon\nservers=db1\nuser=app\npassword=app";
  const service = "[s]\ntype=service\nrouter=readconnroute\ndataplane=kernel\nbalance=round-robin\ncluster=m";
  const listener = `[l]\ntype=listener\nservice=s\nport=${KERNEL}`;
  host.write(
    "/etc/sluice.cnf",
    `[sluice]\nthreads=1\n${folders}\n[db1]\ntype=server\naddress=${address}\n${monitor}\n${service}\n${listener}\n`,
    0o600,
  );
  await startSluice(host, ["run", "--config", host.path("/etc/sluice.cnf")]);
  const table = ["nft", "list", "table", "inet", "sluice_balance"];
  await eventually(async () => (await host.run(table)).stdout.includes("dnat"), { what: "the rules" });
}

async function compare(what: string, from: Host, paths: readonly Way[], isBound: boolean): Promise<void> {
  for (const threads of THREADS) {
    section(`oltp_point_select, ${threads} threads, ${what}`);
    const rates = new Map<string, number[]>(paths.map(({ name }) => [name, []]));
    for (let round = 0; round < ROUNDS; round++)
      // Nobody always comes after the same one.
      for (const path of [...paths.slice(round % 3), ...paths.slice(0, round % 3)])
        rates.get(path.name)?.push(await sysbench(from, path, threads, "run"));
    for (const { name } of paths) report(name, median(rates.get(name)), "queries/s");
    // Of each round, so that a machine that becomes slower does not count.
    const ratio = (other: Way["name"]): number =>
      median(rates.get("kernel")?.map((rate, i) => rate / (rates.get(other)?.[i] ?? Number.NaN)));
    if (isBound) {
      bound("kernel over direct", ratio("direct"), ">=", 0.97, "x");
      bound("kernel over haproxy", ratio("haproxy"), ">=", 1.2, "x");
    } else {
      report("kernel over direct", ratio("direct"), "x");
      report("kernel over haproxy", ratio("haproxy"), "x");
    }
  }
}

/** @returns queries per second */
async function sysbench(from: Host, { address, port }: Way, threads: number, command: "prepare" | "run") {
  const account = [
    "--mysql-user=app",
    "--mysql-password=app",
    `--mysql-host=${address}`,
    `--mysql-port=${port}`,
  ];
  const load = ["--tables=1", `--table-size=${ROWS}`, `--threads=${threads}`, `--time=${SECONDS}`];
  const argv = ["sysbench", "oltp_point_select", ...account, ...load, "--db-ps-mode=disable", command];
  const { code, stdout, stderr } = await from.run(argv, { timeoutMs: (SECONDS + 60) * 1000, mayFail: true });
  if (code !== 0)
    throw new Error(`sysbench failed (apt-get install sysbench brings it): ${stderr || stdout}`);
  return Number(/queries: +\d+ +\(([\d.]+) per sec/.exec(stdout)?.[1]);
}

function median(values: readonly number[] = []): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
