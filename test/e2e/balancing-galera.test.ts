import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../eventually.ts";
import { Balancer, residentMb } from "../lab/balancer.ts";
import { type Galera, startGalera } from "../lab/galera.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import {
  ACCOUNTS,
  type BalancedAddress,
  connectTo,
  MAX_PACKET_BYTES,
  PASSWORD,
} from "../support/balanced/balanced-address.ts";
import { balancedClientsPass } from "../support/balanced/balanced-clients.ts";
import { hostOf } from "../support/host-of.ts";

// Three Galera nodes behind one address, and every kind of client through it.

setDefaultTimeout(60_000);

const PORT = 4006;
const KERNEL_PORT = 4007;

let lab: Lab;
let galera: Galera;
let proxy: Host;
let balancer: Balancer;
let inUserSpace: BalancedAddress;
let inKernel: BalancedAddress;

beforeAll(async () => {
  lab = await Lab.create({ name: "balancing-galera" });
  proxy = await lab.host("proxy");
  await proxy.run(["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"]);
  const client = await lab.host("client");
  // One certificate for the address that all of them are reached by.
  const tls = await lab.certificate("cluster", { names: ["proxy", proxy.address] });
  galera = await startGalera(lab, {
    options: {
      ssl_ca: tls.authority,
      ssl_cert: tls.certificate,
      ssl_key: tls.key,
      max_allowed_packet: MAX_PACKET_BYTES,
    },
  });
  await galera.nodes[0]?.sql(
    `${ACCOUNTS}; CREATE USER monitor@'%' IDENTIFIED BY '${PASSWORD}'; GRANT REPLICATION CLIENT, SLAVE MONITOR ON *.* TO monitor@'%'`,
  );
  balancer = await Balancer.start(proxy, {
    servers: galera.nodes,
    module: "galeramon",
    user: "monitor",
    password: PASSWORD,
    services: [
      { name: "all", port: PORT, service: "router_options=synced" },
      {
        name: "kernel",
        port: KERNEL_PORT,
        service: "router_options=synced\ndataplane=kernel\nbalance=round-robin",
      },
    ],
  });
  await balancer.untilUses("all", galera.nodes);
  inUserSpace = {
    client,
    name: proxy.name,
    address: proxy.address,
    port: PORT,
    servers: galera.nodes,
    authority: tls.authority,
    setServers: async (state) => {
      for (const node of galera.nodes) await balancer.maintenance(node, state === "out" ? "on" : "off");
      await balancer.untilUses("all", state === "out" ? [] : galera.nodes);
    },
    residentMb: () => balancer.workers.reduce((sum, pid) => sum + residentMb(pid), 0),
  };
  inKernel = { ...inUserSpace, port: KERNEL_PORT };
}, 180_000);

afterAll(async () => {
  await lab.destroy();
});

balancedClientsPass("through worker processes", () => inUserSpace);
balancedClientsPass("through the kernel", () => inKernel);

const untilNoSession = async (): Promise<void> => {
  await eventually(async () => (await balancer.list("sessions")).length === 0, { what: "no session left" });
};

test("sessions spread over the nodes evenly", async () => {
  await untilNoSession();
  const connections = [];
  for (let i = 0; i < 30; i++) connections.push(await connectTo(inUserSpace));
  const names = await Promise.all(connections.map(hostOf));
  for (const { host } of galera.nodes) expect(names.filter((name) => name === host.name)).toHaveLength(10);
  await Promise.all(connections.map((connection) => connection.end()));
});

test("both sides of a session are watched by TCP keepalive", async () => {
  const connection = await connectTo(inUserSpace);
  const pids = (await proxy.run(["pgrep", "-f", "^sluice worker "])).stdout.trim().split("\n");
  await eventually(async () => {
    const { stdout } = await proxy.run(["ss", "-tnopH", "state", "established"]);
    const legs = stdout.split("\n").filter((line) => pids.some((pid) => line.includes(`pid=${pid},`)));
    // While the last packet has not been confirmed, its own timer is the one that is shown.
    return legs.length === 2 && legs.every((leg) => leg.includes("timer:(keepalive,"));
  });
  await connection.end();
});

test("nothing of all this has left a session behind", async () => {
  await untilNoSession();
});
