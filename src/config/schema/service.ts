import { defaulted, optional, planned } from "../parameter.ts";
import { hostPort, network } from "../values/address.ts";
import { flag, oneOf } from "../values/choice.ts";
import { duration } from "../values/duration.ts";
import { countOrShare, integer } from "../values/number.ts";
import { reference, references } from "../values/reference.ts";
import { size } from "../values/size.ts";
import { list, path, text } from "../values/text.ts";
import { CREDENTIALS, CREDENTIALS_RENAMED } from "./credentials.ts";
import type { ObjectSchema } from "./object-schema.ts";

const OFF_BELOW_ZERO = duration({ bare: "s", negativeIsOff: true, minMs: -1 });
const MAX_LAG = defaulted(duration(), "0s", "How far a replica may be behind to be used; 0: no limit.");

const BALANCING = {
  dataplane: defaulted(
    oneOf(["user", "kernel"]),
    "user",
    "Who carries the bytes: worker processes, or nftables rules.",
  ),
  kernel_ttl: defaulted(
    duration(),
    "0s",
    "dataplane=kernel: new connections are refused this long after the daemon has died or hangs; 0: never.",
  ),
  kernel_masquerade: defaulted(
    flag(),
    "true",
    "dataplane=kernel: servers see this host as the client. false: the client itself; they must answer by way of this host.",
  ),
  kernel_keep_on_exit: defaulted(
    flag(),
    "false",
    "dataplane=kernel: the rules, and with them all connections, outlive a normal end of the daemon.",
  ),
  balance: defaulted(
    oneOf(["least-connections", "round-robin", "random", "two-choices", "source", "single"]),
    "least-connections",
    "How one of the possible servers is picked, always by weight.",
  ),
  top: defaulted(flag(), "false", "Use only the servers of the highest weight."),
  latency_samples: defaulted(
    integer(0, 1000),
    "0",
    "Weigh servers by their latency over this many checks; 0: do not.",
  ),
  on_server_down: defaulted(
    oneOf(["close", "keep"]),
    "close",
    "What becomes of the sessions on a server that went down.",
  ),
  control: optional(
    hostPort(),
    "Control socket that speaks as GLB's (getinfo, getstat, add, drain, remove).",
  ),
  control_only_from: optional(
    list(network()),
    "Networks whose clients the control socket answers; needed where it listens beyond this host, for it asks for no password.",
  ),
  control_fifo: optional(path(), "Control FIFO that understands GLB's changes; it is made at start."),
} as const;

const READCONNROUTE = {
  ...BALANCING,
  router_options: defaulted(
    list(oneOf(["master", "slave", "running", "synced"])),
    "running",
    "Roles whose servers are used.",
  ),
  master_accept_reads: defaulted(flag(), "true", "router_options=slave: may the primary be used too?"),
  max_replication_lag: MAX_LAG,
} as const;

const CAUSAL_READS = oneOf(
  ["none", "local", "global", "fast", "fast_global", "universal", "fast_universal"],
  {
    also: {
      false: "none",
      no: "none",
      off: "none",
      "0": "none",
      true: "local",
      yes: "local",
      on: "local",
      "1": "local",
    },
  },
);

const READWRITESPLIT = {
  max_slave_connections: defaulted(
    countOrShare(255),
    "255",
    "Most replicas a session uses; or a share of them.",
  ),
  slave_connections: defaulted(integer(0, 255), "255", "Replicas a session begins with."),
  slave_selection_criteria: defaulted(
    oneOf([
      "least_current_operations",
      "least_router_connections",
      "least_global_connections",
      "least_behind_master",
      "adaptive_routing",
    ]),
    "least_current_operations",
    "How a replica is picked.",
  ),
  max_replication_lag: MAX_LAG,
  master_accept_reads: defaulted(flag(), "false", "The primary answers reads as well."),
  master_failure_mode: defaulted(
    oneOf(["fail_instantly", "fail_on_write", "error_on_write"]),
    "fail_on_write",
    "What a session meets when its primary is lost.",
  ),
  master_reconnection: defaulted(flag(), "true", "Go on with the new primary."),
  retry_failed_reads: defaulted(flag(), "true", "A read whose replica is lost is tried on another."),
  delayed_retry: defaulted(
    flag(),
    "false",
    "Wait for a primary instead of failing a write; what was sent is never repeated.",
  ),
  delayed_retry_timeout: defaulted(duration(), "10s", "How long to wait for it."),
  transaction_replay: defaulted(
    flag(),
    "false",
    "Repeat an interrupted transaction; never an interrupted COMMIT.",
  ),
  transaction_replay_max_size: defaulted(size(), "1Mi", "Largest transaction that is kept for it."),
  transaction_replay_attempts: defaulted(integer(1, 1000), "5", "Tries."),
  transaction_replay_timeout: defaulted(duration(), "30s", "Deadline of all tries together; 0: none."),
  transaction_replay_retry_on_deadlock: defaulted(
    flag(),
    "false",
    "Repeat a transaction that met a deadlock.",
  ),
  transaction_replay_retry_on_mismatch: planned(
    defaulted(flag(), "false", "Repeat again if the results differ."),
  ),
  transaction_replay_safe_commit: planned(
    defaulted(flag(), "true", "Never repeat a transaction whose COMMIT was sent."),
  ),
  transaction_replay_checksum: defaulted(
    oneOf(["full", "result_only", "no_insert_id"]),
    "full",
    "What must be the same in the results of a repeated transaction.",
  ),
  optimistic_trx: planned(
    defaulted(flag(), "false", "Begin transactions on a replica and move those that write."),
  ),
  causal_reads: defaulted(CAUSAL_READS, "none", "Whether a session, or all, read what was written before."),
  causal_reads_timeout: defaulted(duration(), "10s", "How long a replica may take to have it."),
  lazy_connect: planned(defaulted(flag(), "false", "Connect to servers when they are first needed.")),
  reuse_prepared_statements: planned(
    defaulted(flag(), "false", "Prepare the same statement once per session."),
  ),
  strict_multi_stmt: defaulted(
    flag(),
    "false",
    "After several statements in one query, stay on the primary.",
  ),
  strict_sp_calls: defaulted(flag(), "false", "After CALL, stay on the primary."),
  strict_tmp_tables: planned(defaulted(flag(), "true", "Keep the connection while temporary tables exist.")),
  use_sql_variables_in: defaulted(
    oneOf(["all", "master"]),
    "all",
    "Where statements that use session variables go.",
  ),
} as const;

