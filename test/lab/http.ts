import { readFileSync } from "node:fs";
import { request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { deadline } from "./deadline.ts";
import { TextTail } from "./text-tail.ts";

const BODY_CAP = 8 << 20;

export interface HttpQuestion {
  /** Default 9200, where Sluice tells a server's health. */
  readonly port?: number;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs?: number;
  /** Asks over a unix socket instead. */
  readonly socketPath?: string;
  /** Asks over https and believes only this authority: the path of its certificate. */
  readonly authority?: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** One request on one connection of its own. @param address IPv4 or IPv6 */
export async function httpRequest(
  address: string,
  path: string,
  question: HttpQuestion,
): Promise<HttpAnswer> {
  const {
    port = 9200,
    method = "GET",
    headers = {},
    body,
    timeoutMs = 5_000,
    authority,
    socketPath,
  } = question;
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const request = authority === undefined ? plainRequest : tlsRequest;
  const ca = authority === undefined ? {} : { ca: readFileSync(authority) };
  const where = socketPath === undefined ? { host: address, port } : { socketPath };
  const asked = request({ ...where, path, method, headers, agent: false, ...ca }, (answer) => {
    const text = new TextTail(BODY_CAP);
    answer.setEncoding("utf8");
    answer.on("data", (chunk: string) => text.append(chunk));
    answer.on("end", () =>
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text.toString() }),
    );
    answer.on("error", reject);
  });
  asked.on("error", reject);
  asked.end(body);
  return await deadline(promise, timeoutMs, `${method} http://${address}:${port}${path}`, () =>
    asked.destroy(),
  );
}
