/**
 * proxy/worker/: what runs in a worker process, and how it talks with the control process. May import what proxy/ may.
 *
 *   control process ─ one JSON line each: table, listen, end, … ─▶ Worker ─▶ ServiceTraffic, listeners
 *                   ◀─ hello, counters, failures, sessions ───────┘
 *   and, for a worker it has started itself, listening sockets over an inherited channel (system/pass-descriptor.ts)
 *
 * A worker may be of an earlier version than its control process (docs/decisions/0022-upgrade.md): a message only ever gains fields,
 * and works without the new ones.
 */
import type { Accounts } from "../../topology/accounts.ts";
import type { RoutingTable } from "../../topology/routing-table.ts";
import type { TlsMaterials } from "../../topology/tls-material.ts";
import type { LoginFailure } from "../login/end-login.ts";
import type { FoundSession } from "../split/split-host.ts";
import type { Cells } from "./connection-board.ts";

export type ToWorker =
  | { readonly type: "table"; readonly table: RoutingTable; readonly cells: Cells }
  /** Comes before the table that needs it. Holds private keys: it is never logged. */
  | { readonly type: "tls"; readonly materials: TlsMaterials }
  /** Accounts of a service that splits; missing: there is nothing newer. Holds what servers keep of passwords: it is never logged. */
  | { readonly type: "accounts"; readonly service: string; readonly accounts?: Accounts }
  /** See [sluice] max_auth_errors_until_block. */
  | { readonly type: "login limits"; readonly maxFailures: number }
  /** So many listening sockets have been sent just before; a listener of that name is replaced. */
  | {
      readonly type: "listen";
      readonly sockets: number;
      readonly backlog: number;
      readonly listener: string;
      readonly service: string;
      readonly trusted: readonly string[];
      /** What the sockets go by where they are handed on; see Worker.openPorts. */
      readonly key?: string | undefined;
    }
  | { readonly type: "unlisten"; readonly listener: string }
  | { readonly type: "list sessions"; readonly question: number }
  /** Counters at once, and not at the next full second. */
  | { readonly type: "count"; readonly question: number }
  | { readonly type: "end session"; readonly id: number }
  /** All of a service, or those that came by one listener. */
  | { readonly type: "end sessions"; readonly service?: string; readonly listener?: string }
  /** The answer to `find session` of the worker of that number. */
  | {
      readonly type: "session found";
      readonly asker: number;
      readonly question: number;
      readonly session?: FoundSession;
    }
  /** A server was taken out of a service: what the service has on it ends. */
  | { readonly type: "leave server"; readonly service: string; readonly server: string }
  /** Accepts no more, and exits once the last session has ended, or after so long at the latest; 0: whenever that is. */
  | { readonly type: "drain"; readonly withinMs: number }
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
  /** A client wants to kill the connection of that number: which session is it? */
  | {
      readonly type: "find session";
      readonly asker: number;
      readonly question: number;
      readonly connectionId: number;
    }
  /** Ends a session that this worker does not have. */
  | { readonly type: "end session"; readonly id: number }
  | { readonly type: "server failed"; readonly server: string; readonly reason: string }
  /** A login failed by the accounts that are known; it waits for an answer of type accounts. */
  | { readonly type: "accounts wanted"; readonly service: string }
  | ({ readonly type: "login failed"; readonly service: string } & LoginFailure)
  /** A client without TLS has sent its password in the clear. */
  | {
      readonly type: "password exposed";
      readonly service: string;
      readonly user: string;
      readonly host: string;
    };

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
  readonly servers: Readonly<Record<string, ServerCounters>>;
  /** Of services that split only. */
  readonly failedLogins?: number;
}

export interface ServerCounters {
  readonly current: number;
  readonly total: number;
  /** Statements: of services that split only. */
  readonly running?: number;
  readonly reads?: number;
  readonly writes?: number;
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
  readonly database?: string | undefined;
  readonly connections: FoundSession["connections"];
  readonly bufferedBytes: number;
}

/** Ids of a worker's sessions: its number, then a count. A worker lives for fewer sessions than this. */
export const SESSIONS_PER_WORKER = 1e9;

/** The number that a session's client is told: unique in a worker, and nearly so among all. It has 31 bits: Connector/J takes the 32nd for a sign, and its KILL is then none. */
export const connectionIdOf = (session: number): number => session % 2 ** 31;
