import { isIP } from "node:net";
import { formatHostPort } from "../topology/endpoint.ts";
import { column, comment, configText, indented, type Lines, shortDuration } from "./config-text.ts";
import type { RenderedFleet, RenderedServer, Topology } from "./rendered-fleet.ts";

export interface HaproxyOptions {
  readonly topology: Topology;
  /** Galera: all nodes on one port, or one writer with the others as its backups and a port of its own for reads. */
  readonly writers: "all" | "one";
  readonly balance: "leastconn" | "roundrobin" | "source" | "random";
  /** Address that clients connect to; `*` is every IPv4 and IPv6 address. */
  readonly bind: string;
  readonly port: number;
  /** Where there is a port for writes, the one for reads. */
  readonly readPort: number;
  /** Of the agents on the database hosts. */
  readonly checkPort: number;
  /** Of the agents' agent-check; undefined: HAProxy does not ask it. */
  readonly agentPort: number | undefined;
  readonly intervalMs: number;
  readonly fall: number;
  readonly rise: number;
  /** A replica further behind than this gets no reads; undefined: as the agent judges. */
  readonly maxLagMs: number | undefined;
  readonly maxConnections: number;
  readonly connectTimeoutMs: number;
  /** How long client and server may be silent. */
  readonly idleTimeoutMs: number;
  /** HAProxy's runtime socket. */
  readonly socket: string;
  /** Port of the page with figures, on loopback; undefined: none. */
  readonly statsPort: number | undefined;
}

/** haproxy.cfg, for HAProxy 2.2 and later. */
export function renderHaproxy(fleet: RenderedFleet, options: HaproxyOptions): string {
  const names = fleet.servers.map(({ name }) => name);
  return configText(
    comment(
      `HAProxy in front of ${fleet.name}: ${names.join(", ")}. Made by \`sluice render haproxy\`.\n` +
        `\`sluice haproxy reload --config FILE\` puts a changed one into service without losing a connection.`,
    ),
    "",
    globalSection(options),
    "",
    defaultsSection(options),
    "",
    hasNames(fleet) ? [resolversSection(), ""] : undefined,
    isSplit(options) ? splitPorts(fleet, options) : onePort(fleet, options),
    options.statsPort === undefined ? [] : ["", statsSection(options.statsPort)],
  );
}

const RESOLVERS = "system";

const isSplit = ({ topology, writers }: HaproxyOptions): boolean =>
  topology === "replication" || writers === "one";

const hasNames = ({ servers }: RenderedFleet): boolean => servers.some(({ host }) => isIP(host) === 0);

const section = (head: string, ...lines: readonly Lines[]): Lines => [head, indented("    ", ...lines)];

function globalSection({ socket, maxConnections }: HaproxyOptions): Lines {
  return section(
    "global",
    "log /dev/log local0 info",
    "user haproxy",
    "group haproxy",
    `maxconn ${maxConnections}`,
    comment(
      "The runtime socket. A reload takes the listening sockets over through it (expose-fd), and Sluice's publisher\n" +
        "haproxy-socket sets servers through it (level admin).",
    ),
    `stats socket ${socket} mode 660 level admin expose-fd listeners`,
    "stats timeout 30s",
    comment("A worker that a reload replaced ends by then, whatever its clients still do."),
    "hard-stop-after 24h",
  );
}

function defaultsSection(options: HaproxyOptions): Lines {
  const { connectTimeoutMs, idleTimeoutMs, maxConnections } = options;
  return section(
    "defaults",
    "log global",
    "mode tcp",
    "option tcplog",
    comment("A port scan or a check that sends nothing is no line in the log."),
    "option dontlognull",
    comment("A server that refuses a connection costs the client nothing: the next one is tried at once."),
    "retries 3",
    "option redispatch 1",
    `timeout connect ${shortDuration(connectTimeoutMs)}`,
    comment("As long as the servers' wait_timeout (28800 s unless changed), or idle clients are cut off."),
    `timeout client ${shortDuration(idleTimeoutMs)}`,
    `timeout server ${shortDuration(idleTimeoutMs)}`,
    "option clitcpka",
    "option srvtcpka",
    `maxconn ${maxConnections}`,
  );
}

function resolversSection(): Lines {
  return section(
    `resolvers ${RESOLVERS}`,
    comment("Names are looked up again and again, so that a server may change its address."),
    "parse-resolv-conf",
    "hold valid 10s",
  );
}

function onePort(fleet: RenderedFleet, options: HaproxyOptions): Lines {
  return section(
    `listen ${fleet.name}`,
    comment("Every node takes reads and writes."),
    bindLine(options.bind, options.port),
    `balance ${options.balance}`,
    check("/", fleet, options),
    serverLines(fleet.servers, () => ""),
  );
}

