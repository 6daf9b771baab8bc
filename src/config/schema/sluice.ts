import { defaulted, fixed, optional, planned } from "../parameter.ts";
import { host } from "../values/address.ts";
import { flag, oneOf } from "../values/choice.ts";
import { duration } from "../values/duration.ts";
import { integer, orAuto, port } from "../values/number.ts";
import { size } from "../values/size.ts";
import { path } from "../values/text.ts";
import type { ObjectSchema } from "./object-schema.ts";
import { tlsVersions } from "./tls.ts";

const ADMIN = {
  admin_enabled: fixed(defaulted(flag(), "true", "Serve the REST API.")),
  admin_host: fixed(defaulted(host(), "127.0.0.1", "Address the REST API listens on.")),
  admin_port: fixed(defaulted(port(), "8989", "Port the REST API listens on.")),
  admin_socket: fixed(
    optional(
      path(),
      "Unix socket for local commands: root and the group sluice need no password. Default: admin.sock in the runtime directory, /run/sluice.",
    ),
  ),
  admin_auth: fixed(defaulted(flag(), "true", "Ask for an account over TCP.")),
  admin_insecure: fixed(
    defaulted(flag(), "false", "Listen beyond this host without TLS: passwords cross the network readable."),
  ),
  admin_ssl_key: fixed(optional(path(), "PEM file of the key for HTTPS.")),
  admin_ssl_cert: fixed(optional(path(), "PEM file of the certificate for HTTPS.")),
  admin_ssl_ca: fixed(
    optional(path(), "PEM file of authorities; clients must then show a certificate of theirs."),
  ),
  admin_ssl_version: fixed(
    optional(tlsVersions(), "TLS versions to speak; unset: what the TLS library finds safe."),
  ),
  admin_log_auth_failures: defaulted(flag(), "true", "Log failed logins to the REST API."),
  admin_jwt_max_age: fixed(
    defaulted(duration({ bare: "s", minMs: 1000 }), "24h", "Longest life of a token of /v1/auth."),
  ),
} as const;

const LOGGING = {
  log_warning: defaulted(flag(), "true", "Log warnings."),
  log_notice: defaulted(flag(), "true", "Log changes of state."),
  log_info: defaulted(flag(), "false", "Log what happens in between."),
  log_debug: defaulted(flag(), "false", "Log everything."),
  logdir: fixed(
    optional(
      path(),
      "Directory of sluice.log; unset: the log goes to standard error, and so to the journal.",
    ),
  ),
} as const;

const FILES = {
  datadir: fixed(
    defaulted(path(), "/var/lib/sluice", "Directory of what is kept: accounts, events, off switches."),
  ),
  piddir: planned(fixed(defaulted(path(), "/run/sluice", "Directory of the pid file."))),
  persistdir: fixed(
    defaulted(path(), "/var/lib/sluice/sluice.cnf.d", "Directory of the objects changed at run time."),
  ),
  secretsdir: fixed(optional(path(), "Directory of the key file for encrypted passwords; unset: datadir.")),
  persist_runtime_changes: fixed(defaulted(flag(), "true", "Keep changes made at run time over a restart.")),
  load_persisted_configs: fixed(defaulted(flag(), "true", "Read the kept changes at start.")),
  substitute_variables: fixed(
    defaulted(
      flag(),
      "false",
      "A value $NAME is the environment variable NAME; one that is not set is an error.",
    ),
  ),
} as const;

const TRAFFIC = {
  threads: fixed(
    defaulted(
      orAuto(integer(0, 100)),
      "auto",
      "Proxy worker processes; auto: one per processor; 0: no proxy here.",
    ),
  ),
  upgrade_timeout: defaulted(
    duration(),
    "0s",
    "Sessions of before an upgrade, or a restart, end after this; 0: by themselves.",
  ),
  passive: defaulted(
    flag(),
    "false",
    "Watch and serve, and change nothing in the cluster: no failover, switchover, rejoin or script.",
  ),
  auth_connect_timeout: defaulted(
    duration({ bare: "s", minMs: 100 }),
    "10s",
    "Deadline for fetching the accounts from a server.",
  ),
  query_retries: planned(
    fixed(defaulted(integer(0, 100), "1", "How often an interrupted query of Sluice itself is tried again.")),
  ),
  query_retry_timeout: planned(defaulted(duration(), "5s", "Deadline for all those tries together.")),
  users_refresh_time: defaulted(
    duration({ bare: "s", negativeIsOff: true, minMs: -1 }),
    "30s",
    "A failed login fetches the accounts anew, at most this often; negative: never.",
  ),
  users_refresh_interval: defaulted(
    duration(),
    "0s",
    "Fetch the accounts anew this often; 0: only after a failed login.",
  ),
  writeq_high_water: planned(
    defaulted(size(), "65536", "Unsent bytes of a connection above which its other side is not read."),
  ),
  writeq_low_water: planned(defaulted(size(), "1024", "Unsent bytes below which it is read again.")),
  local_address: planned(fixed(optional(host(), "Source address of connections to servers."))),
  max_auth_errors_until_block: defaulted(
    integer(0, 1_000_000),
    "10",
    "Failed logins of a host until it is turned away for a minute; 0: never.",
  ),
  skip_name_resolve: defaulted(flag(), "false", "Match accounts by address only."),
  sql_mode: fixed(defaulted(oneOf(["default", "oracle"]), "default", "The SQL that sessions begin with.")),
  retain_last_statements: planned(
    defaulted(integer(0, 1000), "0", "Statements kept per session for diagnosis."),
  ),
  dump_last_statements: planned(
    defaulted(oneOf(["never", "on_error", "on_close"]), "never", "When to log those statements."),
  ),
  session_trace: planned(defaulted(integer(0, 10_000), "0", "Log lines kept per session for diagnosis.")),
} as const;

