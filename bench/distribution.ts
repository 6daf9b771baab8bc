// npm run bench:distribution [connections]: which server gets how many of 100,000 real connections, for each policy.
import { connect } from "node:net";
import { Balancer } from "../test/lab/balancer.ts";
import { Lab } from "../test/lab/lab.ts";
import { MariaDb } from "../test/lab/maria-db.ts";
import { bound, conclusion, section } from "./report.ts";

const CONNECTIONS = Number(process.argv[2] ?? 100_000);
const AT_A_TIME = 64;
const WEIGHTS = { db1: 1, db2: 2, db3: 5 } as const;
const POLICIES = ["least-connections", "round-robin", "random", "two-choices", "source"] as const;
const FIRST_PORT = 4010;
/** What clients without a greeting met, and how often. */
const errors = new Map<string, number>();
const MONITOR = { user: "monitor", password: "monitor" };

const lab = await Lab.create({ name: "bench-distribution" });
try {
  const names = Object.keys(WEIGHTS);
  const servers = await Promise.all(names.map(async (name) => await MariaDb.start(await lab.host(name))));
  for (const server of servers)
    await server.sql(`CREATE USER monitor@'%' IDENTIFIED BY 'monitor'; GRANT ALL ON *.* TO monitor@'%'`);
  const proxy = await lab.host("proxy");
  await proxy.run(["sysctl", "-qw", "net.ipv4.tcp_tw_reuse=1", "net.ipv4.ip_local_port_range=1024 65535"]);
  const balancer = await Balancer.start(proxy, {
    servers,
    module: "mariadbmon",
    ...MONITOR,
    // It is not about faults: with so many connections, servers on the same processors may be late with an answer.
    monitor: "monitor_interval=1s\ncheck_timeout=5s\nfailcount=3",
    server: Object.fromEntries(Object.entries(WEIGHTS).map(([name, weight]) => [name, `weight=${weight}`])),
    services: POLICIES.map((balance, i) => ({
      name: balance,
      port: FIRST_PORT + i,
      service: `balance=${balance}`,
      listener: `proxy_protocol_networks=${lab.address}`,
    })),
  });
  const total = Object.values(WEIGHTS).reduce((sum, weight) => sum + weight, 0);
  for (const [i, balance] of POLICIES.entries()) {
    await balancer.untilUses(balance, servers);
    section(`${balance}: ${CONNECTIONS} connections, ${AT_A_TIME} at a time`);
    const begunAt = Date.now();
    const before = await countConnections(servers);
    const failed = await connectAll(balancer.host.address, FIRST_PORT + i);
    const after = await countConnections(servers);
    bound("connections without a greeting", failed, "<=", 0, "");
    for (const line of balancer.failures(begunAt)) console.log(`  ${line}`);
    for (const [error, count] of errors) console.log(`  ${error}: ${count}`);
    errors.clear();
    for (const [j, [name, weight]] of Object.entries(WEIGHTS).entries()) {
      const share = ((after[j] ?? 0) - (before[j] ?? 0)) / CONNECTIONS;
      bound(
        `${name}, weight ${weight}: share less what is due`,
        Math.abs(share - weight / total) * 100,
        "<=",
        1,
        "%",
      );
    }
  }
} finally {
  await lab.destroy();
}
process.exit(conclusion());

/** Connections that servers have seen since they began, as they count them themselves. */
async function countConnections(servers: readonly MariaDb[]): Promise<readonly number[]> {
  return await Promise.all(servers.map(async (server) => Number(await server.status("Connections"))));
}

/** @returns how many met no server */
async function connectAll(host: string, port: number): Promise<number> {
  let next = 0;
  let failed = 0;
  const one = async (): Promise<void> => {
    while (next < CONNECTIONS) if (!(await isGreeted(host, port, next++))) failed++;
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, one));
  return failed;
}

/** Connects as the client of that number, by its PROXY header, waits for the server's greeting and leaves. */
async function isGreeted(host: string, port: number, client: number): Promise<boolean> {
  const address = `10.${(client >> 16) & 255}.${(client >> 8) & 255}.${client & 255}`;
  return await new Promise((resolve) => {
    let found = false;
    const socket = connect(port, host);
    const failed = ({ message }: Error): void => {
      if (!found) errors.set(message, (errors.get(message) ?? 0) + 1);
    };
    socket.on("connect", () => socket.write(`PROXY TCP4 ${address} 10.0.0.1 1024 3306\r\n`));
    socket.on("data", () => {
      found = true;
      // An ordinary end would keep its port for a minute, and there are 28,000.
      socket.resetAndDestroy();
    });
    // A server that is left in the middle of a login may reset.
    socket.on("error", failed);
    socket.on("close", () => resolve(found));
  });
}
