import { defaulted, optional, optionalSecret, required } from "../parameter.ts";
import { host, network } from "../values/address.ts";
import { flag, oneOf } from "../values/choice.ts";
import { duration } from "../values/duration.ts";
import { integer, orAuto, port } from "../values/number.ts";
import { reference } from "../values/reference.ts";
import { list, path, text } from "../values/text.ts";
import type { ObjectSchema } from "./object-schema.ts";
import { TLS } from "./tls.ts";

const ADDRESS = defaulted(host(), "::", "Address to listen on; :: is every IPv4 and IPv6 address.");
const ONLY_FROM = optional(
  list(network()),
  "Networks that are answered; others get no answer. Unset: everyone.",
);
const PORT_OR_TEXT = text("HOST:PORT or an absolute path");

const HTTP = {
  address: ADDRESS,
  port: defaulted(port(), "9200", "Port to listen on."),
  body: defaulted(
    oneOf(["sluice", "clustercheck", "mysqlchk", "connectorchk"]),
    "sluice",
    "Text of the answer: ours, or that of the script it replaces.",
  ),
  drain_status: defaulted(
    oneOf(["503", "404"]),
    "503",
    "Status while draining; 404 is for HAProxy's disable-on-404.",
  ),
  only_from: ONLY_FROM,
  silent_after: defaulted(
    duration({ bare: "s", minMs: 10 }),
    "200ms",
    "A client that says nothing (telnet) gets the answer after this.",
  ),
  request_timeout: defaulted(
    duration({ bare: "s", minMs: 100 }),
    "5s",
    "Deadline for a request to be complete.",
  ),
  max_connections: defaulted(integer(1, 1_000_000), "1000", "Most connections at a time."),
  auth_user: optional(text("an account name"), "Account of HTTP basic authentication."),
  auth_password: optionalSecret("Its password."),
  auth_token: optionalSecret("Bearer token, instead of or besides auth_user."),
  ssl: TLS.ssl,
  ssl_cert: TLS.ssl_cert,
  ssl_key: TLS.ssl_key,
  ssl_ca: TLS.ssl_ca,
  ssl_version: TLS.ssl_version,
  ssl_verify_peer_certificate: TLS.ssl_verify_peer_certificate,
} as const;

const AGENT_CHECK = {
  address: ADDRESS,
  port: defaulted(port(), "9201", "Port to listen on."),
  only_from: ONLY_FROM,
  max_connections: HTTP.max_connections,
  weight_lag: defaulted(
    duration(),
    "0s",
    "The weight of a replica falls from 100% to 1% as its lag grows to this; 0: always 100%.",
  ),
} as const;

const PORT_GATE = {
  mirror_port: defaulted(port(), "3308", "Port that is open while the server is healthy."),
  real_port: defaulted(port(), "3306", "Port of the server that it leads to."),
  backend: defaulted(oneOf(["auto", "nftables", "iptables"]), "auto", "Firewall that does it."),
  source_address: optional(list(network()), "Clients it is open for, IPv4 and IPv6. Unset: all."),
  gate_ttl: defaulted(
    orAuto(duration({ bare: "s", minMs: 100 })),
    "auto",
    "The opening ends by itself if it is not renewed for this long; auto: three intervals.",
  ),
  on_close: defaulted(
    oneOf(["drain", "cut"]),
    "drain",
    "Established connections may end, or are ended at once.",
  ),
  cut_after: optional(duration(), "With on_close=drain: connections still there after this are ended."),
  keep_on_exit: defaulted(
    flag(),
    "false",
    "An open gate stays open for 30 s when the agent is stopped, for upgrades; else it is closed at once.",
  ),
  protect_real_port: defaulted(
    flag(),
    "false",
    "Refuse direct connections to the real port, but from protect_except.",
  ),
  protect_except: optional(
    list(network()),
    "Peers that may use the real port directly: cluster nodes, monitors. This host always may.",
  ),
} as const;

const TRACK_FILE = {
  file: required(path(), "File that keepalived's track_file reads."),
  value_up: defaulted(integer(-254, 254), "0", "Value while the server is healthy."),
  value_drain: defaulted(integer(-254, 254), "1", "Value while it is drained."),
  value_down: defaulted(integer(-254, 254), "1", "Value otherwise: down, stale, or the agent stopped."),
} as const;

const HAPROXY_SOCKET = {
  socket: required(PORT_OR_TEXT, "HAProxy's runtime socket, with level admin."),
  backends: required(list(text("the name of a backend")), "HAProxy backends whose servers are set."),
  server_name: optional(text("a name"), "Name of the server in HAProxy; unset: the name here."),
  mode: defaulted(
    oneOf(["agent", "state"]),
    "agent",
    "What is set: the agent's verdict, or the administrative state.",
  ),
} as const;

const NOTIFY = {
  hosts: defaulted(
    list(text("HOST:PORT")),
    "127.0.0.1:8989",
    "REST APIs of MaxScale or Sluice that are told to be active or passive.",
  ),
  user: optional(text("an account name"), "Account of those APIs."),
  password: optionalSecret("Its password."),
  password_file: optional(path(), "File that holds the password on its first line, instead of password."),
  ssl: TLS.ssl,
  ssl_ca: TLS.ssl_ca,
  fifo: optional(path(), "keepalived's notify_fifo to read."),
  retry_interval: defaulted(
    duration({ bare: "s", minMs: 100 }),
    "1s",
    "A message that was not acknowledged is sent again after this.",
  ),
} as const;

export const PUBLISHER = {
  description:
    "One way of telling others whether a server, a service or a monitor's servers may take traffic.",
  common: {
    server: optional(
      reference("server"),
      "Tell of this server. At most one of server, service and monitor is given.",
    ),
    service: optional(reference("service"), "Tell of this service: up while one of its servers is."),
    monitor: optional(reference("monitor"), "Tell of all servers of this monitor."),
  },
  moduleParameter: "module",
  modules: {
    http: HTTP,
    "agent-check": AGENT_CHECK,
    "port-gate": PORT_GATE,
    "track-file": TRACK_FILE,
    "haproxy-socket": HAPROXY_SOCKET,
    notify: NOTIFY,
  },
  moduleAliases: {},
  foreignModules: {},
  renamed: {},
  obsolete: {},
} as const satisfies ObjectSchema;
