import { defaulted, optional, planned, required } from "../parameter.ts";
import { host, network } from "../values/address.ts";
import { oneOf } from "../values/choice.ts";
import { duration } from "../values/duration.ts";
import { integer, port } from "../values/number.ts";
import { reference } from "../values/reference.ts";
import { list, path } from "../values/text.ts";
import type { ObjectSchema } from "./object-schema.ts";
import { BY_ACCOUNT, SPEAKS_MYSQL } from "./retired.ts";
import { TLS, TLS_OBSOLETE, TLS_RENAMED } from "./tls.ts";

export const LISTENER = {
  description: "An address where clients reach a service.",
  common: {
    service: required(reference("service"), "The service that clients reach here."),
    address: defaulted(host(), "::", "Address to listen on; :: is every IPv4 and IPv6 address."),
    port: optional(port(), "Port to listen on. Either port or socket is given."),
    socket: optional(path(), "Unix socket to listen on, instead of address and port."),
    backlog: defaulted(integer(1, 65_535), "4096", "Connections that may wait to be accepted."),
    tcp_user_timeout: defaulted(
      duration(),
      "0s",
      "A client that acknowledges nothing of what it is sent, or takes nothing, for this long is closed; 0: as the kernel thinks.",
    ),
    proxy_protocol_networks: optional(
      list(network()),
      "Networks whose clients may send a PROXY protocol header.",
    ),
    sql_mode: optional(
      oneOf(["default", "oracle"]),
      "The SQL that sessions begin with; unset: as [sluice] says.",
    ),
    connection_init_sql_file: planned(
      optional(path(), "SQL sent on each new server connection, a statement a line."),
    ),
    user_mapping_file: planned(optional(path(), "JSON file that maps clients to accounts of the servers.")),
    ...TLS,
  },
  moduleParameter: undefined,
  modules: {},
  moduleAliases: {},
  foreignModules: {},
  renamed: { ...TLS_RENAMED },
  obsolete: {
    ...TLS_OBSOLETE,
    protocol: {
      reason: SPEAKS_MYSQL,
      values: ["mysqlclient", "mariadbclient", "mariadb", "mariadbprotocol"],
    },
    authenticator: {
      reason: BY_ACCOUNT,
      values: ["default", "mysqlauth", "mariadbauth", "ed25519auth"],
    },
    authenticator_options: BY_ACCOUNT,
    connection_metadata: "clients see the variables of the server; leave it out",
    redirect_url: "not used; leave it out",
    "mariadbprotocol.*": "not used; leave it out",
  },
} as const satisfies ObjectSchema;
