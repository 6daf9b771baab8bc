import { readFileSync } from "node:fs";
import { Balancer } from "../../test/lab/balancer.ts";
import { daemonProcesses } from "../../test/lab/daemon-processes.ts";
import { HaProxy } from "../../test/lab/ha-proxy.ts";
import type { Host } from "../../test/lab/host.ts";
import type { MariaDb } from "../../test/lab/maria-db.ts";
import { startNginx } from "../../test/lab/nginx.ts";

/** A way to the server. */
export interface Contender {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** The processes that carry the bytes, and spend CPU on it; none: the kernel does. */
  readonly pids: readonly number[];
  /** Further options of sysbench, and where it is run: it looks for certificates there. */
  readonly options?: readonly string[];
  readonly folder?: string;
}

const PORTS = { sluice: 4006, haproxy: 4100, pen: 4200, nginx: 4300 };
/** The account that the server is watched by. */
export const MONITOR = { user: "monitor", password: "monitor" };
/** Descriptors of a proxy besides those of its sessions. */
const OTHER_DESCRIPTORS = 200;

/** How many sessions, of two descriptors each, a process here can have. */
export function mostSessions(): number {
  const [, limit] = /^Max open files +\d+ +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
  return Math.floor((Number(limit) - OTHER_DESCRIPTORS) / 2);
}

/** Every way to one server, each proxy on the same host with one thread. */
export async function startContenders(host: Host, server: MariaDb): Promise<readonly Contender[]> {
  const at = (name: string, port: number, pids: readonly number[]): Contender => ({
    name,
    address: host.address,
    port,
    pids,
  });
  return [
    at("haproxy", PORTS.haproxy, await haproxy(host, server)),
    at("sluice", PORTS.sluice, await sluice(host, server)),
    at("nginx", PORTS.nginx, await nginx(host, server)),
    at("pen", PORTS.pen, await pen(host, server)),
    { name: "direct", address: server.address, port: server.port, pids: [] },
  ];
}

async function sluice(host: Host, server: MariaDb): Promise<readonly number[]> {
  const balancer = await Balancer.start(host, {
    servers: [server],
    module: "mariadbmon",
    ...MONITOR,
    monitor: "monitor_interval=1s\ncheck_timeout=10s", // nothing fails here; a server may be busy with thousands who leave at once
    threads: 1,
    services: [{ name: "all", port: PORTS.sluice }],
  });
  await balancer.untilUses("all", [server]);
  return balancer.workers;
}

async function haproxy(host: Host, { address, port }: MariaDb): Promise<readonly number[]> {
  const most = mostSessions();
  const lines = [
    `global\n nbthread 1\n maxconn ${most}`,
    `defaults\n mode tcp\n maxconn ${most}\n timeout connect 5s\n timeout client 10m\n timeout server 10m`,
    `listen all\n bind 0.0.0.0:${PORTS.haproxy}\n server s ${address}:${port}`,
  ];
  const { process } = await HaProxy.start(host, lines.join("\n"));
  return daemonProcesses(process.pid);
}

async function nginx(host: Host, { address, port }: MariaDb): Promise<readonly number[]> {
  const text = `stream { server { listen ${PORTS.nginx}; proxy_pass ${address}:${port}; tcp_nodelay on; } }`;
  return daemonProcesses((await startNginx(host, text, [PORTS.nginx])).pid);
}

async function pen(host: Host, { address, port }: MariaDb): Promise<readonly number[]> {
  const process = await host.spawn(["pen", "-f", "-r", `0.0.0.0:${PORTS.pen}`, `${address}:${port}`]);
  await host.untilListening(process, [PORTS.pen]);
  return [process.pid];
}
