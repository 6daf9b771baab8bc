/** The statements of a probe. SHOW and not information_schema: a Galera node outside its cluster still answers it. */

const VARIABLES = [
  "hostname",
  "server_id",
  "read_only",
  "super_read_only",
  "innodb_read_only",
  "offline_mode",
  "version",
  "version_comment",
  "gtid_current_pos",
  "gtid_binlog_pos",
  "gtid_slave_pos",
  "gtid_domain_id",
  "gtid_executed",
  "wsrep_on",
  "wsrep_provider",
  "wsrep_reject_queries",
  "wsrep_sst_method",
  "wsrep_sst_donor_rejects_queries",
  "wsrep_desync",
  "wsrep_node_name",
  "wsrep_node_address",
  "pxc_maint_mode",
];

const STATUS = [
  "Uptime",
  "wsrep_cluster_status",
  "wsrep_cluster_state_uuid",
  "wsrep_cluster_size",
  "wsrep_ready",
  "wsrep_connected",
  "wsrep_local_state",
  "wsrep_local_state_comment",
  "wsrep_local_index",
  "wsrep_local_recv_queue",
  "wsrep_flow_control_paused",
  "wsrep_incoming_addresses",
];

const inList = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(",");

export const SHOW_VARIABLES = `SHOW GLOBAL VARIABLES WHERE Variable_name IN (${inList(VARIABLES)})`;
export const SHOW_STATUS = `SHOW GLOBAL STATUS WHERE Variable_name IN (${inList(STATUS)})`;
export const SELECT_HOSTNAME = "SELECT @@hostname AS hostname";

/** Rows about replication, by what the server is: the statement was renamed twice. */
export function showReplication(version: string): string {
  if (/mariadb/i.test(version)) return "SHOW ALL SLAVES STATUS";
  return isAtLeast(version, 8, 0, 22) ? "SHOW REPLICA STATUS" : "SHOW SLAVE STATUS";
}

/**
 * What a session says of itself first, best first: should the server not know or not allow one, the next is tried.
 * A check must not wait for other nodes (wsrep_sync_wait), for locks or for ever, must see each change at once
 * (autocommit), and must not show in the slow log.
 */
export function sessionSetup(version: string, deadlineMs: number): readonly string[] {
  const seconds = Math.max(1, Math.ceil(deadlineMs / 1000));
  const common = `SET SESSION autocommit=1, lock_wait_timeout=${seconds}`;
  const quiet = ", long_query_time=86400, min_examined_row_limit=4294967295";
  if (/mariadb/i.test(version)) {
    const limited = `${common}, max_statement_time=${deadlineMs / 1000}`;
    return [`${limited}, wsrep_sync_wait=0${quiet}`, `${limited}${quiet}`, common];
  }
  const limited = `${common}, max_execution_time=${deadlineMs}`;
  return [`${limited}, wsrep_sync_wait=0${quiet}`, `${limited}${quiet}`, limited, common];
}

function isAtLeast(version: string, ...wanted: readonly number[]): boolean {
  const found = (version.match(/^\D*(\d+)\.(\d+)\.(\d+)/) ?? []).slice(1).map(Number);
  for (const [i, want] of wanted.entries()) {
    const have = found[i] ?? 0;
    if (have !== want) return have > want;
  }
  return true;
}
