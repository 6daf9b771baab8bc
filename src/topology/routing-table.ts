import type { ServiceFace } from "../wire/service-face.ts";
import type { Endpoint } from "./endpoint.ts";

/** How one of the possible servers is picked. */
export type Balance = "least-connections" | "round-robin" | "random" | "two-choices" | "source" | "single";

export type ProxyProtocol = "off" | "v1" | "v2";

/**
 * Where traffic goes now, for all services: all that the workers ever learn of the fleet. Plain data that is replaced as a
 * whole, never changed, so that it can cross a process boundary as JSON and a worker takes it over in one assignment.
 */
export interface RoutingTable {
  /** Counts up by one with every change. */
  readonly version: number;
  /** Services that balance connections. */
  readonly services: readonly ServiceRoute[];
  /** Services that split reads and writes. */
  readonly splits: readonly SplitRoute[];
}

export interface ServiceRoute {
  readonly name: string;
  readonly balance: Balance;
  /** Servers for new sessions, in the order of the configuration; all of the same rank. */
  readonly targets: readonly Target[];
  /** Servers whose sessions end now, and why. Sessions on servers that are neither here nor in `targets` go on. */
  readonly closing: readonly { readonly server: string; readonly reason: string }[];
  /** What a client is told where there is no target: why each server is out. */
  readonly refusal: string;
  readonly limits: ServiceLimits;
}

export interface Target {
  readonly server: string;
  readonly endpoint: Endpoint;
  /** Share of the new sessions against the other targets; above 0. */
  readonly weight: number;
  /** Most sessions, over all workers; 0: no limit. */
  readonly maxConnections: number;
  readonly proxyProtocol: ProxyProtocol;
  /** A server that acknowledges nothing of what it is sent, or takes nothing, for so long is lost, ms; 0: as the kernel thinks. */
  readonly userTimeoutMs: number;
}

/** Milliseconds; 0 switches a limit off, but for `connectTimeoutMs`, which is always above 0. */
export interface ServiceLimits {
  readonly maxConnections: number;
  readonly queueTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** A session that carries nothing for this long ends. */
  readonly idleTimeoutMs: number;
  /** A client that takes nothing of what waits for it for this long loses its session. */
  readonly writeTimeoutMs: number;
}

/** Where the statements of a service with router=readwritesplit go. */
export interface SplitRoute {
  readonly name: string;
  /** All servers that sessions may be connected to, in the order of the configuration. */
  readonly servers: readonly SplitTarget[];
  /** The one that takes writes, one of `servers`; undefined: there is none. */
  readonly primary: string | undefined;
  /** Those of `servers` that take reads: the best there are. Empty: the primary does. */
  readonly readers: readonly string[];
  /** Servers whose connections end now, whatever is under way on them, and why. */
  readonly closing: readonly { readonly server: string; readonly reason: string }[];
  /** What a client is told where the server it needs is missing: why each of the others is out. */
  readonly refusal: string;
  /** What clients are greeted with. */
  readonly face: ServiceFace;
  readonly limits: ServiceLimits;
  readonly rules: SplitRules;
}

export interface SplitTarget extends Target {
  /** No new connections; sessions that have one to it keep it if it is the primary. */
  readonly isDraining: boolean;
  /** A node of a Galera cluster. */
  readonly isGalera: boolean;
  /** Known only where `rules.criterion` is `lag`. */
  readonly lagSeconds: number | undefined;
  /** Idle connections that are kept for other sessions of the same account; 0: none. */
  readonly poolMax: number;
  /** ms; 0: as long as the server keeps them. */
  readonly poolMaxTimeMs: number;
}

/** What a session does, under the names of the configuration; times in ms. */
export interface SplitRules {
  /** Most replicas that a session is connected to. */
  readonly maxReplicas: number;
  readonly criterion: "operations" | "connections" | "lag";
  readonly masterFailureMode: "fail_instantly" | "fail_on_write" | "error_on_write";
  readonly masterReconnection: boolean;
  readonly retryFailedReads: boolean;
  /** How long a statement waits for a primary; 0: not. */
  readonly delayedRetryMs: number;
  readonly replay: ReplayRules | undefined;
  readonly causalReads: "none" | "local" | "global" | "fast" | "fast_global" | "universal" | "fast_universal";
  readonly causalReadsTimeoutMs: number;
  readonly history: { readonly max: number; readonly prune: boolean };
  readonly strictMultiStatements: boolean;
  readonly strictCalls: boolean;
  readonly readVariablesOnPrimary: boolean;
  /** A session idle for this long gives its connections back; undefined: never. */
  readonly poolIdleMs: number | undefined;
  /** 0: connections are not pinged. */
  readonly keepaliveMs: number;
  readonly allowsRoot: boolean;
}

/** How an interrupted transaction is repeated. */
export interface ReplayRules {
  readonly maxBytes: number;
  readonly attempts: number;
  /** 0: no deadline. */
  readonly timeoutMs: number;
  readonly checksum: "full" | "result_only" | "no_insert_id";
  readonly onDeadlock: boolean;
}
