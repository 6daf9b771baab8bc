import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as requestHttp,
} from "node:http";
import { request as requestHttps } from "node:https";
import { performance } from "node:perf_hooks";
import {
  connectionFailure,
  cutShort,
  type Failed,
  late,
  tooLarge,
  unusablePem,
} from "./connection-failure.ts";
import type { Route } from "./route.ts";

export type Method = "GET" | "POST" | "PATCH" | "PUT" | "DELETE";

export interface ExchangeRequest {
  readonly method: Method;
  /** Path and query, percent-encoded. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** PEM texts for https. */
export interface ClientTls {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** False: whoever answers is believed. */
  readonly verify: boolean;
}

/** What became of one request on one route. */
export type Exchange<T> = { readonly ok: true; readonly answer: T } | Failed;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An answer whose body is still on its way. */
export interface OpenAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly message: IncomingMessage;
  /** Ends the exchange, whatever is still to come. */
  close(): void;
}

/** 2,000 servers with everything known of them; more is not an answer. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** One request and its whole answer, within `deadlineMs`, whatever hangs. Never rejects. */
export async function exchange(
  route: Route,
  tls: ClientTls,
  request: ExchangeRequest,
  deadlineMs: number,
): Promise<Exchange<Answer>> {
  const expires = performance.now() + deadlineMs;
  const opened = await openExchange(route, tls, request, deadlineMs);
  if (!opened.ok) return opened;
  return await wholeAnswer(route, opened.answer, deadlineMs, expires - performance.now());
}

/** One request and the head of its answer, within `deadlineMs`. Never rejects. */
export function openExchange(
  route: Route,
  tls: ClientTls,
  request: ExchangeRequest,
  deadlineMs: number,
): Promise<Exchange<OpenAnswer>> {
  return new Promise((resolve) => {
    const isSecure = route.kind === "tcp" && route.secure;
    const send = isSecure ? requestHttps : requestHttp;
    const options = { ...destination(route), ...(isSecure ? tlsOptions(tls) : {}), ...head(request) };
    let outgoing: ClientRequest;
    try {
      outgoing = send(options);
    } catch (error) {
      resolve(unusablePem(error));
      return;
    }
    const timer = setTimeout(() => {
      resolve(late(route, deadlineMs, request.method !== "GET"));
      outgoing.destroy();
    }, deadlineMs);
    outgoing.on("error", (error) => {
      clearTimeout(timer);
      resolve(connectionFailure(route, error));
    });
    outgoing.on("response", (message) => {
      clearTimeout(timer);
      const { statusCode: status = 0, headers } = message;
      message.on("error", () => {}); // whoever reads the body listens too; nobody has to
      resolve({ ok: true, answer: { status, headers, message, close: () => outgoing.destroy() } });
    });
    outgoing.end(request.body);
  });
}

function wholeAnswer(
  route: Route,
  open: OpenAnswer,
  deadlineMs: number,
  remainingMs: number,
): Promise<Exchange<Answer>> {
  return new Promise((resolve) => {
    const { status, headers, message } = open;
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (result: Exchange<Answer>): void => {
      clearTimeout(timer);
      resolve(result);
      if (!result.ok) open.close();
    };
    const timer = setTimeout(() => settle(late(route, deadlineMs, false)), Math.max(0, remainingMs));
    message.on("error", () => settle(cutShort(route)));
    message.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) settle(tooLarge(route, MAX_BODY_BYTES));
      else chunks.push(chunk);
    });
    message.on("end", () => {
      settle({ ok: true, answer: { status, headers, body: Buffer.concat(chunks).toString() } });
    });
  });
}

function destination(route: Route): { socketPath: string } | { host: string; port: number } {
  return route.kind === "socket" ? { socketPath: route.path } : { host: route.host, port: route.port };
}

/** `agent: false`: one connection a request, closed with it, so that nothing keeps the process alive. */
function head({ method, target, headers, body }: ExchangeRequest) {
  const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
  return { agent: false, method, path: target, headers: { connection: "close", ...headers, ...length } };
}

function tlsOptions({ ca, cert, key, verify }: ClientTls) {
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    rejectUnauthorized: verify,
  };
}