const OWN_LOG = "the log has its own form; leave it out";
const NO_GUI = "there is no graphical interface; leave it out";
const NO_BALANCING_OF_THREADS = "the kernel spreads connections over the workers; leave it out";
const NO_SYNC = "configuration is not synchronised through the database; change each host, or its file";
const NO_CLASSIFIER = "statements are classified by Sluice's own parser; leave it out";
const OWN_EXECUTABLE = "Sluice is one executable; leave it out";

export const SLUICE = {
  description: "The daemon as a whole. [maxscale] is the same section.",
  common: { ...TRAFFIC, ...ADMIN, ...FILES, ...LOGGING },
  moduleParameter: undefined,
  modules: {},
  moduleAliases: {},
  foreignModules: {},
  renamed: { admin_ssl_ca_cert: "admin_ssl_ca" },
  obsolete: {
    ms_timestamp: OWN_LOG,
    log_augmentation: OWN_LOG,
    log_throttling: "repeated messages are told once per change; leave it out",
    log_warn_super_user: OWN_LOG,
    maxlog: "set logdir to log into a file, and leave it out to log to the journal",
    syslog: "the log goes to standard error, which systemd keeps in the journal; leave it out",
    admin_gui: NO_GUI,
    admin_secure_gui: NO_GUI,
    admin_jwt_algorithm: "tokens are signed with HS256; leave it out",
    admin_jwt_key: "the key of tokens is made at start; leave it out",
    admin_jwt_issuer: "tokens are only read by the daemon that made them; leave it out",
    admin_oidc_url: "accounts come from Sluice alone; leave it out",
    admin_oidc_client_id: "accounts come from Sluice alone; leave it out",
    admin_oidc_client_secret: "accounts come from Sluice alone; leave it out",
    admin_oidc_flow: "accounts come from Sluice alone; leave it out",
    admin_verify_url: "accounts come from Sluice alone; leave it out",
    admin_pam_readwrite_service: "accounts come from Sluice alone; leave it out",
    admin_pam_readonly_service: "accounts come from Sluice alone; leave it out",
    admin_readwrite_hosts: "not enforced here; narrow admin_host, or use the firewall",
    admin_readonly_hosts: "not enforced here; narrow admin_host, or use the firewall",
    admin_audit: "changes are in the log; leave it out",
    admin_audit_file: "changes are in the log; leave it out",
    admin_audit_exclude_methods: "changes are in the log; leave it out",
    auto_tune: "nothing needs it; leave it out",
    rebalance_period: NO_BALANCING_OF_THREADS,
    rebalance_threshold: NO_BALANCING_OF_THREADS,
    rebalance_window: NO_BALANCING_OF_THREADS,
    config_sync_cluster: NO_SYNC,
    config_sync_db: NO_SYNC,
    config_sync_interval: NO_SYNC,
    config_sync_password: NO_SYNC,
    config_sync_timeout: NO_SYNC,
    config_sync_user: NO_SYNC,
    query_classifier: NO_CLASSIFIER,
    query_classifier_args: NO_CLASSIFIER,
    query_classifier_cache_size: NO_CLASSIFIER,
    cachedir: OWN_EXECUTABLE,
    libdir: OWN_EXECUTABLE,
    sharedir: OWN_EXECUTABLE,
    execdir: OWN_EXECUTABLE,
    connector_plugindir: OWN_EXECUTABLE,
    module_configdir: OWN_EXECUTABLE,
    language: OWN_EXECUTABLE,
    debug: OWN_EXECUTABLE,
    core_file: OWN_EXECUTABLE,
    key_manager: "the key of encrypted passwords is a file in secretsdir; leave it out",
    skip_permission_checks: "`sluice doctor` checks permissions; leave it out",
    auth_read_timeout: "auth_connect_timeout is the one deadline; leave it out",
    auth_write_timeout: "auth_connect_timeout is the one deadline; leave it out",
    max_read_amount: "buffers are capped by writeq_high_water; leave it out",
    host_cache_size: "names are resolved by the system; leave it out",
    trace_file_dir: OWN_LOG,
    trace_file_size: OWN_LOG,
    session_trace_match: OWN_LOG,
    "event.*": OWN_LOG,
  },
} as const satisfies ObjectSchema;
