/**
 * proxy/worker/: what runs in a worker process, and how it talks with the control process. May import what proxy/ may.
 *
 *   control process ─ one JSON line each: table, listen, end, … ─▶ Worker ─▶ ServiceTraffic, listeners
 *                   ◀─ hello, counters, failures, sessions ───────┘
 *   and, for a worker it has started itself, listening sockets over an inherited channel (system/pass-descriptor.ts)
 */
import type { RoutingTable } from "../../topology/routing-table.ts";
import type { TlsMaterials } from "../../topology/tls-material.ts";
import type { Cells } from "./connection-board.ts";

export type ToWorker =
  | { readonly type: "table"; readonly table: RoutingTable; readonly cells: Cells }
  /** Comes before the table that needs it. Holds private keys: it is never logged. */
  | { readonly type: "tls"; readonly materials: TlsMaterials }
  /** A listening socket has been sent just before; a listener of that name is replaced. */
  | {
      readonly type: "listen";
      readonly listener: string;
      readonly service: string;
      readonly trusted: readonly string[];
    }
  | { readonly type: "unlisten"; readonly listener: string }
  | { readonly type: "list sessions"; readonly question: number }
  /** Counters at once, and not at the next full second. */
  | { readonly type: "count"; readonly question: number }
  | { readonly type: "end session"; readonly id: number }
  /** All of a service, or those that came by one listener. */
  | { readonly type: "end sessions"; readonly service?: string; readonly listener?: string }
  /** A server was taken out of a service: what the service has on it ends. */
  | { readonly type: "leave server"; readonly service: string; readonly server: string }
  /** Accepts no more, and exits once the last session has ended. */
  | { readonly type: "drain" }
  /** Ends everything, and exits. */
  | { readonly type: "stop" };

export type FromWorker =
  | {
      readonly type: "hello";
      readonly pid: number;
      /** Unique among the workers of this host since it started; session ids begin with it. */
      readonly number: number;
      /** It has lost a control process before: nobody can send it listening sockets. */
      readonly isOrphan: boolean;
    }
  | ({ readonly type: "counters" } & WorkerCounters)
  | ({ readonly type: "counted"; readonly question: number } & WorkerCounters)
  | { readonly type: "sessions"; readonly question: number; readonly sessions: readonly SessionLine[] }
  | { readonly type: "listening"; readonly listener: string; readonly failure: string | undefined }
  | { readonly type: "server failed"; readonly server: string; readonly reason: string };

export interface WorkerCounters {
  readonly sessions: number;
  readonly listeners: number;
  readonly rssBytes: number;
  /** CPU time since the start, microseconds. */
  readonly cpuMicros: number;
  readonly services: Readonly<Record<string, ServiceCounters>>;
}

export interface ServiceCounters {
  readonly current: number;
  readonly total: number;
  readonly most: number;
  readonly refused: number;
  readonly waiting: number;
  readonly retried: number;
  /** Bytes from and to clients, and the reads that brought them. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly reads: number;
  readonly servers: Readonly<Record<string, { readonly current: number; readonly total: number }>>;
}

/** A session as it is told to the control process. */
export interface SessionLine {
  readonly id: number;
  readonly service: string;
  readonly listener: string;
  readonly user: string;
  readonly remote: string;
  readonly connectedAt: number;
  readonly idleMs: number;
  readonly state: string;
  readonly server: string | undefined;
  readonly connectionId: number | undefined;
  readonly bufferedBytes: number;
}

/** Ids of a worker's sessions: its number, then a count. A worker lives for fewer sessions than this. */
export const SESSIONS_PER_WORKER = 1e9;
