/** What commands read of each resource, under the API's own names. Times are texts as the API prints them. */

interface ConnectionStatistics {
  readonly connections?: number;
  readonly total_connections?: number;
  readonly max_connections?: number;
}

type Parameters = Readonly<Record<string, unknown>>;

/** Where an object of the configuration is from. */
interface Source {
  readonly file?: string | null;
  readonly type?: string;
}

export interface ServerAttributes {
  readonly state: string;
  /** Ours: what the state string leaves out, on one line. */
  readonly details: string;
  /** Ours. */
  readonly verdict: {
    readonly up: boolean;
    readonly code: string;
    readonly sentence: string;
    readonly since: string;
  };
  readonly version_string: string;
  readonly gtid_current_pos: string;
  readonly last_event: string;
  readonly triggered_at: string;
  readonly uptime: number;
  readonly node_id: number;
  readonly master_id: number;
  /** Seconds; MaxScale's -1 is unknown. */
  readonly replication_lag: number;
  readonly statistics: ConnectionStatistics;
  readonly certificates: readonly CertificateAttributes[];
  readonly parameters: Parameters;
  readonly slave_connections: readonly {
    readonly connection_name?: string;
    readonly master_host?: string;
    readonly master_port?: number;
    readonly master_server_name?: string | null;
    readonly slave_io_running?: string;
    readonly slave_sql_running?: string;
    readonly seconds_behind_master?: number | null;
  }[];
  readonly source: Source;
}

export interface MonitorAttributes {
  readonly module: string;
  readonly state: string;
  readonly ticks: number;
  readonly parameters: Parameters;
  readonly source: Source;
  readonly monitor_diagnostics: {
    readonly master?: string | null;
    /** Ours: one sentence on the whole cluster. */
    readonly diagnosis?: string | null;
  };
}

export interface ServiceAttributes {
  readonly router: string;
  readonly state: string;
  readonly started: string;
  readonly users_last_update: string;
  readonly statistics: ConnectionStatistics;
  readonly parameters: Parameters;
  readonly source: Source;
  readonly router_diagnostics: Readonly<Record<string, unknown>>;
}

export interface ListenerAttributes {
  readonly state: string;
  /** Why it failed. */
  readonly state_details: string;
  readonly certificates: readonly CertificateAttributes[];
  readonly parameters: Parameters;
  readonly source: Source;
}

/** A certificate file and when it expires, ISO 8601. */
export interface CertificateAttributes {
  readonly file: string;
  readonly expires: string;
}

export interface PublisherAttributes {
  readonly module: string;
  readonly state: string;
  /** Why it failed. */
  readonly state_details: string;
  /** What it tells now. */
  readonly tells: string;
  readonly parameters: Parameters;
  readonly source: Source;
}

export interface SessionAttributes {
  readonly user: string;
  readonly remote: string;
  readonly state: string;
  readonly database: string;
  readonly connected: string;
  /** Seconds. */
  readonly idle: number;
  readonly memory: { readonly total?: number };
  readonly io_activity: number;
  readonly connections: readonly { readonly server?: string; readonly connection_id?: number }[];
}

export interface UserAttributes {
  readonly account: string;
  readonly created: string;
  readonly last_update: string;
  readonly last_login: string;
}

export interface ModuleAttributes {
  readonly module_type: string;
  readonly version: string;
  readonly description: string;
  readonly parameters: readonly Parameters[];
  readonly commands: readonly ModuleCommand[];
}

export interface ModuleCommand {
  readonly id: string;
  readonly attributes?: {
    readonly method?: string;
    readonly description?: string;
    readonly parameters?: readonly {
      readonly type?: string;
      readonly required?: boolean;
      readonly description?: string;
    }[];
  };
}

export interface ThreadAttributes {
  readonly stats: {
    readonly current_descriptors?: number;
    readonly total_descriptors?: number;
    /** Per cent. */
    readonly load?: {
      readonly last_second?: number;
      readonly last_minute?: number;
      readonly last_hour?: number;
    };
  };
}

export interface FilterAttributes {
  readonly module: string;
  readonly parameters: Parameters;
}

export interface MaxScaleAttributes {
  readonly version: string;
  readonly commit: string;
  readonly started_at: string;
  readonly activated_at: string;
  /** Seconds. */
  readonly uptime: number;
  readonly parameters: Parameters;
}

/** Something that happened to a server. The times are ISO 8601. */
export interface EventAttributes {
  readonly time: string;
  readonly monitor: string;
  readonly server: string;
  /** `server_down`, `new_primary` … */
  readonly event: string;
  /** State strings. */
  readonly from: string;
  readonly to: string;
  readonly code: string;
  readonly sentence: string;
}
