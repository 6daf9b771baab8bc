// npm run bench:gate [-- ROUNDS]: the port gate against a script in bash, on the same host in the same run; and queries through it
// against queries directly. With 0 rounds only the latter, which takes half a minute.
//
// Where it closes, the gates lead to an nginx and not to the server that is killed: a port whose server is dead refuses everybody by itself, and
// would tell nothing of the gate.
import { writeFileSync } from "node:fs";
import type { Host } from "../test/lab/host.ts";
import { Lab } from "../test/lab/lab.ts";
import { MariaDb } from "../test/lab/maria-db.ts";
import { startNginx } from "../test/lab/nginx.ts";
import type { Process } from "../test/lab/process.ts";
import { startSluice } from "../test/lab/sluice.ts";
import { shellGate } from "./gate/shell-gate.ts";
import { compareThroughput } from "./gate/throughput.ts";
import { untilPort } from "./gate/watch-port.ts";
import { median } from "./health/load.ts";
import { bound, conclusion, report, section } from "./report.ts";

const ROUNDS = Number(process.argv[2] ?? 20);
const REAL_PORT = 3306;
const PORTS = { nftables: 3308, iptables: 3309, shell: 3310 } as const;

const lab = await Lab.create({ name: "bench-gate" });
try {
  const host = await lab.host("db1");
  const server = await MariaDb.start(host, { port: 3399 });
  await server.sql("CREATE USER checker@localhost IDENTIFIED BY 'secret'");
  const defaultsFile = `${host.folder}/client.cnf`;
  writeFileSync(defaultsFile, `[client]\nuser=checker\npassword=secret\nsocket=${server.socketPath}\n`, {
    mode: 0o600,
  });
  if (ROUNDS > 0) await compareClosing(host, server, defaultsFile);
  section("Throughput through the gate, and directly");
  await measureThroughput(host, server, defaultsFile);
} finally {
  await lab.destroy();
}
process.exit(conclusion());

async function startAgent(
  host: Host,
  defaultsFile: string,
  backend: "nftables" | "iptables",
  realPort = REAL_PORT,
): Promise<Process> {
  const gate = ["--gate", "--gate-backend", backend, "--mirror-port", String(PORTS[backend])];
  const account = ["--defaults-extra-file", defaultsFile, "--profile", "standalone"];
  const args = ["agent", ...account, ...gate, "--real-port", String(realPort)];
  return await startSluice(host, args, { ports: [9200] });
}

async function compareClosing(host: Host, server: MariaDb, defaultsFile: string): Promise<void> {
  section(`From a fault to the closed port, and from the recovery to the open one (${ROUNDS} rounds each)`);
  await startNginx(
    host,
    `http { access_log off; keepalive_requests 10000000; server { listen ${REAL_PORT} backlog=4096; return 200 x; } }`,
    [REAL_PORT],
  );
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
}

async function measureThroughput(host: Host, server: MariaDb, defaultsFile: string): Promise<void> {
  const agent = await startAgent(host, defaultsFile, "nftables", server.port);
  await untilPort(true, host.address, PORTS.nftables);
  const found = await compareThroughput(server, PORTS.nftables);
  await agent.terminate();
  report("directly, queries per second", found.directPerSecond, "");
  report("directly, p99", found.directP99Ms, "ms");
  report("direct / direct, queries per second (the noise)", found.control.rate, "x");
  report("direct / direct, p99 (the noise)", found.control.p99, "x");
  bound("gate / direct, queries per second", found.gated.rate, ">=", 0.97, "x");
  bound("gate / direct, p99", found.gated.p99, "<=", 1.03, "x");
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
