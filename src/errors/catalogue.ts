/**
 * The one catalogue of codes. Verdict reasons and errors share it: every code an operator, a balancer or a script can
 * meet is here, with what it means and what to do. docs/errors.md is generated from it (scripts/generate.ts).
 *
 * up     a verdict reason that lets traffic in
 * exit   exit code of a command that ends with it (README, "Exit codes"): 1 a "no", 2 usage or configuration,
 *        3 cannot be reached or timed out, 4 not permitted, 70 a fault of Sluice itself
 */
export interface CatalogueEntry {
  readonly kind: "transient" | "permanent";
  readonly http: number;
  readonly exit: number;
  readonly meaning: string;
  readonly remedy: string;
}

const ok = (meaning: string, remedy = ""): CatalogueEntry => ({
  kind: "transient",
  http: 200,
  exit: 0,
  meaning,
  remedy,
});
const down = (meaning: string, remedy: string): CatalogueEntry => ({
  kind: "transient",
  http: 503,
  exit: 1,
  meaning,
  remedy,
});
const probe = (
  meaning: string,
  remedy: string,
  kind: CatalogueEntry["kind"] = "transient",
): CatalogueEntry => ({
  kind,
  http: 503,
  exit: 1,
  meaning,
  remedy,
});
const usage = (meaning: string, remedy: string): CatalogueEntry => ({
  kind: "permanent",
  http: 400,
  exit: 2,
  meaning,
  remedy,
});

