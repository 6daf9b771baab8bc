// npm run bench:gate: the port gate against a script in bash, on the same host in the same run.
//
// The gates lead to an nginx and not to the server that is killed: a port whose server is dead refuses everybody by itself, and
// would tell nothing of the gate.
import { writeFileSync } from "node:fs";
import type { Host } from "../test/lab/host.ts";
import { Lab } from "../test/lab/lab.ts";
import { MariaDb } from "../test/lab/maria-db.ts";
import { startNginx } from "../test/lab/nginx.ts";
import type { Process } from "../test/lab/process.ts";
import { startSluice } from "../test/lab/sluice.ts";
import { shellGate } from "./gate/shell-gate.ts";
import { untilPort } from "./gate/watch-port.ts";
import { load, median } from "./health/load.ts";
import { bound, conclusion, report, section } from "./report.ts";

const ROUNDS = Number(process.argv[2] ?? 20);
const REAL_PORT = 3306;
const PORTS = { nftables: 3308, iptables: 3309, shell: 3310 } as const;

const lab = await Lab.create({ name: "bench-gate" });
try {
  const host = await lab.host("db1");
  const clients = await lab.host("clients");
  const server = await MariaDb.start(host, { port: 3399 });
  await server.sql("CREATE USER checker@localhost IDENTIFIED BY 'secret'");
  await startNginx(
    host,
    `http { access_log off; keepalive_requests 10000000; server { listen ${REAL_PORT} backlog=4096; return 200 x; } }`,
    [REAL_PORT],
  );
  const defaultsFile = `${host.folder}/client.cnf`;
  writeFileSync(defaultsFile, `[client]\nuser=checker\npassword=secret\nsocket=${server.socketPath}\n`, {
    mode: 0o600,
  });
  section(`From a fault to the closed port, and from the recovery to the open one (${ROUNDS} rounds each)`);
  // One after the other: they would wait for each other's changes of the firewall.
  host.write("/etc/gate.sh", shellGate(defaultsFile, PORTS.shell), 0o755);
  const shell = await measureFaults(host, server, "shell", () => host.spawn(["/etc/gate.sh"]));
  await measureFaults(host, server, "iptables", () => startAgent(host, defaultsFile, "iptables"));
  const ours = await measureFaults(host, server, "nftables", () =>
    startAgent(host, defaultsFile, "nftables"),
  );
  bound("kill -9 to closed, median", median(ours), "<", 30, "ms");
  bound(`kill -9 to closed, worst of ${ROUNDS}`, Math.max(...ours), "<", 100, "ms");
  bound("the script's median / ours", median(shell) / median(ours), ">=", 10, "x");

  section("Throughput through the gate, and directly");
  const agent = await startAgent(host, defaultsFile, "nftables");
  await measureThroughput(host, clients);
  await agent.terminate();
} finally {
  await lab.destroy();
}
process.exit(conclusion());

async function startAgent(
  host: Host,
  defaultsFile: string,
  backend: "nftables" | "iptables",
): Promise<Process> {
  const gate = ["--gate", "--gate-backend", backend, "--mirror-port", String(PORTS[backend])];
  const account = ["--defaults-extra-file", defaultsFile, "--profile", "standalone"];
  const args = ["agent", ...account, ...gate, "--real-port", String(REAL_PORT)];
  return await startSluice(host, args, { ports: [9200] });
}

async function measureThroughput(host: Host, clients: Host): Promise<void> {
  const run = (port: number) => load(clients, `http://${host.address}:${port}/`, 40_000, 20, true);
  await untilPort(true, host.address, PORTS.nftables);
  await run(REAL_PORT); // warm
  const ratios: number[] = [];
  const delays: number[] = [];
  for (let i = 0; i < 7; i++) {
    // In turn first and second, so that what slows down the machine hits both.
    const order = i % 2 === 0 ? [REAL_PORT, PORTS.nftables] : [PORTS.nftables, REAL_PORT];
    const found = new Map<number, Awaited<ReturnType<typeof run>>>();
    for (const port of order) found.set(port, await run(port));
    const [direct, gated] = [found.get(REAL_PORT), found.get(PORTS.nftables)];
    if (direct === undefined || gated === undefined) continue;
    ratios.push(gated.perSecond / direct.perSecond);
    delays.push(gated.p99Ms - direct.p99Ms);
  }
  bound("gate / direct, requests per second", median(ratios), ">=", 0.97, "x");
  bound("gate - direct, p99 at 20 clients", median(delays), "<", 1.1, "ms");
}

/** Resolves to the times from kill -9 to the closed port, ms. */
async function measureFaults(
  host: Host,
  server: MariaDb,
  name: keyof typeof PORTS,
  start: () => Promise<Process>,
): Promise<readonly number[]> {
  const closing: number[] = [];
  const opening: number[] = [];
  const gate = await start();
  await untilPort(true, host.address, PORTS[name]);
  for (let i = 0; i < ROUNDS; i++) {
    process.kill(server.pid, "SIGKILL");
    closing.push(await untilPort(false, host.address, PORTS[name]));
    await server.kill().catch(() => {}); // it is dead; its end is waited for
    await server.start();
    opening.push(await untilPort(true, host.address, PORTS[name]));
  }
  await gate.terminate();
  report(`${name}: kill -9 to closed, median`, median(closing), "ms");
  report(`${name}: kill -9 to closed, worst`, Math.max(...closing), "ms");
  report(`${name}: first answer to open, median`, median(opening), "ms");
  report(`${name}: first answer to open, worst`, Math.max(...opening), "ms");
  return closing;
}
