/**
 * What a database server said of itself in one probe: the raw material of every verdict and role.
 * Field names follow the server's variables; a field is undefined where the server does not have the variable.
 */
export interface ServerFacts {
  /** `@@version` with `@@version_comment` decides; `proxy` is a connector or proxy port that answers queries only, `unknown` a port that nobody logged in to. */
  readonly flavour: Flavour;
  readonly version: string;
  readonly hostname: string | undefined;
  readonly serverId: number | undefined;
  readonly uptimeSeconds: number | undefined;
  readonly readOnly: ReadOnlyState;
  readonly galera: GaleraState | undefined;
  /** One entry per replication channel; empty: the server replicates from nobody; `denied`: the account may not ask. */
  readonly channels: readonly ReplicaChannel[] | "denied" | "not-asked";
  readonly gtid: GtidState;
  /** Rows the check query brought (standalone and connector profiles). */
  readonly rows: number;
  /** What a watchdog program said; undefined: none was asked. */
  readonly watchdog?: WatchdogAnswer;
}

export type Flavour = "mariadb" | "mysql" | "percona" | "proxy" | "unknown";

/** The answer of a watchdog program of GLB's kind. */
export interface WatchdogAnswer {
  /** `avoid`: no new sessions. */
  readonly state: "gone" | "not-ready" | "avoid" | "ready";
  /** Members of the cluster that the server knows, HOST:PORT each. */
  readonly members: readonly string[];
}

export interface ReadOnlyState {
  readonly readOnly: boolean;
  readonly superReadOnly: boolean;
  readonly innodbReadOnly: boolean;
  /** MySQL 5.7+: only accounts with SUPER or CONNECTION_ADMIN may stay. */
  readonly offlineMode: boolean;
}

/** The wsrep_* status and variables, as the server prints them. */
export interface GaleraState {
  readonly wsrepOn: boolean;
  /** Path of the wsrep provider; `none` or empty where the server is no Galera node at all. */
  readonly provider: string;
  readonly clusterStatus: string;
  readonly clusterStateUuid: string;
  readonly clusterSize: number | undefined;
  readonly ready: boolean;
  readonly connected: boolean;
  /** 1 joining, 2 donor/desynced, 3 joined, 4 synced; 0 undefined. */
  readonly localState: number;
  readonly localStateComment: string;
  /** -1 while not in a component. */
  readonly localIndex: number;
  readonly rejectQueries: string;
  readonly sstMethod: string;
  readonly sstDonorRejectsQueries: boolean;
  readonly desync: boolean;
  /** Write sets received and not yet applied. */
  readonly recvQueue: number;
  readonly flowControlPaused: number | undefined;
  readonly nodeName: string | undefined;
  readonly nodeAddress: string | undefined;
  readonly incomingAddresses: string | undefined;
  /** Percona XtraDB Cluster only. */
  readonly pxcMaintMode: string | undefined;
}

/** One row of SHOW ALL SLAVES STATUS (MariaDB) or SHOW REPLICA STATUS (MySQL). */
export interface ReplicaChannel {
  readonly name: string;
  readonly sourceHost: string;
  readonly sourcePort: number;
  readonly sourceServerId: number | undefined;
  /** Yes, No, Connecting, Preparing; as printed. */
  readonly ioRunning: string;
  readonly sqlRunning: string;
  /** Seconds behind the source; undefined when the server prints NULL: unknown is not zero. */
  readonly lagSeconds: number | undefined;
  readonly ioError: ReplicaError | undefined;
  readonly sqlError: ReplicaError | undefined;
  readonly usingGtid: string | undefined;
  readonly gtidIoPos: string | undefined;
  /** Seconds the replica was told to stay behind (MASTER_DELAY). */
  readonly delaySeconds: number;
}

export interface ReplicaError {
  readonly errno: number;
  readonly message: string;
}

export interface GtidState {
  readonly currentPos: string | undefined;
  readonly binlogPos: string | undefined;
  readonly slavePos: string | undefined;
  readonly domainId: number | undefined;
  /** MySQL's gtid_executed. */
  readonly executed: string | undefined;
}
