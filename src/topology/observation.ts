import type { ServerFacts } from "./facts.ts";

/** The outcome of one probe of one server. `at` is wall-clock time (ms since 1970), `tookMs` how long the asking took. */
export type Observation =
  | { readonly reached: true; readonly at: number; readonly tookMs: number; readonly facts: ServerFacts }
  | { readonly reached: false; readonly at: number; readonly tookMs: number; readonly failure: ProbeFailure };

/** Why a probe got no answer: a code of the catalogue (errors/catalogue.ts), and what the system or server said. */
export interface ProbeFailure {
  readonly code: ProbeFailureCode;
  /** One clause, e.g. `connection refused by 10.0.0.1:3306`. */
  readonly detail: string;
  /** MySQL error number, where the server gave one. */
  readonly errno: number | undefined;
}

export type ProbeFailureCode =
  | "PROBE_REFUSED"
  | "PROBE_SOCKET_MISSING"
  | "PROBE_CONNECT_TIMEOUT"
  | "PROBE_LOGIN_TIMEOUT"
  | "PROBE_QUERY_TIMEOUT"
  | "PROBE_NO_ROUTE"
  | "PROBE_NAME_NOT_FOUND"
  | "PROBE_AUTH_DENIED"
  | "PROBE_TLS_FAILED"
  | "PROBE_TLS_NOT_OFFERED"
  | "PROBE_TLS_CERTIFICATE"
  | "PROBE_TOO_MANY_CONNECTIONS"
  | "PROBE_HOST_BLOCKED"
  | "PROBE_HOST_NOT_ALLOWED"
  | "PROBE_UNKNOWN_VARIABLE"
  | "PROBE_PRIVILEGE_MISSING"
  | "PROBE_NOT_PREPARED"
  | "PROBE_CONNECTION_LOST"
  | "PROBE_QUERY_FAILED"
  | "PROBE_PROTOCOL"
  | "PROBE_WATCHDOG_FAILED";
