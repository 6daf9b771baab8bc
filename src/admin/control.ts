/**
 * How admin/ sees the running program. The composition root implements it; everything that goes in or out is plain,
 * immutable data, and every refusal is a SluiceError with a code of the catalogue.
 *
 *   request ─▶ admin/ ─▶ Edit[] ─▶ Control.apply ─▶ validated as a whole, persisted, applied ─▶ 204
 */
import type { Configuration } from "../config/configuration.ts";
import type { Edit } from "../config/edit-sections.ts";
import type { ServerFacts } from "../topology/facts.ts";
import type { FleetEvent } from "../topology/fleet-event.ts";
import type { Verdict } from "../topology/verdict.ts";

/** Readings are cheap and never wait for a server; times are ms since 1970. An object without an entry has not run yet. */
export interface Control {
  readonly program: ProgramInfo;
  /** The configuration that is in force. */
  configuration(): Configuration;
  servers(): ReadonlyMap<string, ServerStatus>;
  monitors(): ReadonlyMap<string, MonitorStatus>;
  services(): ReadonlyMap<string, ServiceStatus>;
  listeners(): ReadonlyMap<string, ListenerStatus>;
  /** Certificate files that listeners and servers use, and until when. */
  certificates(): readonly CertificateInfo[];
  publishers(): ReadonlyMap<string, PublisherStatus>;
  sessions(): Promise<readonly SessionInfo[]>;
  threads(): readonly ThreadInfo[];
  commands(): readonly CommandInfo[];
  /** The events that are kept, oldest first; ids count up and survive a restart. */
  events(): readonly FleetEvent[];
  /** `listener` runs once for each new event; the returned function ends the subscription. */
  subscribeEvents(listener: (event: FleetEvent) => void): () => void;
  /** Prometheus' text format. */
  metrics(): Promise<string>;
  /** The file the log goes to; undefined: standard error. */
  readonly logFile: string | undefined;

  /**
   * Applies all edits together, or none: the whole configuration that results is validated first. It resolves once the
   * change is kept (persist_runtime_changes) and in force. NOT_FOUND, ALREADY_EXISTS, CONFIG_INVALID (all mistakes, a
   * line each), REFUSED where the present state forbids it, IO_FAILED where it cannot be kept.
   */
  apply(edits: readonly Edit[]): Promise<void>;
  /** By a person; persists, and wins over what a monitor finds. REFUSED for the primary unless `force`. NOT_FOUND. */
  setServerState(server: string, state: "none" | "drain" | "maintenance", force: boolean): Promise<void>;
  /** Starts or stops what the object does; the configuration stays. `force` ends a service's or listener's sessions. */
  setRunning(
    kind: "monitor" | "service" | "listener",
    name: string,
    running: boolean,
    force: boolean,
  ): Promise<void>;
  /** What the command answers goes to `meta` as it is. NOT_FOUND, REFUSED (passive), and the command's own errors. */
  callCommand(module: string, command: string, args: readonly string[]): Promise<unknown>;
  /** Reads the configuration files again and applies the difference; a line for each change. CONFIG_INVALID changes nothing. */
  reload(): Promise<readonly string[]>;
  /** The last upgrade; undefined: there was none since the program was started. */
  readonly lastUpgrade: UpgradeStatus | undefined;
  /**
   * Gives way to the executable that is installed now: resolves once that has found nothing against it, and it takes over right after
   * the answer. REFUSED, with what the new one says.
   */
  upgrade(): Promise<UpgradeStatus>;
  /** Fetches the accounts of the service's clients anew. */
  reloadAccounts(service: string): Promise<void>;
  /** Ends a session, after `ttlMs` if it has not ended by then. NOT_FOUND. */
  endSession(id: string, ttlMs: number): Promise<void>;
  /** Begins the log file anew. */
  rotateLog(): void;
}

export interface ProgramInfo {
  readonly version: string;
  readonly commit: string;
  readonly startedAt: number;
}

export interface UpgradeStatus {
  /** No two are the same. */
  readonly id: number;
  /** Version and commit. */
  readonly from: string;
  readonly to: string;
  readonly state: "under way" | "done" | "failed";
  /** Why it failed. */
  readonly reason: string | undefined;
}

export interface Connections {
  readonly current: number;
  readonly total: number;
  readonly max: number;
}

export interface ServerStatus {
  /** MaxScale's words and order: `Master, Synced, Running`. */
  readonly state: string;
  /** What the state string leaves out, on one line. */
  readonly details: string | undefined;
  readonly verdict: Verdict;
  /** What the server said of itself when it was last reached. */
  readonly facts: ServerFacts | undefined;
  /** Undefined: unknown, or without meaning. */
  readonly lagSeconds: number | undefined;
  readonly lastEvent: { readonly name: string; readonly time: number } | undefined;
  readonly connections: Connections;
}

export interface MonitorStatus {
  readonly running: boolean;
  readonly ticks: number;
  readonly primary: string | undefined;
  /** One sentence on the whole cluster. */
  readonly diagnosis: string | undefined;
}

export interface ServiceStatus {
  readonly running: boolean;
  readonly startedAt: number | undefined;
  readonly connections: Connections;
  readonly activeOperations: number;
  readonly usersUpdatedAt: number | undefined;
  readonly users: readonly { readonly user: string; readonly host: string; readonly plugin: string }[];
  /** What its router counts; goes out as it is. */
  readonly diagnostics: Readonly<Record<string, unknown>>;
}

export interface ListenerStatus {
  readonly state: "running" | "stopped" | "failed" | "not started";
  /** Why it failed. */
  readonly reason: string | undefined;
}

export interface CertificateInfo {
  readonly kind: "listener" | "server";
  /** Of the listener or server. */
  readonly name: string;
  readonly file: string;
  /** ms since 1970 */
  readonly endsAt: number;
}

export interface PublisherStatus {
  readonly state: "running" | "failed" | "not started";
  readonly reason: string | undefined;
  /** What it tells now, e.g. `200 GALERA_SYNCED` or `open`. */
  readonly tells: string | undefined;
}

export interface SessionInfo {
  readonly id: string;
  readonly service: string;
  readonly user: string;
  readonly remote: string;
  readonly connectedAt: number;
  readonly idleSeconds: number;
  readonly state: string;
  readonly database: string | undefined;
  readonly memoryBytes: number | undefined;
  /** Reads and writes of the last 30 seconds. */
  readonly ioActivity: number | undefined;
  readonly connections: readonly {
    readonly server: string;
    /** The server's own number of the connection. */
    readonly connectionId: number | undefined;
  }[];
}

/** The control process is thread 0, each proxy worker process a further one. */
export interface ThreadInfo {
  readonly id: number;
  readonly pid: number;
  readonly state: string;
  readonly sessions: number;
  /** Connections and listening ports. */
  readonly descriptors: { readonly current: number; readonly total: number };
  /** Share of one processor, 0 to 1. */
  readonly load: {
    readonly lastSecond: number;
    readonly lastMinute: number;
    readonly lastHour: number;
  };
  readonly memoryBytes: number;
}

/** Something a module can be told to do: `call command mariadbmon switchover cluster db2 db1`. */
export interface CommandInfo {
  readonly module: string;
  readonly name: string;
  readonly description: string;
  /** Whether it changes anything. */
  readonly writes: boolean;
  readonly arguments: readonly CommandArgument[];
}

export interface CommandArgument {
  readonly type: "MONITOR" | "SERVER" | "SERVICE" | "STRING" | "BOOLEAN";
  readonly required: boolean;
  readonly description: string;
}
