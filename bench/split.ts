// scripts/bench.sh split [rounds] [seconds] [idle sessions]: a service that splits (one worker) beside HAProxy (one thread) passing the same bytes.
import { readFileSync } from "node:fs";
import { Balancer } from "../test/lab/balancer.ts";
import type { Certificate } from "../test/lab/certificates.ts";
import { daemonProcesses } from "../test/lab/daemon-processes.ts";
import { HaProxy } from "../test/lab/ha-proxy.ts";
import type { Host } from "../test/lab/host.ts";
import { Lab } from "../test/lab/lab.ts";
import { MariaDb } from "../test/lab/maria-db.ts";
import { compare, type Figures } from "./balancing/compare.ts";
import { type Contender, MONITOR, mostSessions } from "./balancing/contenders.ts";
import { memoryOfIdleSessions } from "./balancing/idle-sessions.ts";
import { LOADS, type Load, prepareLoads, sysbench } from "./balancing/load.ts";
import { median } from "./health/load.ts";
import { bound, conclusion, report, section } from "./report.ts";

const ROUNDS = Number(process.argv[2] ?? 5);
const SECONDS = Number(process.argv[3] ?? 4);
const IDLE_SESSIONS = Math.min(Number(process.argv[4] ?? 5000), mostSessions());
/** Far below what any of them can do: what is added by the proxy, and not by waiting in a queue. */
const CALM_RATE = 500;
const SERVER = {
  max_connections: 6000,
  open_files_limit: 12_000,
  thread_handling: "pool-of-threads",
  back_log: 2000,
};
const MANY_CONNECTIONS = ["net.ipv4.tcp_tw_reuse=1", "net.ipv4.ip_local_port_range=1024 65535"];
const PORT = 4006;

const lab = await Lab.create({ name: "bench-split" });
try {
  const server = await MariaDb.start(await lab.host("db1"), {
    hasTls: true,
    hasBinlog: true,
    options: SERVER,
  });
  const clients = await lab.host("clients");
  await prepareLoads(clients, server);
  await server.sql(
    `GRANT SELECT ON mysql.* TO ${MONITOR.user}@'%'; GRANT SHOW DATABASES ON *.* TO ${MONITOR.user}@'%'`,
  );
  const certificate = await lab.certificate("proxy");
  const plain = [await haproxy(await lab.host("passing"), server), await sluice("splitting", server)];
  const direct = { name: "direct", address: server.address, port: server.port, pids: [] };
  for (const host of ["passing", "splitting"])
    await (await lab.host(host)).run(["sysctl", "-qw", ...MANY_CONNECTIONS]);
  await clients.run(["sysctl", "-qw", ...MANY_CONNECTIONS]);

  section(`${IDLE_SESSIONS} idle sessions, logged in`);
  for (const contender of plain) {
    const each = await memoryOfIdleSessions(contender, IDLE_SESSIONS);
    bound(
      `${contender.name}: resident memory each`,
      each,
      "<=",
      contender.name === "sluice" ? 40 : 1000,
      "kB",
    );
  }
  for (const load of [LOADS.points8, LOADS.points64, LOADS.writes8, LOADS.writes64]) {
    const found = await show(clients, [...plain, direct], load, "text");
    bound("sluice / haproxy, CPU of the proxy per query", found.cpuRatio, "<=", 1.1, "x");
  }
  await showLatency(clients, [direct, ...plain]);
  const encrypted = await encryptedWays(clients, server, certificate);
  for (const load of [LOADS.points8, LOADS.writes8]) {
    const found = await show(clients, encrypted, load, "TLS on both legs");
    bound("sluice / haproxy, CPU of the proxy per query", found.cpuRatio, "<=", 1.1, "x");
  }
  const [passing] = plain as [Contender, Contender];
  const pooled = await sluice("pooling", server, { server: "persistpoolmax=64\npersistmaxtime=60s" });
  await (await lab.host("pooling")).run(["sysctl", "-qw", ...MANY_CONNECTIONS]);
  const asking = await show(clients, [passing, pooled, direct], LOADS.ask8, "connections kept for reuse");
  bound("sluice / haproxy, connections with a query per second", asking.rateRatio, ">=", 1.3, "x");
} finally {
  await lab.destroy();
}
process.exit(conclusion());

async function sluice(
  name: string,
  server: MariaDb,
  { server: lines = "", listener = "" }: { readonly server?: string; readonly listener?: string } = {},
): Promise<Contender> {
  const host = await lab.host(name);
  const balancer = await Balancer.start(host, {
    servers: [server],
    module: "mariadbmon",
    ...MONITOR,
    monitor: "monitor_interval=1s\ncheck_timeout=10s",
    threads: 1,
    server: { [server.host.name]: lines },
    services: [
      {
        name: "all",
        port: PORT,
        router: "readwritesplit",
        service: `user=${MONITOR.user}\npassword=${MONITOR.password}\nmaster_accept_reads=true`,
        listener,
      },
    ],
  });
  return { name: "sluice", address: host.address, port: PORT, pids: balancer.workers };
}

