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
  readonly services: readonly ServiceRoute[];
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
