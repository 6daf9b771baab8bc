/**
 * client/rest/: how commands speak to a daemon's REST API, MaxScale's /v1 (JSON:API) and what is ours besides. May import
 * everything before client/ in the list of folders; knows no terminal, no table and no option.
 *
 *   command ─▶ Daemons ──first that answers / all──▶ Daemon ──routes in order──▶ exchange ──HTTP──▶ admin/
 *                                                       └─ login, deadline, capped answer, errors as sentences
 */
import type { IncomingMessage } from "node:http";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import { answerFailure } from "./answer-failure.ts";
import {
  type ClientTls,
  type Exchange,
  type ExchangeRequest,
  exchange,
  type Method,
  type OpenAnswer,
  openExchange,
} from "./exchange.ts";
import { authorization, type Login } from "./login.ts";
import type { DaemonAddress, Route } from "./route.ts";

export interface DaemonOptions {
  readonly tls: ClientTls;
  /** Asked for when a route that needs it is tried, and then only once: it may prompt. */
  readonly login: () => Promise<Login>;
  /** For each request, from the connection to the end of its answer. */
  readonly timeoutMs: number;
}

/** One daemon. Every method rejects with a SluiceError that says what to do next. */
export class Daemon {
  readonly name: string;
  readonly #address: DaemonAddress;
  readonly #options: DaemonOptions;

  constructor(address: DaemonAddress, options: DaemonOptions) {
    this.name = address.name;
    this.#address = address;
    this.#options = options;
  }

  /** The same daemon with another deadline. */
  within(timeoutMs: number): Daemon {
    return new Daemon(this.#address, { ...this.#options, timeoutMs });
  }

  /** The document at `path` below /v1/. */
  async get(path: string): Promise<unknown> {
    return await this.send("GET", path);
  }

  /** Resolves to the document that came back; undefined where there is none (204). */
  async send(method: Method, path: string, body?: unknown): Promise<unknown> {
    const { answer, login } = await this.#onFirstRoute(method, path, body, exchange);
    if (answer.status < 200 || answer.status >= 300)
      throw answerFailure(this.name, { method, path }, answer, login);
    if (answer.body === "") return undefined;
    try {
      return JSON.parse(answer.body);
    } catch (cause) {
      throw new SluiceError(
        "API_UNREACHABLE",
        `what answers on ${this.name} is no Sluice and no MaxScale: its answer to ${method} /v1/${path} is no JSON`,
        { cause },
      );
    }
  }

  /** An open stream of server-sent events; `close` ends it. */
  async stream(
    path: string,
    lastEventId: string | undefined,
  ): Promise<{ message: IncomingMessage; close(): void }> {
    const headers: Record<string, string> = { accept: "text/event-stream" };
    if (lastEventId !== undefined) headers["last-event-id"] = lastEventId;
    const { answer, login } = await this.#onFirstRoute("GET", path, undefined, openExchange, headers);
    if (answer.status === 200) return answer;
    answer.close();
    const failed = { status: answer.status, headers: answer.headers, body: "" };
    throw answerFailure(this.name, { method: "GET", path }, failed, login);
  }

  async #onFirstRoute<T extends OpenAnswer | { readonly body: string }>(
    method: Method,
    path: string,
    body: unknown,
    perform: Perform<T>,
    headers: Readonly<Record<string, string>> = { accept: "application/json" },
  ): Promise<{ answer: T; login: Login }> {
    const { tls, timeoutMs } = this.#options;
    const unreached: SluiceError[] = [];
    for (const route of this.#address.routes) {
      const login = await this.#loginFor(route);
      const request = requestOf(method, path, body, { ...headers, ...authorization(login) });
      const result = await perform(route, tls, request, timeoutMs);
      if (result.ok) return { answer: result.answer, login };
      if (!result.isUnreached) throw result.error;
      unreached.push(result.error);
    }
    throw this.#unreached(unreached);
  }

  /** Who may use the socket needs no password. */
  async #loginFor(route: Route): Promise<Login> {
    return route.kind === "socket" ? { kind: "none" } : await this.#options.login();
  }

  #unreached(errors: readonly SluiceError[]): SluiceError {
    const clauses = errors.map(errorMessage);
    const advice = "is `sluice run` up there? --hosts HOST:PORT names another place";
    return new SluiceError("API_UNREACHABLE", `${clauses.join(", and ")}: ${advice}`, { cause: errors[0] });
  }
}

type Perform<T> = (
  route: Route,
  tls: ClientTls,
  request: ExchangeRequest,
  deadlineMs: number,
) => Promise<Exchange<T>>;

function requestOf(
  method: Method,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>>,
): ExchangeRequest {
  const target = `/v1/${path}`;
  if (body === undefined) return { method, target, headers, body: undefined };
  return {
    method,
    target,
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(body),
  };
}
