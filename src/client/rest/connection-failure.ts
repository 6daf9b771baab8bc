import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import { formatRoute, type Route } from "./route.ts";

/** Why a request got no answer. `isUnreached`: nobody got it, so that another route may be tried. */
export interface Failed {
  readonly ok: false;
  readonly isUnreached: boolean;
  readonly error: SluiceError;
}

/** Why there was no answer. Where nobody was reached it is a clause only: what to do depends on the other routes. */
export function connectionFailure(route: Route, error: NodeJS.ErrnoException): Failed {
  const { code = "" } = error;
  const unreached = UNREACHED[code]?.(route);
  if (unreached !== undefined) return failed(unreached, true, error);
  const place = formatRoute(route);
  if (TLS_CODES.test(code)) return failed(tlsSentence(place, error), false, error);
  if (code.startsWith("HPE_")) return failed(`what listens on ${place} does not speak HTTP`, false, error);
  if (code === "ECONNRESET" || code === "EPIPE") {
    return failed(`${place} closed the connection without an answer${plainHint(route)}`, false, error);
  }
  return failed(`${place} cannot be asked: ${errorMessage(error)}`, false, error);
}

/** @param isChange something was asked to be done */
export const late = (route: Route, deadlineMs: number, isChange: boolean): Failed => ({
  ok: false,
  isUnreached: false,
  error: new SluiceError(
    "TIMEOUT",
    `${formatRoute(route)} did not answer within ${deadlineMs} ms: the daemon hangs or cannot be reached${isChange ? ", and may still do what it was asked when it goes on" : ""}; --timeout raises the deadline`,
  ),
});

export const cutShort = (route: Route): Failed =>
  failed(`${formatRoute(route)} closed the connection in the middle of its answer`, false, undefined);

export const tooLarge = (route: Route, bytes: number): Failed =>
  failed(
    `${formatRoute(route)} answered with more than ${bytes} bytes, which no daemon does`,
    false,
    undefined,
  );

/** The TLS library refused what it was given before it connected. */
export const unusablePem = (cause: unknown): Failed => ({
  ok: false,
  isUnreached: false,
  error: new SluiceError(
    "USAGE",
    `--tls-ca-cert, --tls-cert or --tls-key is no PEM file that can be used: ${errorMessage(cause)}`,
    { cause },
  ),
});

function failed(clause: string, isUnreached: boolean, cause: unknown): Failed {
  return { ok: false, isUnreached, error: new SluiceError("API_UNREACHABLE", clause, { cause }) };
}

/** Connecting failed: nobody got the request. */
const UNREACHED: Readonly<Record<string, (route: Route) => string>> = {
  ECONNREFUSED: (route) => `nothing listens on ${formatRoute(route)}`,
  ENOENT: (route) => `there is no ${formatRoute(route)}`,
  ENOTSOCK: (route) => `${formatRoute(route)} is no socket`,
  EACCES: (route) => `${formatRoute(route)} may not be used by this user (root and the group sluice may)`,
  EPERM: (route) => `${formatRoute(route)} may not be used by this user`,
  ENOTFOUND: (route) => `the name in ${formatRoute(route)} does not resolve`,
  EAI_AGAIN: (route) => `the name in ${formatRoute(route)} does not resolve now`,
  EHOSTUNREACH: (route) => `there is no route to ${formatRoute(route)}`,
  ENETUNREACH: (route) => `there is no route to ${formatRoute(route)}`,
  ETIMEDOUT: (route) => `${formatRoute(route)} does not answer`,
};

const TLS_CODES = /CERT|SSL|TLS|EPROTO|ISSUER|SELF_SIGNED|ALTNAME|UNABLE_TO/;

function tlsSentence(place: string, error: NodeJS.ErrnoException): string {
  const { code = "" } = error;
  if (/SELF_SIGNED|ISSUER|UNABLE_TO_VERIFY/.test(code)) {
    return `the certificate of ${place} is of no authority known here: name it with --tls-ca-cert FILE`;
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return `the certificate of ${place} names other hosts: use the name that it was made for`;
  }
  if (/CERTIFICATE_REQUIRED/.test(code)) {
    return `${place} wants a client certificate: --tls-cert FILE and --tls-key FILE`;
  }
  if (code === "CERT_HAS_EXPIRED") return `the certificate of ${place} has expired`;
  if (/WRONG_VERSION|EPROTO|PACKET_LENGTH/.test(code)) {
    return `${place} does not speak TLS: leave out --secure and https://`;
  }
  return `no TLS with ${place}: ${errorMessage(error)}`;
}

const plainHint = (route: Route): string =>
  route.kind === "tcp" && !route.secure ? ": if it speaks TLS, add --secure" : "";
