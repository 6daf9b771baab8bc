import { defaulted, optional, optionalSecret, planned } from "../parameter.ts";
import { flag, oneOf } from "../values/choice.ts";
import { duration } from "../values/duration.ts";
import { integer } from "../values/number.ts";
import { references } from "../values/reference.ts";
import { list, path, text } from "../values/text.ts";
import { CREDENTIALS, CREDENTIALS_RENAMED } from "./credentials.ts";
import { HEALTH } from "./health.ts";
import type { ObjectSchema } from "./object-schema.ts";

/** Every change a monitor tells of. Roles of servers that come and go have MaxScale's own names besides. */
export const MONITOR_EVENTS = [
  "server_up",
  "server_down",
  "new_primary",
  "lost_primary",
  "new_replica",
  "lost_replica",
  "new_synced",
  "lost_synced",
  "new_donor",
  "lost_donor",
  "maintenance",
  "drain",
] as const;
const MAXSCALE_EVENTS = [
  "master_up",
  "master_down",
  "slave_up",
  "slave_down",
  "synced_up",
  "synced_down",
  "donor_up",
  "donor_down",
] as const;

const EVENT = oneOf(["all", ...MONITOR_EVENTS, ...MAXSCALE_EVENTS], {
  also: {
    new_master: "new_primary",
    lost_master: "lost_primary",
    new_slave: "new_replica",
    lost_slave: "lost_replica",
  },
});

const interval = (value: string) =>
  defaulted(
    duration({ bare: "ms", minMs: 50, maxMs: 3_600_000 }),
    value,
    "Time between two checks of a server. A bare number is milliseconds, as in old MaxScale files.",
  );

const connection = (what: string) =>
  planned(
    defaulted(
      duration({ bare: "s", minMs: 100 }),
      "3s",
      `Deadline for ${what} a server. check_timeout is the one for health.`,
    ),
  );

const CONDITIONS = [
  "none",
  "connecting_slave",
  "connected_slave",
  "running_slave",
  "primary_monitor_master",
] as const;
const SLAVE_CONDITIONS = [
  "none",
  "linked_master",
  "running_master",
  "writable_master",
  "primary_monitor_master",
] as const;
const TIMEOUT_90S = duration({ bare: "s", minMs: 1000 });

const MARIADB = {
  monitor_interval: interval("2s"),
  failcount: defaulted(integer(1, 1000), "5", "Failed checks in a row after which a primary counts as lost."),
  auto_failover: planned(defaulted(flag(), "false", "Promote a replica when the primary is lost.")),
  auto_rejoin: planned(
    defaulted(flag(), "false", "Make a returning server replicate from the present primary."),
  ),
  enforce_read_only_slaves: planned(defaulted(flag(), "false", "Set read_only on replicas.")),
  enforce_read_only_servers: planned(
    defaulted(flag(), "false", "Set read_only on everything but the primary."),
  ),
  enforce_writable_master: planned(defaulted(flag(), "false", "Take read_only off the primary.")),
  enforce_simple_topology: planned(
    defaulted(flag(), "false", "Assume one primary with replicas and put everything else right."),
  ),
  verify_master_failure: planned(
    defaulted(flag(), "true", "Ask the replicas whether they still hear the primary before a failover."),
  ),
  master_failure_timeout: planned(
    defaulted(duration(), "10s", "A replica that heard the primary this recently is believed."),
  ),
  failover_timeout: planned(defaulted(TIMEOUT_90S, "90s", "Deadline of a failover.")),
  switchover_timeout: planned(defaulted(TIMEOUT_90S, "90s", "Deadline of a switchover.")),
  switchover_on_low_disk_space: planned(
    defaulted(flag(), "false", "Switch over when the primary's disk fills up."),
  ),
  maintenance_on_low_disk_space: planned(
    defaulted(flag(), "true", "Take a replica out when its disk fills up."),
  ),
  replication_user: planned(optional(text("an account name"), "Account that replicas use; unset: user.")),
  replication_password: planned(optionalSecret("Password of replication_user.")),
  replication_master_ssl: planned(defaulted(flag(), "false", "Replicate over TLS.")),
  servers_no_promotion: planned(optional(references("server"), "Servers that are never promoted.")),
  promotion_sql_file: planned(optional(path(), "SQL run on a new primary.")),
  demotion_sql_file: planned(optional(path(), "SQL run on a former primary.")),
  handle_events: planned(defaulted(flag(), "true", "Move event schedules along with the primary role.")),
  assume_unique_hostnames: defaulted(
    flag(),
    "true",
    "A replica's source is recognised by its address in this configuration.",
  ),
  ignore_external_masters: defaulted(flag(), "false", "Do not show replication from outside the cluster."),
  cooperative_monitoring_locks: planned(
    defaulted(
      oneOf(["none", "majority_of_running", "majority_of_all"]),
      "none",
      "Locks on the servers that decide which of several daemons acts.",
    ),
  ),
  master_conditions: defaulted(
    list(oneOf(CONDITIONS)),
    "primary_monitor_master",
    "What a primary must fulfil.",
  ),
  slave_conditions: defaulted(list(oneOf(SLAVE_CONDITIONS)), "none", "What a replica must fulfil."),
  script_max_replication_lag: planned(
    defaulted(
      duration({ bare: "s", negativeIsOff: true, minMs: -1 }),
      "-1s",
      "A replica that crosses this lag runs the script; negative: never.",
    ),
  ),
} as const;

