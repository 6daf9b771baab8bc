import { CATALOGUE, type Code } from "../../errors/catalogue.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import type { Answer, Method } from "./exchange.ts";
import type { Login } from "./login.ts";

/**
 * The daemon's "no" as an error of the catalogue. Its own words come first (`errors[].detail`); what to do next follows where
 * they cannot know it: who the caller is, and how credentials are given here.
 */
export function answerFailure(
  daemon: string,
  request: { readonly method: Method; readonly path: string },
  answer: Answer,
  login: Login,
): SluiceError {
  const errors = errorsOf(answer.body);
  const code = errors[0]?.code ?? codeOfStatus(answer.status);
  const details = errors.flatMap(({ detail }) => (detail === "" ? [] : [detail]));
  const place = `/v1/${request.path}`;
  const said =
    details.length > 0
      ? joined(details)
      : `${daemon} answered ${answer.status} to ${request.method} ${place}`;
  return new SluiceError(code, `${said}${adviceOn(code, login, answer)}`);
}

interface AnsweredError {
  readonly code: Code | undefined;
  readonly detail: string;
}

function errorsOf(body: string): readonly AnsweredError[] {
  try {
    const { errors } = JSON.parse(body) as { readonly errors?: unknown };
    return Array.isArray(errors) ? errors.map(errorOf) : [];
  } catch {
    return [];
  }
}

function errorOf(error: unknown): AnsweredError {
  const { code, detail } = (error ?? {}) as { readonly code?: unknown; readonly detail?: unknown };
  const isKnown = typeof code === "string" && Object.hasOwn(CATALOGUE, code);
  return { code: isKnown ? (code as Code) : undefined, detail: typeof detail === "string" ? detail : "" };
}

/** One on the line; several, as for a configuration with several mistakes, on a line each. */
function joined(details: readonly string[]): string {
  const [first = "", ...more] = details;
  return more.length === 0
    ? first.replace(/\.$/, "")
    : `${details.length} mistakes\n  ${details.join("\n  ")}`;
}

function adviceOn(code: Code, login: Login, { headers }: Answer): string {
  if (code === "TOO_MANY_LOGINS") {
    const seconds = headers["retry-after"];
    return seconds === undefined ? "" : `; try again in ${seconds} s`;
  }
  if (code !== "LOGIN_FAILED") return "";
  return login.kind === "none"
    ? ": name an account with --user NAME (its password is asked for), with --password-file, or in ~/.sluice.cnf"
    : ": check user and password; an account of type basic may only read";
}

function codeOfStatus(status: number): Code {
  return BY_STATUS[status] ?? (status >= 500 ? "INTERNAL" : "REQUEST_INVALID");
}

const BY_STATUS: Readonly<Record<number, Code>> = {
  401: "LOGIN_FAILED",
  403: "REFUSED",
  404: "NOT_FOUND",
  405: "METHOD_NOT_ALLOWED",
  409: "ALREADY_EXISTS",
  413: "TOO_LARGE",
  415: "UNSUPPORTED_MEDIA_TYPE",
  429: "TOO_MANY_LOGINS",
  503: "BUSY",
  504: "TIMEOUT",
};
