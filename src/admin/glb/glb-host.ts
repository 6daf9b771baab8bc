import type { Configuration } from "../../config/configuration.ts";
import type { Edit } from "../../config/edit-sections.ts";
import type { Balance } from "../../topology/routing-table.ts";

/** The running program, as far as a control socket of GLB's kind needs it. */
export interface GlbHost {
  /** The configuration that is in force. */
  configuration(): Configuration;
  /** How a service is used at this moment; undefined: it does not run. */
  usage(service: string): Promise<ServiceUsage | undefined>;
  /** Like Control.apply; `make` sees what every change before this one has left, and may throw. */
  edit(make: (configuration: Configuration) => readonly Edit[]): Promise<void>;
  /** Ends the sessions that a service has on a server. */
  leaveServer(service: string, server: string): void;
}

export interface ServiceUsage {
  readonly balance: Balance;
  readonly servers: readonly ServerUsage[];
  /** Sessions now. */
  readonly current: number;
  /** Most sessions that can be. */
  readonly most: number;
  /** Since the start: sessions that got a server, bytes from and to clients, and reads that brought them. */
  readonly total: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly reads: number;
}

export interface ServerUsage {
  /** As in the configuration: HOST:PORT, or the path of a socket. */
  readonly address: string;
  /** As new sessions are given out now. */
  readonly weight: number;
  readonly connections: number;
}