const discover = () =>
  defaulted(
    flag(),
    "false",
    "Galera: watch the members that the nodes name, too, and forget those found so once they are gone.",
  );

const GALERA = {
  monitor_interval: interval("2s"),
  disable_master_failback: defaulted(flag(), "false", "Keep the present primary while it is joined."),
  disable_master_role_setting: defaulted(flag(), "false", "Give no node the primary role."),
  use_priority: defaulted(flag(), "false", "Choose the primary by the servers' priority."),
  root_node_as_master: defaulted(flag(), "false", "Only the node with wsrep_local_index 0 may be primary."),
  set_donor_nodes: defaulted(
    flag(),
    "false",
    "Set wsrep_sst_donor on every node to prefer those that serve no writes.",
  ),
  discover: discover(),
} as const;

const PORT = {
  monitor_interval: interval("1s"),
  watchdog: optional(
    text("a command line"),
    "Program that says how a server is, as for GLB's -w exec: HOST:PORT is put in as its first argument. Unset: the port is tried.",
  ),
  discover: discover(),
} as const;

const OUT_OF_SCOPE = "other clusters than MariaDB, MySQL and Galera are not watched";
const NO_REBUILD = "servers are not rebuilt from here; leave it out";
const BUILT_IN = "this is how it always works; leave it out";
const NO_DISKS = "disks are not watched; leave it out";

export const MONITOR = {
  description: "Watches a set of servers: asks each of them, and finds out who is primary.",
  common: {
    servers: defaulted(references("server"), "", "Servers to watch. A server belongs to one monitor."),
    ...CREDENTIALS,
    backend_connect_timeout: connection("connecting to"),
    backend_read_timeout: connection("reading from"),
    backend_write_timeout: connection("writing to"),
    backend_connect_attempts: planned(defaulted(integer(1, 100), "1", "Tries to connect within one check.")),
    script: optional(
      text("a command line"),
      "Command run at events, with MaxScale's $EVENT, $INITIATOR, $NODELIST …",
    ),
    script_timeout: defaulted(
      duration({ bare: "s", minMs: 100 }),
      "90s",
      "Deadline of the script; it is killed past it.",
    ),
    events: defaulted(list(EVENT), "all", "Events that run the script."),
    journal_max_age: defaulted(duration(), "8h", "Kept states older than this are not believed at start."),
    ...HEALTH,
  },
  moduleParameter: "module",
  modules: {
    auto: { monitor_interval: interval("1s"), discover: discover() },
    mariadbmon: MARIADB,
    galeramon: GALERA,
    portmon: PORT,
  },
  moduleAliases: { mysqlmon: "mariadbmon" },
  foreignModules: {
    mmmon: "the monitor mariadbmon finds several primaries too",
    xpandmon: OUT_OF_SCOPE,
    clustrixmon: OUT_OF_SCOPE,
    csmon: OUT_OF_SCOPE,
    auroramon: OUT_OF_SCOPE,
    ndbclustermon: OUT_OF_SCOPE,
    grmon: OUT_OF_SCOPE,
    pgmon: OUT_OF_SCOPE,
  },
  renamed: { ...CREDENTIALS_RENAMED },
  obsolete: {
    disk_space_threshold: NO_DISKS,
    disk_space_check_interval: NO_DISKS,
    detect_stale_master: BUILT_IN,
    detect_stale_slave: BUILT_IN,
    detect_standalone_master: BUILT_IN,
    detect_replication_lag: BUILT_IN,
    allow_cluster_recovery: BUILT_IN,
    multimaster: BUILT_IN,
    mysql51_replication: "servers that old are not supported; leave it out",
    replication_custom_options: "not used yet; leave it out",
    ssh_user: NO_REBUILD,
    ssh_keyfile: NO_REBUILD,
    ssh_check_host_key: NO_REBUILD,
    ssh_timeout: NO_REBUILD,
    ssh_port: NO_REBUILD,
    rebuild_port: NO_REBUILD,
    mariadb_backup_use_memory: NO_REBUILD,
    mariadb_backup_parallel: NO_REBUILD,
    backup_storage_address: NO_REBUILD,
    backup_storage_path: NO_REBUILD,
    cs_admin_api_key: OUT_OF_SCOPE,
    cs_admin_base_path: OUT_OF_SCOPE,
    cs_admin_port: OUT_OF_SCOPE,
  },
} as const satisfies ObjectSchema;