function listen(port: number, bind: string, to: string): string {
  const most = mostSessions();
  return [
    `global\n nbthread 1\n maxconn ${most}`,
    `defaults\n mode tcp\n maxconn ${most}\n timeout connect 5s\n timeout client 10m\n timeout server 10m`,
    `listen all\n bind 0.0.0.0:${port} ${bind}\n server s ${to}`,
  ].join("\n");
}

async function haproxy(host: Host, { address, port }: MariaDb): Promise<Contender> {
  const { process } = await HaProxy.start(host, listen(PORT, "", `${address}:${port}`));
  return { name: "haproxy", address: host.address, port: PORT, pids: daemonProcesses(process.pid) };
}

/** HAProxy does not speak TLS as MySQL begins it: one of its kind on either side wraps the bytes in TLS, so that it ends it and begins it anew. */
async function encryptedWays(
  clients: Host,
  server: MariaDb,
  certificate: Certificate,
): Promise<readonly Contender[]> {
  const pem = "/run/proxy.pem";
  const ends = await Promise.all(
    ["wrapping", "ending", "unwrapping"].map(async (name) => await lab.host(name)),
  );
  for (const host of ends)
    host.write(
      pem,
      readFileSync(certificate.certificate, "utf8") + readFileSync(certificate.key, "utf8"),
      0o600,
    );
  const [entry, middle, exit] = ends as [Host, Host, Host];
  const tls = `ssl crt ${pem}`;
  await HaProxy.start(exit, listen(PORT, tls, `${server.address}:${server.port}`));
  const { process } = await HaProxy.start(
    middle,
    listen(PORT, tls, `${exit.address}:${PORT} ssl verify none`),
  );
  await HaProxy.start(entry, listen(PORT, "", `${middle.address}:${PORT} ssl verify none`));
  // sysbench looks for these names in the folder where it is run; the account asks for none of them.
  const split = await sluice("encrypting", server, {
    server: `ssl=true\nssl_ca=${certificate.authority}\nssl_verify_peer_certificate=true`,
    listener: `ssl=true\nssl_cert=${certificate.certificate}\nssl_key=${certificate.key}`,
  });
  clients.write("/run/tls/cacert.pem", readFileSync(certificate.authority, "utf8"));
  clients.write("/run/tls/client-cert.pem", readFileSync(certificate.certificate, "utf8"));
  clients.write("/run/tls/client-key.pem", readFileSync(certificate.key, "utf8"));
  return [
    { name: "haproxy", address: entry.address, port: PORT, pids: daemonProcesses(process.pid) },
    { ...split, folder: "/run/tls", options: ["--mysql-ssl=on"] },
  ];
}

async function show(
  clients: Host,
  contenders: readonly Contender[],
  load: Load,
  how: string,
): Promise<Figures> {
  section(`${load.name}, ${how} (${ROUNDS} rounds of ${SECONDS} s; ratios to haproxy in the same round)`);
  const all = await compare(clients, contenders, load, ROUNDS, SECONDS);
  for (const { name, perSecond, cpuMicros, rateRatio, cpuRatio } of all) {
    const cpu =
      cpuMicros === 0 ? "" : `${cpuMicros.toFixed(1).padStart(7)} us CPU each, ${cpuRatio.toFixed(2)} x`;
    console.log(
      `  ${name.padEnd(10)} ${perSecond.toFixed(0).padStart(7)}/s ${rateRatio.toFixed(2)} x  ${cpu}`,
    );
  }
  return all.find(({ name }) => name === "sluice") as Figures;
}

/** Medians at a rate that keeps nobody waiting. */
async function showLatency(clients: Host, contenders: readonly Contender[]): Promise<void> {
  section(`point select, 8 threads, ${CALM_RATE} a second: median latency`);
  const samples = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < ROUNDS; round++)
    for (const contender of contenders) {
      const how = [
        "--threads=8",
        `--time=${SECONDS}`,
        `--rate=${CALM_RATE}`,
        "--percentile=50",
        "--db-ps-mode=disable",
      ];
      const out = await sysbench(
        clients,
        contender,
        [...how, "oltp_point_select", "run"],
        (SECONDS + 30) * 1000,
      );
      samples.get(contender.name)?.push(Number(/50th percentile: +([\d.]+)/.exec(out)?.[1]) * 1000);
    }
  const of = (name: string): number => median(samples.get(name) ?? []);
  for (const { name } of contenders) report(name, of(name), "us");
  report("haproxy adds", of("haproxy") - of("direct"), "us");
  bound("sluice adds", of("sluice") - of("direct"), "<", 100, "us");
}