const NO_SUCH_ROUTER = "routers here are readwritesplit and readconnroute";

export const SERVICE = {
  description: "Servers and the policy by which clients reach them.",
  common: {
    servers: optional(
      references("server"),
      "Servers to use. Exactly one of servers, targets and cluster is given.",
    ),
    targets: optional(references("server", "service"), "Servers and services to use."),
    cluster: optional(reference("monitor"), "Use the servers of this monitor."),
    ...CREDENTIALS,
    max_connections: defaulted(integer(0, 10_000_000), "0", "Most client connections; 0: no limit."),
    queue_timeout: defaulted(
      duration(),
      "0s",
      "How long a connection above the limit waits before error 1040; 0: not.",
    ),
    connect_timeout: defaulted(
      duration({ bare: "s", minMs: 10 }),
      "5s",
      "Deadline for connecting to a server; then the next is tried.",
    ),
    wait_timeout: defaulted(duration(), "0s", "An idle session ends after this; 0: never."),
    net_write_timeout: defaulted(
      duration(),
      "0s",
      "A client that takes no data for this long is closed; 0: never.",
    ),
    drain_timeout: defaulted(
      duration(),
      "0s",
      "Sessions on a draining server end after this; 0: by themselves.",
    ),
    connection_keepalive: defaulted(
      duration(),
      "300s",
      "Idle server connections are pinged this often; 0: never.",
    ),
    force_connection_keepalive: planned(defaulted(flag(), "false", "Ping also while the client is idle.")),
    idle_session_pool_time: defaulted(
      OFF_BELOW_ZERO,
      "-1s",
      "A session idle for this long lends its server connections to others; negative: never.",
    ),
    multiplex_timeout: planned(
      defaulted(duration(), "60s", "How long such a session waits for a connection."),
    ),
    max_sescmd_history: defaulted(
      integer(0, 1_000_000),
      "50",
      "Session commands kept to repeat them on a new connection.",
    ),
    prune_sescmd_history: defaulted(flag(), "true", "Forget the oldest of them when there are more."),
    disable_sescmd_history: defaulted(flag(), "false", "Keep none; a lost server then ends the session."),
    enable_root_user: defaulted(flag(), "false", "Let root log in."),
    auth_all_servers: defaulted(flag(), "false", "Fetch the accounts of all servers, not of one."),
    log_auth_warnings: defaulted(flag(), "true", "Log failed logins."),
    strip_db_esc: defaulted(
      flag(),
      "true",
      "A backslash in the database of a grant escapes the next letter.",
    ),
    user_accounts_file: optional(path(), "JSON file with further accounts."),
    user_accounts_file_usage: defaulted(
      oneOf(["add_when_load_ok", "file_only_always"]),
      "add_when_load_ok",
      "Whether that file adds to the servers' accounts or replaces them.",
    ),
    version_string: optional(
      text("a version"),
      "Server version told to clients; unset: that of the servers.",
    ),
    session_track_trx_state: planned(
      defaulted(flag(), "false", "Let the server tell the state of transactions."),
    ),
    retain_last_statements: planned(
      optional(integer(-1, 1000), "Statements kept per session; unset or -1: as [sluice] says."),
    ),
    rank: defaulted(oneOf(["primary", "secondary"]), "primary", "Its rank as a target of another service."),
  },
  moduleParameter: "router",
  modules: { readconnroute: READCONNROUTE, readwritesplit: READWRITESPLIT },
  moduleAliases: {},
  foreignModules: {
    schemarouter: NO_SUCH_ROUTER,
    binlogrouter: NO_SUCH_ROUTER,
    kafkacdc: NO_SUCH_ROUTER,
    kafkaimporter: NO_SUCH_ROUTER,
    avrorouter: NO_SUCH_ROUTER,
    mirror: NO_SUCH_ROUTER,
    smartrouter: NO_SUCH_ROUTER,
    hintrouter: "hints are understood by readwritesplit",
    maxinfo: "the REST API tells what it told",
  },
  renamed: {
    ...CREDENTIALS_RENAMED,
    connection_timeout: "wait_timeout",
    max_slave_replication_lag: "max_replication_lag",
  },
  obsolete: {
    weightby: "each server has a weight; set weight there",
    localhost_match_wildcard_host: "accounts match as they do on the server; leave it out",
    log_warning: "the log level is set in [sluice]",
    log_notice: "the log level is set in [sluice]",
    log_info: "the log level is set in [sluice]",
    log_debug: "the log level is set in [sluice]",
    session_trace: "set in [sluice]",
    disable_slave_recovery: "lost replicas are always replaced; leave it out",
    connection_init_sql_file: "it belongs to the listener",
  },
} as const satisfies ObjectSchema;
