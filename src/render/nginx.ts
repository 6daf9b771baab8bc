import { formatHostPort } from "../topology/endpoint.ts";
import { column, comment, configText, indented, type Lines, shortDuration } from "./config-text.ts";
import type { RenderedFleet } from "./rendered-fleet.ts";

export interface NginxOptions {
  readonly balance: "least_conn" | "round_robin" | "hash";
  /** Address that clients connect to; `*` is every IPv4 and IPv6 address. */
  readonly bind: string;
  readonly port: number;
  /** The port gate's mirror port on the database hosts: it is open while the server is healthy. */
  readonly mirrorPort: number;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** A server that refused is left alone for as long. */
  readonly failTimeoutMs: number;
}

/** nginx.conf with a stream section. Open-source nginx has no health checks: it learns by a refused connection. */
export function renderNginx(fleet: RenderedFleet, options: NginxOptions): string {
  return configText(
    comment(
      `nginx in front of ${fleet.name}: ${fleet.servers.map(({ name }) => name).join(", ")}. Made by \`sluice render nginx\`.\n` +
        "nginx asks no server for its health: it connects to the mirror port, which Sluice's port gate on each database host\n" +
        "opens while the server is healthy. A closed one is refused at once, and the next server is tried.",
    ),
    "user www-data;",
    "worker_processes auto;",
    "worker_rlimit_nofile 65536;",
    "pid /run/nginx.pid;",
    comment("Debian loads the stream module from here."),
    "include /etc/nginx/modules-enabled/*.conf;",
    "",
    block("events", "worker_connections 16384;"),
    "",
    block(
      "stream",
      block(`upstream ${fleet.name}`, upstream(fleet, options)),
      "",
      block("server", server(fleet.name, options)),
    ),
  );
}

const block = (head: string, ...lines: readonly Lines[]): Lines => [
  `${head} {`,
  indented("    ", ...lines),
  "}",
];

const BALANCE: Readonly<Record<NginxOptions["balance"], string | undefined>> = {
  least_conn: "least_conn;",
  round_robin: undefined,
  hash: "hash $remote_addr consistent;",
};

function upstream(
  { name, servers }: RenderedFleet,
  { balance, mirrorPort, failTimeoutMs }: NginxOptions,
): Lines {
  const places = servers.map(({ host }) => formatHostPort(host, mirrorPort));
  return [
    BALANCE[balance],
    comment("Shared by the workers, so that all of them know who refused."),
    `zone ${name} 64k;`,
    servers.map((one, index) => {
      const weight =
        one.weight === 0 ? " down" : one.weight === 1 ? "" : ` weight=${Math.max(1, Math.round(one.weight))}`;
      const place = column(places[index] ?? "", places);
      return `server ${place} max_fails=1 fail_timeout=${shortDuration(failTimeoutMs)}${weight}; # ${one.name}`;
    }),
  ];
}

function server(name: string, { bind, port, connectTimeoutMs, idleTimeoutMs }: NginxOptions): Lines {
  return [
    bind === "*"
      ? [`listen ${port} so_keepalive=on;`, `listen [::]:${port} so_keepalive=on;`]
      : `listen ${formatHostPort(bind, port)} so_keepalive=on;`,
    `proxy_pass ${name};`,
    `proxy_connect_timeout ${shortDuration(connectTimeoutMs)};`,
    comment("As long as the servers' wait_timeout (28800 s unless changed), or idle clients are cut off."),
    `proxy_timeout ${shortDuration(idleTimeoutMs)};`,
    "proxy_socket_keepalive on;",
    "proxy_next_upstream on;",
    comment("Or one connect_timeout for each server that does not even refuse."),
    "proxy_next_upstream_timeout 10s;",
  ];
}
