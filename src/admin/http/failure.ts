import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import { TooManyLogins } from "../auth/authenticator.ts";

/** An answer that says what went wrong, in JSON:API's shape and with the status of the code. */
export interface Failure {
  readonly status: number;
  readonly body: { readonly errors: readonly { readonly detail: string; readonly code: string }[] };
  readonly headers: Readonly<Record<string, string>>;
  /** What belongs in the log, because the client cannot help it; undefined where it can. */
  readonly fault: unknown;
}

/** What the HTTP framework found out by itself, in our words. */
const FRAMEWORK: Readonly<Record<string, readonly [ConstructorParameters<typeof SluiceError>[0], string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ["TOO_LARGE", "the body is larger than 1 MiB"],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ["REQUEST_INVALID", "the body is not as long as Content-Length says"],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ["UNSUPPORTED_MEDIA_TYPE", "expected Content-Type: application/json"],
  FST_ERR_BAD_URL: ["REQUEST_INVALID", "the path cannot be decoded"],
  FST_ERR_MAX_PARAM_LENGTH: ["NOT_FOUND", "there is no object with a name that long"],
};

const MAX_DETAILS = 100;
/** Characters. */
const MAX_DETAIL = 500;

export function failureOf(error: unknown): Failure {
  const known = asSluiceError(error);
  const { code, message } = known;
  const details = capped(message.split("\n").filter((line) => line !== ""));
  return {
    status: known.entry.http,
    body: { errors: details.map((detail) => ({ detail, code })) },
    headers: {
      ...(code === "LOGIN_FAILED" ? { "www-authenticate": 'Basic realm="sluice", charset="UTF-8"' } : {}),
      ...(known instanceof TooManyLogins ? { "retry-after": String(known.retryAfterSeconds) } : {}),
    },
    fault: known.entry.http === 500 ? (known.cause ?? known) : undefined,
  };
}

/** A body may be one long mistake, or thousands of them: the answer stays readable. */
function capped(lines: readonly string[]): readonly string[] {
  const told = lines
    .slice(0, MAX_DETAILS)
    .map((line) => (line.length > MAX_DETAIL ? `${line.slice(0, MAX_DETAIL).toWellFormed()}…` : line));
  const left = lines.length - told.length;
  return left === 0 ? told : [...told, `and ${left} more mistakes`];
}

function asSluiceError(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  const { code = "", statusCode = 500 } = (error ?? {}) as { code?: string; statusCode?: number };
  const framework = FRAMEWORK[code];
  if (framework !== undefined) return new SluiceError(...framework);
  if (statusCode >= 400 && statusCode < 500) return new SluiceError("REQUEST_INVALID", errorMessage(error));
  return new SluiceError("INTERNAL", "a fault of Sluice itself; the log has more", { cause: error });
}
