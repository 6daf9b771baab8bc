import type { Configuration } from "../../config/configuration.ts";
import { host } from "../../config/values/address.ts";
import { oneOf } from "../../config/values/choice.ts";
import { duration } from "../../config/values/duration.ts";
import { integer, port } from "../../config/values/number.ts";
import { path } from "../../config/values/text.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import { renderHaproxy } from "../../render/haproxy.ts";
import type { RenderedFleet, Topology } from "../../render/rendered-fleet.ts";
import { option } from "../command.ts";
import { fleetFrom, rendering } from "./rendering.ts";

const DEFAULT_SOCKET = "/run/haproxy/admin.sock";
const interval = duration({ bare: "s", minMs: 50, maxMs: 600_000 });
const count = integer(1, 100);

export const HAPROXY = rendering({
  summary: "haproxy.cfg: one port for Galera; a write and a read port for --writers one and for replication",
  options: {
    topology: option(
      "galera|replication",
      oneOf(["galera", "replication"]),
      "of the servers (default: by the monitor's module)",
    ),
    writers: option(
      "all|one",
      oneOf(["all", "one"]),
      "Galera: every node takes writes (default), or one with the others standing by",
    ),
    balance: option(
      "algorithm",
      oneOf(["leastconn", "roundrobin", "source", "random"]),
      "leastconn (default), roundrobin, source or random",
    ),
    bind: option("address", host(), "address that clients connect to (default: all)"),
    port: option("port", port(), "for clients; with two ports the one for writes (default: 3306)"),
    "read-port": option("port", port(), "for reads (default: 3307)"),
    "check-port": option(
      "port",
      port(),
      "of the agents on the database hosts (default: that of the http publisher, else 9200)",
    ),
    "agent-port": option(
      "port",
      port(),
      "of their agent-check (default: that of the agent-check publisher, else it is not asked)",
    ),
    interval: option("duration", interval, "between two checks (default: 1s)"),
    fall: option("checks", count, "that fail before a server is down (default: 2)"),
    rise: option("checks", count, "that pass before it is up (default: 1)"),
    "max-lag": option(
      "duration",
      duration({ bare: "s" }),
      "replication: a replica further behind gets no reads",
    ),
    "max-connections": option("count", integer(1, 10_000_000), "most connections at a time (default: 10000)"),
    "connect-timeout": option("duration", interval, "for a connection to a server (default: 3s)"),
    "idle-timeout": option(
      "duration",
      duration({ bare: "s", minMs: 1000 }),
      "how long clients and servers may be silent (default: 8h)",
    ),
    socket: option(
      "file",
      path(),
      "the runtime socket (default: that of the haproxy-socket publisher, else /run/haproxy/admin.sock)",
    ),
    "stats-port": option("port", port(), "a page with figures on 127.0.0.1 (default: none)"),
  },
  render(sources, values) {
    const fleet = fleetFrom(sources);
    const publishers = publishedPorts(sources.configuration());
    const text = renderHaproxy(fleet, {
      topology: values.topology ?? knownTopology(fleet),
      writers: values.writers ?? "all",
      balance: values.balance ?? "leastconn",
      bind: values.bind ?? "*",
      port: values.port ?? 3306,
      readPort: values["read-port"] ?? 3307,
      checkPort: values["check-port"] ?? publishers.check ?? 9200,
      agentPort: values["agent-port"] ?? publishers.agent,
      intervalMs: values.interval ?? 1000,
      fall: values.fall ?? 2,
      rise: values.rise ?? 1,
      maxLagMs: values["max-lag"],
      maxConnections: values["max-connections"] ?? 10_000,
      connectTimeoutMs: values["connect-timeout"] ?? 3000,
      idleTimeoutMs: values["idle-timeout"] ?? 28_800_000,
      socket: values.socket ?? publishers.socket ?? DEFAULT_SOCKET,
      statsPort: values["stats-port"],
    });
    return { text, mode: 0o644 };
  },
});

function knownTopology({ name, topology }: RenderedFleet): Topology {
  if (topology !== undefined) return topology;
  throw new SluiceError(
    "USAGE",
    `the configuration does not say what ${name} is (module=auto); give --topology galera or --topology replication`,
  );
}

/** What the first publisher of each kind says. */
function publishedPorts({ publishers }: Configuration) {
  const found: { check?: number; agent?: number; socket?: string } = {};
  for (const publisher of publishers.values()) {
    if (publisher.module === "http") found.check ??= publisher.parameters.port;
    if (publisher.module === "agent-check") found.agent ??= publisher.parameters.port;
    if (publisher.module === "haproxy-socket" && publisher.parameters.socket.startsWith("/")) {
      found.socket ??= publisher.parameters.socket;
    }
  }
  return found;
}
