import type {
  Flavour,
  GaleraState,
  GtidState,
  ReadOnlyState,
  ReplicaChannel,
  ReplicaError,
  ServerFacts,
} from "../../topology/facts.ts";
import type { Row } from "./session.ts";

/** The rows of one tick's statements; undefined: not asked. */
export interface Answers {
  readonly version: string;
  readonly variables: readonly Row[] | undefined;
  readonly status: readonly Row[] | undefined;
  readonly replication: readonly Row[] | "denied" | undefined;
  readonly check: readonly Row[] | undefined;
}

/** Turns SHOW rows into facts. Pure; missing rows become undefined or the harmless value. */
export function parseFacts(answers: Answers): ServerFacts {
  const variable = lookup(answers.variables);
  const status = lookup(answers.status);
  const version = variable("version") ?? answers.version;
  return Object.freeze({
    flavour: flavourOf(version, variable("version_comment"), answers.variables !== undefined),
    version,
    hostname: variable("hostname") ?? text(answers.check?.[0]?.["hostname"]),
    serverId: integer(variable("server_id")),
    uptimeSeconds: integer(status("uptime")),
    readOnly: parseReadOnly(variable),
    galera: parseGalera(variable, status),
    channels: parseChannels(answers.replication),
    gtid: parseGtid(variable),
    rows: (answers.check ?? answers.variables ?? answers.status ?? []).length,
  });
}

type Lookup = (name: string) => string | undefined;

// The server prints names in its own case: WSREP_READY here, wsrep_ready there.
function lookup(rows: readonly Row[] | undefined): Lookup {
  const values = new Map<string, string>();
  for (const row of rows ?? []) {
    const name = text(row["Variable_name"]);
    const value = text(row["Value"]);
    if (name !== undefined && value !== undefined) values.set(name.toLowerCase(), value);
  }
  return (name) => values.get(name);
}

function flavourOf(version: string, comment: string | undefined, isServer: boolean): Flavour {
  if (!isServer) return "proxy";
  if (/mariadb/i.test(version)) return "mariadb";
  return /percona/i.test(comment ?? "") ? "percona" : "mysql";
}

function parseReadOnly(variable: Lookup): ReadOnlyState {
  return Object.freeze({
    // MariaDB 11.8+ prints NO_LOCK and the like: everything but OFF keeps ordinary writers out.
    readOnly: isNotOff(variable("read_only")),
    superReadOnly: isNotOff(variable("super_read_only")),
    innodbReadOnly: isNotOff(variable("innodb_read_only")),
    offlineMode: isNotOff(variable("offline_mode")),
  });
}

function parseGalera(variable: Lookup, status: Lookup): GaleraState | undefined {
  const wsrepOn = variable("wsrep_on");
  if (wsrepOn === undefined && status("wsrep_cluster_status") === undefined) return undefined;
  return Object.freeze({
    wsrepOn: isOn(wsrepOn),
    provider: variable("wsrep_provider") ?? "",
    clusterStatus: status("wsrep_cluster_status") ?? "",
    clusterStateUuid: status("wsrep_cluster_state_uuid") ?? "",
    clusterSize: integer(status("wsrep_cluster_size")),
    ready: isOn(status("wsrep_ready")),
    connected: isOn(status("wsrep_connected")),
    localState: integer(status("wsrep_local_state")) ?? 0,
    localStateComment: status("wsrep_local_state_comment") ?? "",
    localIndex: index(status("wsrep_local_index")),
    rejectQueries: variable("wsrep_reject_queries") ?? "NONE",
    sstMethod: variable("wsrep_sst_method") ?? "",
    sstDonorRejectsQueries: isOn(variable("wsrep_sst_donor_rejects_queries")),
    desync: isOn(variable("wsrep_desync")),
    recvQueue: integer(status("wsrep_local_recv_queue")) ?? 0,
    flowControlPaused: decimal(status("wsrep_flow_control_paused")),
    nodeName: variable("wsrep_node_name"),
    nodeAddress: variable("wsrep_node_address"),
    incomingAddresses: status("wsrep_incoming_addresses"),
    pxcMaintMode: variable("pxc_maint_mode"),
  });
}

function parseChannels(rows: Answers["replication"]): ServerFacts["channels"] {
  if (rows === undefined) return "not-asked";
  if (rows === "denied") return "denied";
  return Object.freeze(rows.map(parseChannel));
}

// MySQL 8.0.22 renamed Master/Slave to Source/Replica; MariaDB keeps the old names.
function parseChannel(row: Row): ReplicaChannel {
  const value = (...names: readonly string[]): string | undefined => {
    for (const name of names) {
      const found = text(row[name]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return Object.freeze({
    name: value("Connection_name", "Channel_Name") ?? "",
    sourceHost: value("Source_Host", "Master_Host") ?? "",
    sourcePort: integer(value("Source_Port", "Master_Port")) ?? 0,
    sourceServerId: integer(value("Source_Server_Id", "Master_Server_Id")),
    ioRunning: value("Replica_IO_Running", "Slave_IO_Running") ?? "No",
    sqlRunning: value("Replica_SQL_Running", "Slave_SQL_Running") ?? "No",
    lagSeconds: integer(value("Seconds_Behind_Source", "Seconds_Behind_Master")),
    ioError: replicaError(value("Last_IO_Errno"), value("Last_IO_Error")),
    sqlError: replicaError(value("Last_SQL_Errno"), value("Last_SQL_Error")),
    usingGtid: value("Using_Gtid"),
    gtidIoPos: value("Gtid_IO_Pos"),
    delaySeconds: integer(value("SQL_Delay")) ?? 0,
  });
}

function replicaError(errno: string | undefined, message: string | undefined): ReplicaError | undefined {
  const number = integer(errno) ?? 0;
  return number === 0 ? undefined : Object.freeze({ errno: number, message: (message ?? "").slice(0, 300) });
}

function parseGtid(variable: Lookup): GtidState {
  return Object.freeze({
    currentPos: variable("gtid_current_pos"),
    binlogPos: variable("gtid_binlog_pos"),
    slavePos: variable("gtid_slave_pos"),
    domainId: integer(variable("gtid_domain_id")),
    executed: variable("gtid_executed")?.replace(/\s+/g, ""),
  });
}

function text(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  return Buffer.isBuffer(value) ? value.toString("utf8") : String(value);
}

function integer(value: string | undefined): number | undefined {
  const number = decimal(value);
  return number === undefined ? undefined : Math.trunc(number);
}

function decimal(value: string | undefined): number | undefined {
  if (value === undefined || value.trim() === "") return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

// A node outside a component prints its index as -1, or as 2^64 - 1.
function index(value: string | undefined): number {
  const number = integer(value);
  return number === undefined || number > 1_000_000 ? -1 : number;
}

const isOn = (value: string | undefined): boolean => /^(on|yes|true|1)$/i.test(value ?? "");
const isNotOff = (value: string | undefined): boolean =>
  value !== undefined && !/^(off|no|false|0|)$/i.test(value);
