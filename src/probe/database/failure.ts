import { errorMessage } from "../../errors/sluice-error.ts";
import type { ProbeFailure, ProbeFailureCode } from "../../topology/observation.ts";

/** How far a question had come when it failed. */
export type Step = "connect" | "login" | "query";

const BY_ERRNO: Readonly<Record<number, ProbeFailureCode>> = {
  1040: "PROBE_TOO_MANY_CONNECTIONS",
  1203: "PROBE_TOO_MANY_CONNECTIONS", // max_user_connections
  1226: "PROBE_TOO_MANY_CONNECTIONS", // a resource limit of the account
  1044: "PROBE_AUTH_DENIED",
  1045: "PROBE_AUTH_DENIED",
  1698: "PROBE_AUTH_DENIED",
  1862: "PROBE_AUTH_DENIED", // password expired
  1820: "PROBE_AUTH_DENIED", // must change the password
  4151: "PROBE_AUTH_DENIED", // MariaDB: account locked
  3118: "PROBE_AUTH_DENIED", // MySQL: account locked
  1129: "PROBE_HOST_BLOCKED",
  1130: "PROBE_HOST_NOT_ALLOWED",
  1193: "PROBE_UNKNOWN_VARIABLE",
  1142: "PROBE_PRIVILEGE_MISSING",
  1227: "PROBE_PRIVILEGE_MISSING",
  1047: "PROBE_NOT_PREPARED",
  1969: "PROBE_QUERY_TIMEOUT", // MariaDB: max_statement_time
  3024: "PROBE_QUERY_TIMEOUT", // MySQL: max_execution_time
  1205: "PROBE_QUERY_TIMEOUT", // lock wait timeout
  1053: "PROBE_CONNECTION_LOST", // shutdown in progress
  1927: "PROBE_CONNECTION_LOST", // killed
  // The mariadb library's own numbers for a connection that is no longer there.
  45001: "PROBE_CONNECTION_LOST",
  45004: "PROBE_CONNECTION_LOST",
  45009: "PROBE_CONNECTION_LOST",
  45013: "PROBE_CONNECTION_LOST",
  45023: "PROBE_TLS_NOT_OFFERED", // mariadb library: TLS asked for, not offered
};

const BY_SYSTEM_CODE: Readonly<Record<string, ProbeFailureCode>> = {
  ECONNREFUSED: "PROBE_REFUSED",
  ENOENT: "PROBE_SOCKET_MISSING",
  ENOTSOCK: "PROBE_SOCKET_MISSING",
  EACCES: "PROBE_SOCKET_MISSING",
  ETIMEDOUT: "PROBE_CONNECT_TIMEOUT",
  EHOSTUNREACH: "PROBE_NO_ROUTE",
  ENETUNREACH: "PROBE_NO_ROUTE",
  EHOSTDOWN: "PROBE_NO_ROUTE",
  EADDRNOTAVAIL: "PROBE_NO_ROUTE",
  ENOTFOUND: "PROBE_NAME_NOT_FOUND",
  EAI_AGAIN: "PROBE_NAME_NOT_FOUND",
  ENODATA: "PROBE_NAME_NOT_FOUND",
  DNS_ENOTFOUND: "PROBE_NAME_NOT_FOUND",
  ECONNRESET: "PROBE_CONNECTION_LOST",
  EPIPE: "PROBE_CONNECTION_LOST",
  EPROTO: "PROBE_TLS_FAILED",
  ERR_TLS_CERT_ALTNAME_INVALID: "PROBE_TLS_CERTIFICATE",
};

// OpenSSL's verification results, as node and Bun name them.
const CERTIFICATE_CODE =
  /^(CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|INVALID_CA|HOSTNAME_MISMATCH|CRL_|INVALID_PURPOSE|PATH_LENGTH)/;

interface ErrorShape {
  readonly code?: unknown;
  readonly errno?: unknown;
  readonly sqlMessage?: unknown;
  readonly cause?: unknown;
}

