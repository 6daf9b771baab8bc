// scripts/bench.sh split-scale [rounds] [seconds] [share]: do three servers behind a service that splits carry 2.5 times the reads of one?
//
// On two processors, clients, proxy and three busy servers would stand in each other's way. So each server gets a share of a processor
// (a control group with a quota), small enough that the servers are the bottleneck, and reads are of a kind that cost a server more
// than they cost the others. The one server is asked directly: nothing of what the proxy costs is left out.
import { Balancer } from "../test/lab/balancer.ts";
import { Lab } from "../test/lab/lab.ts";
import type { MariaDb } from "../test/lab/maria-db.ts";
import { startReplication } from "../test/lab/replication.ts";
import { type Contender, MONITOR } from "./balancing/contenders.ts";
import { type Load, prepareLoads, runLoad } from "./balancing/load.ts";
import { cpuMicros } from "./balancing/process-cpu.ts";
import { limitCpu } from "./cpu-share.ts";
import { median } from "./health/load.ts";
import { bound, conclusion, report, section } from "./report.ts";

const ROUNDS = Number(process.argv[2] ?? 5);
const SECONDS = Number(process.argv[3] ?? 4);
const SHARE = Number(process.argv[4] ?? 0.15);
const WARM_SECONDS = 1;
const PORT = 4006;
/** Ten point selects and four of a hundred rows each; outside transactions, as these stay with one server. */
const READS: Load = { name: "oltp_read_only --skip-trx", threads: 24, script: "oltp_read_only" };
const READS_OF_EACH = 14;
const options = ["--skip-trx=on"];

interface Sample {
  readonly readsPerSecond: number;
  /** How much of their shares the servers have used: near 1, they are the bottleneck. */
  readonly use: number;
  /** CPU of the proxy, of one processor. */
  readonly proxy: number;
  /** Reads of the server that answered fewest, against an equal part of all. */
  readonly evenness: number;
}

const lab = await Lab.create({ name: "bench-split-scale" });
const ends: (() => void)[] = [];
try {
  const servers = await startServers();
  const [first] = servers as readonly [MariaDb, ...MariaDb[]];
  const clients = await lab.host("clients");
  const one: Contender = { name: "one", address: first.address, port: first.port, pids: [], options };
  const three = await startSluice(servers);
  const ways = [
    { way: one, asked: [first], samples: [] as Sample[] },
    { way: three, asked: servers, samples: [] as Sample[] },
  ];
  for (const { way } of ways) await runLoad(clients, way, READS, WARM_SECONDS);
  for (const { pid } of servers) ends.push(limitCpu(pid, SHARE));
  for (let round = 0; round < ROUNDS; round++)
    for (const { way, asked, samples } of round % 2 ? ways.toReversed() : ways)
      samples.push(await measure(way, asked));
  show(ways.map(({ samples }) => samples));

  async function measure(way: Contender, asked: readonly MariaDb[]): Promise<Sample> {
    const before = await Promise.all(asked.map(reads));
    const cpuBefore = cpuMicros(asked.map(({ pid }) => pid));
    const proxyBefore = cpuMicros(way.pids);
    const { perSecond } = await runLoad(clients, way, READS, SECONDS);
    const proxy = (cpuMicros(way.pids) - proxyBefore) / (SECONDS * 1e6);
    const cpu = cpuMicros(asked.map(({ pid }) => pid)) - cpuBefore;
    const counts = await Promise.all(
      asked.map(async (server, i) => (await reads(server)) - (before[i] ?? 0)),
    );
    const all = counts.reduce((sum, count) => sum + count, 0);
    return {
      readsPerSecond: perSecond * READS_OF_EACH,
      use: cpu / (asked.length * SHARE * SECONDS * 1e6),
      proxy,
      evenness: (Math.min(...counts) * asked.length) / all,
    };
  }
} finally {
  for (const end of ends) end();
  await lab.destroy();
}
process.exit(conclusion());

async function startServers(): Promise<readonly MariaDb[]> {
  const replication = await startReplication(lab);
  const { primary, replicas, servers } = replication;
  await prepareLoads(await lab.host("clients"), primary);
  await primary.sql(
    `GRANT SELECT ON mysql.* TO ${MONITOR.user}@'%'; GRANT SHOW DATABASES ON *.* TO ${MONITOR.user}@'%'`,
  );
  for (const replica of replicas) await replication.untilCaughtUp(replica);
  return servers;
}

/** One worker, which reads from all of them. */
async function startSluice(servers: readonly MariaDb[]): Promise<Contender> {
  const host = await lab.host("splitting");
  const account = `user=${MONITOR.user}\npassword=${MONITOR.password}`;
  const service = `${account}\nmaster_accept_reads=true`;
  const { workers } = await Balancer.start(host, {
    servers,
    module: "mariadbmon",
    ...MONITOR,
    monitor: "monitor_interval=1s\ncheck_timeout=10s", // servers that have used up their share answer late
    threads: 1,
    services: [{ name: "all", port: PORT, router: "readwritesplit", service }],
  });
  return { name: "three", address: host.address, port: PORT, pids: workers, options };
}

async function reads(server: MariaDb): Promise<number> {
  return Number(await server.status("Com_select"));
}

function show([one = [], three = []]: readonly (readonly Sample[])[]): void {
  const of = (samples: readonly Sample[], what: keyof Sample): number =>
    median(samples.map((sample) => sample[what]));
  section(
    `${READS.name}, ${READS.threads} threads, each server with ${(SHARE * 100).toFixed(0)} % of a processor`,
  );
  report("one server, directly", of(one, "readsPerSecond"), "reads per second");
  report("three servers, through sluice with one worker", of(three, "readsPerSecond"), "reads per second");
  report("share that one server has used", of(one, "use"), "x");
  // Below that something else was the bottleneck, and the ratio says nothing.
  bound("shares that three servers have used", of(three, "use"), ">=", 0.9, "x");
  report("processors that the proxy has used", of(three, "proxy"), "x");
  report("reads of the least busy server, against a third", of(three, "evenness"), "x");
  const ratios = three.map(
    ({ readsPerSecond }, round) => readsPerSecond / (one[round]?.readsPerSecond ?? Number.NaN),
  );
  bound("three servers against one, median of the rounds' ratios", median(ratios), ">=", 2.5, "x");
}