function splitPorts(fleet: RenderedFleet, options: HaproxyOptions): Lines {
  return [writePort(fleet, options), "", readPort(fleet, options)];
}

/** All but the first are backups, and of those HAProxy uses one at a time: there are never two writers. */
function writePort(fleet: RenderedFleet, options: HaproxyOptions): Lines {
  const isGalera = options.topology === "galera";
  const why = isGalera
    ? "One node takes the writes, so that no two of them conflict; the others stand by, in this order."
    : "The primary. Whichever server that is tells its agent; never two at a time, even if two said so.";
  return section(
    `listen ${fleet.name}-write`,
    comment(why),
    bindLine(options.bind, options.port),
    check(isGalera ? "/" : "/primary", fleet, options),
    isGalera
      ? [
          comment(
            "When the first is back, the sessions on its stand-in end: their clients connect to it again.",
          ),
          "default-server on-marked-up shutdown-backup-sessions",
        ]
      : undefined,
    serverLines(fleet.servers, (index) => (index === 0 ? "" : " backup")),
  );
}

function readPort(fleet: RenderedFleet, options: HaproxyOptions): Lines {
  const { topology, maxLagMs } = options;
  const lag = maxLagMs === undefined ? "" : `?lag=${shortDuration(maxLagMs)}`;
  return section(
    `listen ${fleet.name}-read`,
    comment(
      topology === "galera"
        ? "Every node takes reads."
        : "The replicas take reads; where none is left, the primary does.",
    ),
    bindLine(options.bind, options.readPort),
    `balance ${options.balance}`,
    topology === "replication"
      ? `use_backend ${fleet.name}-write if { nbsrv(${fleet.name}-read) eq 0 }`
      : undefined,
    check(topology === "galera" ? "/" : `/replica${lag}`, fleet, options),
    serverLines(fleet.servers, () => ""),
  );
}

function bindLine(bind: string, port: number): Lines {
  return bind === "*" ? `bind :::${port} v4v6` : `bind ${formatHostPort(bind, port)}`;
}

function check(uri: string, fleet: RenderedFleet, options: HaproxyOptions): Lines {
  const { checkPort, agentPort, intervalMs, fall, rise } = options;
  // A server that is about to change its state is asked five times as often.
  const fast = Math.max(20, Math.round(intervalMs / 5));
  const agent =
    agentPort === undefined
      ? ""
      : ` agent-check agent-port ${agentPort} agent-inter ${shortDuration(intervalMs)}`;
  return [
    comment(
      "Sluice's agent on each database host says 200, 503, or 404 while it is drained: then sessions end by themselves.",
    ),
    "option httpchk",
    `http-check send meth GET uri ${uri}`,
    "http-check expect status 200",
    "http-check disable-on-404",
    comment(
      "A server that is down keeps no sessions: their clients find another one." +
        (agentPort === undefined
          ? ""
          : "\nThe agent check adds weight, drain and maintenance as they are set."),
    ),
    `default-server check port ${checkPort} inter ${shortDuration(intervalMs)} fastinter ${shortDuration(fast)} fall ${fall} rise ${rise} on-marked-down shutdown-sessions${agent}`,
    hasNames(fleet)
      ? [
          comment("A name that does not resolve yet keeps its server out, and HAProxy starts all the same."),
          `default-server resolvers ${RESOLVERS} init-addr last,libc,none`,
        ]
      : undefined,
  ];
}

function serverLines(servers: readonly RenderedServer[], suffix: (index: number) => string): Lines {
  const names = servers.map(({ name }) => name);
  return servers.map((server, index) => {
    const weight = weightOf(server, servers);
    const place = formatHostPort(server.host, server.port);
    return `server ${column(server.name, names)} ${place}${weight}${suffix(index)}`;
  });
}

const MAX_WEIGHT = 100;

/** HAProxy's weights are whole numbers; 0 stays 0, and nothing else becomes it. */
function weightOf({ weight }: RenderedServer, servers: readonly RenderedServer[]): string {
  const heaviest = Math.max(...servers.map((server) => server.weight));
  if (servers.every((server) => server.weight === heaviest) && heaviest > 0) return "";
  if (weight === 0) return " weight 0";
  return ` weight ${Math.max(1, Math.round((weight / heaviest) * MAX_WEIGHT))}`;
}

function statsSection(port: number): Lines {
  return section(
    "frontend sluice-stats",
    "mode http",
    `bind 127.0.0.1:${port}`,
    "option httplog",
    "stats enable",
    "stats uri /",
    "stats refresh 5s",
  );
}