/**
 * Names what went wrong: the server's error number decides first, then the system's code, then the step at which it
 * happened. `where` is the server's address, for the sentence.
 */
export function classifyFailure(error: unknown, step: Step, where: string): ProbeFailure {
  const shape = (typeof error === "object" && error !== null ? error : {}) as ErrorShape;
  const errno = typeof shape.errno === "number" && shape.errno > 0 ? shape.errno : undefined;
  const system = typeof shape.code === "string" ? shape.code : "";
  const code = codeOf(errno, system, shape, step);
  const said = typeof shape.sqlMessage === "string" ? shape.sqlMessage : errorMessage(error);
  const isServerErrno = errno !== undefined && errno >= 1000 && errno < 10_000;
  return Object.freeze({
    code,
    detail: describe(code, where, clean(said), isServerErrno ? errno : undefined),
    errno: isServerErrno ? errno : undefined,
  });
}

/** The failure of a question that was not answered before its deadline. */
export function deadlineFailure(step: Step, where: string, deadlineMs: number): ProbeFailure {
  const within = `within ${deadlineMs} ms`;
  switch (step) {
    case "connect":
      return Object.freeze({
        code: "PROBE_CONNECT_TIMEOUT",
        detail: `no connection to ${where} ${within}`,
        errno: undefined,
      });
    case "login":
      return Object.freeze({
        code: "PROBE_LOGIN_TIMEOUT",
        detail: `${where} did not answer the login ${within}: it hangs`,
        errno: undefined,
      });
    case "query":
      return Object.freeze({
        code: "PROBE_QUERY_TIMEOUT",
        detail: `${where} did not answer a query ${within}: it hangs`,
        errno: undefined,
      });
  }
}

function codeOf(errno: number | undefined, system: string, shape: ErrorShape, step: Step): ProbeFailureCode {
  const byErrno = errno === undefined ? undefined : BY_ERRNO[errno];
  if (byErrno !== undefined) return byErrno;
  const bySystem = BY_SYSTEM_CODE[system];
  if (bySystem !== undefined) return bySystem;
  if (CERTIFICATE_CODE.test(system)) return "PROBE_TLS_CERTIFICATE";
  if (system.startsWith("ERR_SSL") || system.startsWith("ERR_TLS") || system.startsWith("ERR_OSSL"))
    return "PROBE_TLS_FAILED";
  if (shape.cause !== undefined && shape.cause !== shape) {
    return codeOf(undefined, String((shape.cause as ErrorShape).code ?? ""), {}, step);
  }
  return step === "query" ? "PROBE_QUERY_FAILED" : "PROBE_PROTOCOL";
}

function describe(code: ProbeFailureCode, where: string, said: string, errno: number | undefined): string {
  const server = errno === undefined ? said : `error ${errno}: ${said}`;
  switch (code) {
    case "PROBE_REFUSED":
      return `connection refused by ${where}`;
    case "PROBE_SOCKET_MISSING":
      return `no server on ${where} (${said})`;
    case "PROBE_CONNECT_TIMEOUT":
      return `no connection to ${where}: timed out`;
    case "PROBE_NO_ROUTE":
      return `no route to ${where}`;
    case "PROBE_NAME_NOT_FOUND":
      return `the host name of ${where} does not resolve`;
    case "PROBE_CONNECTION_LOST":
      return `${where} closed the connection${errno === undefined ? "" : ` (${server})`}`;
    case "PROBE_AUTH_DENIED":
      return `${where} refused the login (${server})`;
    case "PROBE_TOO_MANY_CONNECTIONS":
      return `${where} has no free connection (${server})`;
    case "PROBE_TLS_NOT_OFFERED":
      return `${where} does not offer TLS`;
    case "PROBE_TLS_CERTIFICATE":
      return `the certificate of ${where} was not accepted (${server})`;
    default:
      return `${where}: ${server}`;
  }
}

// The mariadb library puts its own prefix "(conn:12, no: 1045, SQLState: 28000) " before the server's words.
function clean(message: string): string {
  return message
    .replace(/^\(conn[^)]*\)\s*/, "")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 300);
}