export const CATALOGUE = {
  // Verdicts: up
  GALERA_SYNCED: ok("The Galera node is synced and may take traffic."),
  GALERA_DONOR_ACCEPTED: ok("The node is donor or desynced, and the policy lets such a node serve."),
  REPLICA_HEALTHY: ok("Both replication threads run and the lag is within the limit."),
  STANDALONE_HEALTHY: ok("The server accepted a login and answered a query with at least one row."),
  SERVES_READS: ok("The server is read-only, and only reads were asked for."),
  IS_DONOR: ok("The node is donor or desynced, which is what was asked for."),
  CONNECTOR_HEALTHY: ok("The connector or proxy port passed a query through and brought an answer back."),
  PORT_OPEN: ok("The port accepts connections. Nobody has logged in, so more is not known."),
  WATCHDOG_READY: ok("The watchdog program says that the server may take traffic."),

  // Verdicts: down or draining
  WATCHDOG_AVOID: down(
    "The watchdog program says to send the server no new sessions (its answer is 2).",
    "See what the program found; mysql.sh says so of a donor.",
  ),
  WATCHDOG_NOT_READY: down(
    "The watchdog program says that the server is not ready (its answer is 1).",
    "See what the program found.",
  ),
  WATCHDOG_GONE: down(
    "The watchdog program does not find the server (its answer is 0).",
    "Start the server, or correct the program's account.",
  ),
  GALERA_OFF: down(
    "wsrep_on is OFF: the server is not a Galera node.",
    "Start it with wsrep_on=ON, or use another profile.",
  ),
  GALERA_NON_PRIMARY: down(
    "The node is not in the primary component: it lost the majority of its cluster.",
    "Restore the network between the nodes, or bootstrap one after making sure that no other primary component lives.",
  ),
  GALERA_NOT_READY: down(
    "wsrep_ready is OFF: the node accepts logins and then fails each query with error 1047.",
    "Wait for the state transfer, or read the server's error log.",
  ),
  GALERA_PXC_MAINTENANCE: down(
    "pxc_maint_mode is not DISABLED: the node is being drained.",
    "SET GLOBAL pxc_maint_mode=DISABLED ends it.",
  ),
  GALERA_REJECTS_QUERIES: down(
    "wsrep_reject_queries is set: the node answers no query.",
    "SET GLOBAL wsrep_reject_queries=NONE ends it.",
  ),
  GALERA_DONOR: down(
    "The node is donor or desynced, and the policy does not let such a node serve.",
    "Wait until it is synced; or set available_when_donor; or SET GLOBAL wsrep_desync=OFF.",
  ),
  GALERA_NOT_SYNCED: down("The node is joining or catching up.", "Wait until wsrep_local_state is 4."),
  GALERA_READ_ONLY: down(
    "The node is read-only, and read-only is not acceptable here.",
    "SET GLOBAL read_only=OFF, or available_when_readonly=true.",
  ),
  GALERA_LAGGING: down(
    "More write sets wait to be applied than max_transactions_behind allows.",
    "Find what slows the applier; raise the limit if it is too tight.",
  ),
  REPLICA_IO_STOPPED: down(
    "The replication IO thread does not run.",
    "Read Last_IO_Error in SHOW REPLICA STATUS (SHOW SLAVE STATUS before MariaDB 10.5 and MySQL 8.0.22); START REPLICA.",
  ),
  REPLICA_SQL_STOPPED: down(
    "The replication SQL thread does not run.",
    "Read Last_SQL_Error in SHOW REPLICA STATUS; START REPLICA.",
  ),
  REPLICA_LAGGING: down(
    "The replica is further behind than max_replication_lag allows.",
    "Wait for it to catch up, or raise the limit.",
  ),
  REPLICA_LAG_UNKNOWN: down(
    "The server does not tell how far it is behind: unknown is not healthy.",
    "See whether both replication threads run and are connected.",
  ),
  REPLICA_NOT_REPLICATING: down(
    "A replica was asked for, and the server replicates from nobody.",
    "CHANGE MASTER TO … (MySQL: CHANGE REPLICATION SOURCE TO …); START REPLICA; or use another profile.",
  ),
  NO_ROWS: down("The check query brought no row.", "See that the account may see what the query asks for."),
  OFFLINE_MODE: down(
    "offline_mode is ON: the server turns ordinary clients away.",
    "SET GLOBAL offline_mode=OFF ends it.",
  ),
  READ_ONLY: down(
    "The server is read-only, and read-only is not acceptable here.",
    "SET GLOBAL read_only=OFF, or available_when_readonly=true.",
  ),
  NOT_PRIMARY: down(
    "The server is healthy but does not take writes.",
    "Ask another endpoint, or promote it.",
  ),
  NOT_REPLICA: down("The server is healthy but is not a replica.", "Ask another endpoint."),
  NOT_SYNCED: down("The server is not a synced Galera node.", "Ask another endpoint, or wait."),
  NOT_DONOR: down("The server is not a Galera donor.", "Ask another endpoint."),
  OFF_SWITCH: down("An off-switch file forces the server out.", "Remove the file."),
  MAINTENANCE: down("A person has put the server into maintenance.", "`sluice maintenance off` ends it."),
  DRAINING: down("A person is draining the server: no new sessions.", "`sluice maintenance off` ends it."),
  STALE: down(
    "The last verdict is older than its deadline; an old yes is a no.",
    "The agent is stopped or stalled: see its log.",
  ),
  STARTING: down("No probe has ended yet.", "Ask again in a moment."),

  // Roles, judged from all servers of a monitor
  ROLE_PRIMARY: ok("The server is the one that takes the cluster's writes."),
  ROLE_REPLICA: ok("The server replicates from the primary, directly or through others."),
  ROLE_RELAY: ok("The server replicates from the primary, and others replicate from it."),
  ROLE_BINLOG_RELAY: ok("The server passes binary logs on and has no data of its own."),
  ROLE_REPLICA_STALE: ok(
    "The replica still serves reads, but is cut off from the primary: it gets nothing new.",
    "See whether the primary, and each server between, runs and can be reached from the replica.",
  ),
  ROLE_NOT_CHOSEN: down(
    "The server takes writes and replicates from nobody, but another one is the primary.",
    "Set it read-only, or make it a replica of the primary.",
  ),
  ROLE_WRONG_SOURCE: down(
    "The server replicates from one that is not the primary: its data is not the primary's.",
    "CHANGE MASTER TO the primary.",
  ),
  ROLE_REPLICATION_BROKEN: down(
    "A replication thread of the server has stopped, or the source denies its login.",
    "Read Last_IO_Error and Last_SQL_Error in SHOW REPLICA STATUS; START REPLICA.",
  ),
  ROLE_REPLICATION_UNKNOWN: down(
    "The account may not see whether the server replicates.",
    "`sluice grants` prints the SQL.",
  ),
  ROLE_CONDITIONS_UNMET: down(
    "The server could be primary or replica, but master_conditions or slave_conditions are not fulfilled.",
    "Restore the replication that they ask for, or ask for less.",
  ),
  ROLE_UNDECIDED: down(
    "The primary is not chosen before every server has been asked once.",
    "Ask again in a moment.",
  ),
  GALERA_FOREIGN_CLUSTER: down(
    "The node belongs to another cluster than most of the monitor's nodes: its cluster UUID differs.",
    "Take it out of this monitor, or let it join the others' cluster (wsrep_cluster_address).",
  ),

  // Probe failures
  PROBE_REFUSED: probe(
    "Nothing listens on the server's port.",
    "See whether the server runs and on which port.",
  ),
  PROBE_SOCKET_MISSING: probe(
    "The server's unix socket is not there, or nobody listens on it.",
    "See whether the server runs and where its socket is.",
  ),
  PROBE_CONNECT_TIMEOUT: probe(
    "No connection within the deadline: host down, packets dropped, or the server hangs.",
    "Look at the host and the firewall.",
  ),
  PROBE_LOGIN_TIMEOUT: probe(
    "Connected, but the login was not answered within the deadline: the server hangs.",
    "Look at the server; SIGCONT, or restart it.",
  ),
  PROBE_QUERY_TIMEOUT: probe(
    "Logged in, but a query was not answered within the deadline: the server hangs or is overloaded.",
    "Look at SHOW PROCESSLIST and the disk.",
  ),
  PROBE_NO_ROUTE: probe("No route to the server's address.", "Look at the network."),
  PROBE_NAME_NOT_FOUND: probe(
    "The server's host name does not resolve.",
    "Correct the name, or DNS, or use an address.",
  ),
  PROBE_AUTH_DENIED: probe(
    "The server refused the login.",
    "`sluice grants` prints the SQL for the account; check user and password.",
    "permanent",
  ),
  PROBE_TLS_FAILED: probe(
    "The TLS handshake failed.",
    "Compare the TLS versions and ciphers of both sides.",
    "permanent",
  ),
  PROBE_TLS_NOT_OFFERED: probe(
    "TLS was asked for, and the server does not offer it.",
    "Set ssl_cert and ssl_key on the server, or do without TLS.",
    "permanent",
  ),
  PROBE_TLS_CERTIFICATE: probe(
    "The server's certificate was not accepted.",
    "Check the CA file, the name in the certificate and its dates.",
    "permanent",
  ),
  PROBE_TOO_MANY_CONNECTIONS: probe(
    "The server has no free connection (error 1040).",
    "Raise max_connections; or let the check use extra_port.",
  ),
  PROBE_HOST_BLOCKED: probe(
    "The server has blocked this host after too many failed connections (error 1129).",
    "FLUSH HOSTS on the server; raise max_connect_errors.",
  ),
  PROBE_HOST_NOT_ALLOWED: probe(
    "No account of the server may connect from this host (error 1130).",
    "Create the account for this host: `sluice grants`.",
    "permanent",
  ),
  PROBE_UNKNOWN_VARIABLE: probe(
    "The server does not know a variable the check asks for (error 1193).",
    "Use the profile that fits the server.",
    "permanent",
  ),
  PROBE_PRIVILEGE_MISSING: probe(
    "The account may not ask what the profile needs.",
    "`sluice grants` prints the SQL.",
    "permanent",
  ),
  PROBE_NOT_PREPARED: probe(
    "The Galera node refuses queries (error 1047).",
    "Wait, or look at wsrep_cluster_status.",
  ),
  PROBE_CONNECTION_LOST: probe(
    "The server closed the connection.",
    "See whether it was restarted or killed the session.",
  ),
  PROBE_QUERY_FAILED: probe("The check query failed.", "The sentence carries the server's words."),
  PROBE_WATCHDOG_FAILED: probe(
    "The watchdog program ended, said nothing in time, or said what it must not.",
    "Run it by hand: PROGRAM HOST:PORT ARGUMENTS, then type poll; it must answer with a number from 0 to 3.",
  ),
  PROBE_PROTOCOL: probe(
    "What answered does not speak the MySQL protocol.",
    "See which program listens on that port.",
  ),

  // Sluice's own errors
  USAGE: usage("The command line is wrong.", "`sluice help` and `sluice COMMAND --help` show the forms."),
  REQUEST_INVALID: usage(
    "A request to the agent or the admin API is wrong: its JSON, a field or a query parameter.",
    "The sentence says what would be right; /openapi.json describes every request of the admin API.",
  ),
  CONFIG_INVALID: usage("The configuration is wrong.", "Each mistake is named with its file and line."),
  SECRET_UNREADABLE: usage(
    "An encrypted password cannot be read, or its key file is missing or not safe.",
    "The sentence names the file; `sluice secrets init` makes a key, `sluice secrets encrypt` a password.",
  ),
  AGENT_UNREACHABLE: {
    kind: "transient",
    http: 503,
    exit: 3,
    meaning: "No agent answers on its socket.",
    remedy: "Start `sluice agent` or `sluice run`, or name its socket.",
  },
  API_UNREACHABLE: {
    kind: "transient",
    http: 503,
    exit: 3,
    meaning: "No daemon answers on its REST API.",
    remedy: "Start `sluice run`, or name its address with --hosts.",
  },
  TIMEOUT: {
    kind: "transient",
    http: 504,
    exit: 3,
    meaning: "No answer within the deadline.",
    remedy: "Try again, or raise the deadline.",
  },
  FORBIDDEN: {
    kind: "permanent",
    http: 403,
    exit: 4,
    meaning: "Not permitted for this user.",
    remedy: "Use root or a member of the group that owns the socket.",
  },
  TLS_FAILED: {
    kind: "transient",
    http: 502,
    exit: 1,
    meaning: "A TLS handshake of a session failed, or the other side's certificate was not accepted.",
    remedy: "The sentence says what was wrong; `sluice certs verify` looks at the files of both sides.",
  },
  CERTIFICATE_EXPIRES: {
    kind: "transient",
    http: 500,
    exit: 1,
    meaning: "A certificate that a listener or server uses expires within 30 days, or has expired.",
    remedy: "Put a new one in its place (`sluice certs` makes one); it is taken into use without a restart.",
  },
  // The admin API
  LOGIN_FAILED: {
    kind: "permanent",
    http: 401,
    exit: 4,
    meaning: "No account, a wrong password, an expired token, or an account that may only read.",
    remedy: "Give an account with --user, or ask an administrator for an `admin` account.",
  },
  TOO_MANY_LOGINS: {
    kind: "transient",
    http: 429,
    exit: 4,
    meaning: "Too many failed logins from this address or for this account.",
    remedy: "Wait as long as Retry-After says.",
  },
  NOT_FOUND: {
    kind: "permanent",
    http: 404,
    exit: 1,
    meaning: "There is no such object.",
    remedy: "`sluice list` shows what there is.",
  },
  METHOD_NOT_ALLOWED: {
    kind: "permanent",
    http: 405,
    exit: 2,
    meaning: "The resource does not have this method.",
    remedy: "The header Allow names those it has.",
  },
  ALREADY_EXISTS: {
    kind: "permanent",
    http: 409,
    exit: 1,
    meaning: "There is an object of that name already.",
    remedy: "Choose another name, or alter the object.",
  },
  REFUSED: {
    kind: "permanent",
    http: 403,
    exit: 1,
    meaning: "The present state of things does not allow it: the object is in use, or is the primary.",
    remedy: "The sentence says what stands against it; --force overrides where that is possible.",
  },
  TOO_LARGE: {
    kind: "permanent",
    http: 413,
    exit: 2,
    meaning: "The request is larger than 1 MiB.",
    remedy: "Send less at a time.",
  },
  UNSUPPORTED_MEDIA_TYPE: {
    kind: "permanent",
    http: 415,
    exit: 2,
    meaning: "The body is not JSON.",
    remedy: "Send Content-Type: application/json.",
  },
  BUSY: {
    kind: "transient",
    http: 503,
    exit: 3,
    meaning: "Too many changes wait for each other.",
    remedy: "Try again in a moment.",
  },
  ADDRESS_IN_USE: {
    kind: "permanent",
    http: 500,
    exit: 1,
    meaning: "Another program listens on that address.",
    remedy: "`sluice doctor` names it; stop it or choose another port.",
  },
  FIREWALL_MISSING: {
    kind: "permanent",
    http: 500,
    exit: 1,
    meaning: "The firewall's command, or conntrack, is not installed.",
    remedy: "The sentence names the package.",
  },
  FIREWALL_DENIED: {
    kind: "permanent",
    http: 500,
    exit: 4,
    meaning: "This process may not change the firewall.",
    remedy: "Start as root (--run-as keeps what is needed), or give the process CAP_NET_ADMIN.",
  },
  FIREWALL_FAILED: {
    kind: "transient",
    http: 500,
    exit: 1,
    meaning: "The firewall refused a change of the port gate or of a service with dataplane=kernel.",
    remedy:
      "The sentence carries its words; a kernel without NAT needs the module nf_nat, or another backend.",
  },
  FORWARDING_OFF: {
    kind: "permanent",
    http: 500,
    exit: 1,
    meaning:
      "This host does not pass packets on to others, or not from 127.0.0.1, which dataplane=kernel needs.",
    remedy: "The sentence has the sysctl; put it into /etc/sysctl.d/, too. Or dataplane=user.",
  },
  IO_FAILED: {
    kind: "transient",
    http: 500,
    exit: 1,
    meaning: "A file could not be read or written.",
    remedy: "The sentence names the file and the reason.",
  },
  HAPROXY_UNREACHABLE: {
    kind: "transient",
    http: 503,
    exit: 3,
    meaning: "HAProxy's runtime socket cannot be used.",
    remedy: "See whether HAProxy runs, and `stats socket PATH level admin` in its configuration.",
  },
  HAPROXY_REFUSED: {
    kind: "permanent",
    http: 500,
    exit: 1,
    meaning: "HAProxy does not take a new configuration; the old one is in service as before.",
    remedy: "The sentence carries HAProxy's words; correct the file and try again.",
  },
  INTERNAL: {
    kind: "permanent",
    http: 500,
    exit: 70,
    meaning: "A fault of Sluice itself.",
    remedy: "Please report it with the log.",
  },
} as const satisfies Record<string, CatalogueEntry>;

export type Code = keyof typeof CATALOGUE;

/** The entry of a code; a code from outside (an older agent) reads as INTERNAL. */
export function catalogueEntry(code: string): CatalogueEntry {
  return Object.hasOwn(CATALOGUE, code) ? CATALOGUE[code as Code] : CATALOGUE.INTERNAL;
}
