import { defaulted, optional, optionalSecret } from "../parameter.ts";
import { host } from "../values/address.ts";
import { oneOf } from "../values/choice.ts";
import { duration } from "../values/duration.ts";
import { integer, port, weight } from "../values/number.ts";
import { path, text } from "../values/text.ts";
import { HEALTH_OVERRIDES } from "./health.ts";
import type { ObjectSchema } from "./object-schema.ts";
import { BY_ACCOUNT, SPEAKS_MYSQL } from "./retired.ts";
import { TLS, TLS_OBSOLETE, TLS_RENAMED } from "./tls.ts";

export const SERVER = {
  description: "One database server, or a proxy in front of some.",
  common: {
    address: optional(host(), "Name or address of the server. Either address or socket is given."),
    port: defaulted(port(), "3306", "Port of the server."),
    socket: optional(path(), "Unix socket of a server on this host, instead of address and port."),
    extra_port: optional(port(), "Port for administration, for checks even when max_connections is reached."),
    private_address: optional(
      host(),
      "Address that the servers know each other by, where it differs from address.",
    ),
    monitoruser: optional(
      text("an account name"),
      "Account for checking this server, instead of the monitor's.",
    ),
    monitorpw: optionalSecret("Password of monitoruser: plain, or encrypted by `sluice secrets encrypt`."),
    monitorpw_file: optional(
      path(),
      "File that holds that password on its first line, instead of monitorpw.",
    ),
    defaults_extra_file: optional(
      path(),
      "Option file (my.cnf) whose [client] section gives user, password and TLS.",
    ),
    priority: defaulted(
      integer(-1_000_000, 1_000_000),
      "0",
      "With use_priority the lowest positive one becomes primary; negative never, 0 only if there is no other.",
    ),
    rank: defaulted(
      oneOf(["primary", "secondary"]),
      "primary",
      "secondary: only used where no primary-ranked server is left.",
    ),
    weight: defaulted(weight(), "1", "Share of the connections, against the other servers; 0: no new ones."),
    max_routing_connections: defaulted(
      integer(0, 1_000_000),
      "0",
      "Most connections to this server; 0: no limit.",
    ),
    persistpoolmax: defaulted(integer(0, 1_000_000), "0", "Idle connections kept for reuse."),
    persistmaxtime: defaulted(duration(), "0s", "How long an idle connection is kept."),
    proxy_protocol: defaulted(
      oneOf(["off", "v1", "v2"], {
        also: { false: "off", no: "off", "0": "off", true: "v1", yes: "v1", on: "v1", "1": "v1" },
      }),
      "off",
      "Tell the server the client's address by the PROXY protocol.",
    ),
    tcp_user_timeout: defaulted(
      duration(),
      "0s",
      "A server that acknowledges nothing of what it is sent, or takes nothing, for this long is lost to the session; 0: as the kernel thinks.",
    ),
    ...HEALTH_OVERRIDES,
    ...TLS,
  },
  moduleParameter: undefined,
  modules: {},
  moduleAliases: {},
  foreignModules: {},
  renamed: { ...TLS_RENAMED, monuser: "monitoruser", monpw: "monitorpw" },
  obsolete: {
    ...TLS_OBSOLETE,
    protocol: {
      reason: SPEAKS_MYSQL,
      values: ["mysqlbackend", "mariadbbackend", "mariadb", "mariadbprotocol"],
    },
    authenticator: {
      reason: BY_ACCOUNT,
      values: ["mysqlbackendauth", "mariadbbackendauth", "mysqlauth", "mariadbauth"],
    },
    authenticator_options: BY_ACCOUNT,
    disk_space_threshold: "disks are not watched; leave it out",
    replication_custom_options: "not used yet; leave it out",
  },
} as const satisfies ObjectSchema;
