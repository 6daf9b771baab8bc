/**
 * render/: from the fleet's configuration to the configuration of the programs around it. The renderers are pure functions to text;
 * what is given once comes out the same always, so that a difference in the text is a difference in the fleet.
 *
 *   Configuration ─▶ fleetOf ─▶ RenderedFleet ─┬─▶ haproxy, keepalived, nginx, xinetd ─▶ text ─▶ cli: print, --diff, --write
 *                                   options  ──┘   (systemd, logrotate: options alone)
 */
import type { Configuration, MonitorObject, ServerObject } from "../config/configuration.ts";
import { SluiceError } from "../errors/sluice-error.ts";

/** The servers that a balancer stands in front of. */
export interface RenderedFleet {
  /** Of the monitor or service. */
  readonly name: string;
  /** Undefined: the configuration does not say (module=auto). */
  readonly topology: Topology | undefined;
  readonly servers: readonly RenderedServer[];
}

export type Topology = "galera" | "replication";

export interface RenderedServer {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Relative to the others'; 0: no new connections. */
  readonly weight: number;
}

/** Names stand in other programs' configuration and on their sockets, where a blank ends them. */
const PLAIN_NAME = /^[A-Za-z0-9_.-]+$/;

/**
 * The servers of the monitor or service called `name`; without a name, of the only monitor, or all where there is none. Throws
 * USAGE where it is not clear which servers are meant, and CONFIG_INVALID where one cannot be in another program's file.
 */
export function fleetOf(configuration: Configuration, name: string | undefined): RenderedFleet {
  const { name: owner, monitor, servers } = chosen(configuration, name);
  if (servers.length === 0)
    throw new SluiceError("USAGE", `${owner} has no servers, so there is nothing to render`);
  requirePlain(owner);
  return {
    name: owner,
    topology: topologyOf(monitor),
    servers: servers.flatMap((server) => {
      const object = configuration.servers.get(server);
      return object === undefined ? [] : [renderedServer(object)];
    }),
  };
}

interface Chosen {
  readonly name: string;
  readonly monitor: MonitorObject | undefined;
  readonly servers: readonly string[];
}

function chosen({ monitors, services, servers }: Configuration, name: string | undefined): Chosen {
  if (name === undefined) {
    const [only, ...more] = monitors.values();
    if (only === undefined) return { name: "mysql", monitor: undefined, servers: [...servers.keys()] };
    if (more.length === 0) return ofMonitor(only);
    const names = [...monitors.keys(), ...services.keys()].join(", ");
    throw new SluiceError("USAGE", `whose servers? --of names a monitor or service: ${names}`);
  }
  const monitor = monitors.get(name);
  if (monitor !== undefined) return ofMonitor(monitor);
  const service = services.get(name)?.parameters;
  if (service === undefined) {
    const names = [...monitors.keys(), ...services.keys()].join(", ") || "there is none";
    throw new SluiceError("USAGE", `--of ${name}: no monitor or service is called so: ${names}`);
  }
  const cluster = service.cluster === undefined ? undefined : monitors.get(service.cluster);
  return { name, monitor: cluster, servers: service.servers ?? cluster?.parameters.servers ?? [] };
}

const ofMonitor = (monitor: MonitorObject): Chosen => ({
  name: monitor.name,
  monitor,
  servers: monitor.parameters.servers,
});

function topologyOf(monitor: MonitorObject | undefined): Topology | undefined {
  switch (monitor?.module) {
    case "galeramon":
      return "galera";
    case "mariadbmon":
      return "replication";
    case "auto":
    case "portmon":
    case undefined:
      return undefined;
  }
}

function renderedServer({ name, parameters }: ServerObject): RenderedServer {
  requirePlain(name);
  const { address, port, weight } = parameters;
  if (address === undefined) {
    throw new SluiceError(
      "CONFIG_INVALID",
      `[${name}] has a unix socket only, which other hosts cannot reach; give it an address`,
    );
  }
  return { name, host: address, port, weight };
}

function requirePlain(name: string): void {
  if (PLAIN_NAME.test(name)) return;
  throw new SluiceError(
    "CONFIG_INVALID",
    `[${name}] cannot be a name in another program's configuration; use letters, digits and _ . - only`,
  );
}
