import { createServer, type Server } from "node:http";
import type { Socket } from "node:net";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import type { Identity } from "../auth/authenticator.ts";
import { shapeDocument } from "../json-api/collection-query.ts";
import { ResourceFactory } from "../json-api/document.ts";
import { type Failure, failureOf } from "./failure.ts";
import { parseQuery } from "./query.ts";
import type { AdminContext, Answer, Exchange, Route } from "./route.ts";
import { openStream } from "./stream.ts";
import { WriteQueue } from "./write-queue.ts";

export interface AppOptions {
  readonly routes: readonly Route[];
  readonly context: AdminContext;
  /** Who makes a request; throws LOGIN_FAILED or TOO_MANY_LOGINS. */
  identify(request: RequestFacts): Promise<Identity>;
}

/** What a request says of who makes it. */
export interface RequestFacts {
  readonly socket: Socket;
  readonly authorization: string | undefined;
  readonly cookie: string | undefined;
}

export interface App {
  /** Never listens itself: it is given connections (`connection` events). */
  readonly server: Server;
  close(): Promise<void>;
}

const BODY_LIMIT = 1024 * 1024;
/** A client that is cut off while it sends does not see the answer: what is somewhat too large is read to its end. */
const PATIENCE = 16 * BODY_LIMIT;
const HEADER_LIMIT = 16 * 1024;
/** A name of 80 characters may be longer while it is encoded. */
const PARAM_LIMIT = 500;
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

/** The HTTP side: routes, bodies, errors. Everything it answers with a status of 400 and above is `{"errors": […]}`. */
export async function createApp(options: AppOptions): Promise<App> {
  let server: Server | undefined;
  const app = fastify({
    bodyLimit: PATIENCE,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: PARAM_LIMIT, querystringParser: asIs },
    frameworkErrors: (error, request, reply) => sendFailure(request, reply, failureOf(error), options),
    serverFactory: (handler) => {
      server = createServer({ maxHeaderSize: HEADER_LIMIT }, handler);
      return server;
    },
    clientErrorHandler: (error, socket) => refuseBytes(error, socket as Socket),
  });
  acceptJsonOnly(app);
  app.setErrorHandler((error, request, reply) => sendFailure(request, reply, failureOf(error), options));
  app.setNotFoundHandler((request, reply) => {
    const [path] = request.url.split("?", 1);
    return sendFailure(
      request,
      reply,
      failureOf(new SluiceError("NOT_FOUND", `there is nothing at ${path}`)),
      options,
    );
  });
  addRoutes(app, options);
  await app.ready();
  if (server === undefined) throw new Error("serverFactory has set it");
  return { server, close: () => app.close() };
}

/** The query stays text: bare arguments may repeat, and their order counts. */
function asIs(text: string): Record<string, string> {
  return { text };
}

function addRoutes(app: FastifyInstance, options: AppOptions): void {
  const queue = new WriteQueue(options.context.clock);
  const identities = new WeakMap<FastifyRequest, Identity>();
  const identify = async (request: FastifyRequest): Promise<Identity> => {
    const identity = await options.identify(factsOf(request));
    identities.set(request, identity);
    return identity;
  };
  for (const route of options.routes) {
    app.route({
      method: route.method,
      url: route.path,
      // Before the body is read: nobody else's is.
      onRequest: async (request) => {
        if (route.access === "open") return;
        const { name, account } = await identify(request);
        if (route.access === "read" || account === "admin") return;
        throw new SluiceError("LOGIN_FAILED", `${name} may only read; changes need an admin account`);
      },
      handler: async (request, reply) => {
        const exchange = exchangeOf(request, identities.get(request) ?? NOBODY);
        const handle = (): Answer | Promise<Answer> => route.handle(exchange, options.context);
        const answer = await (route.access === "write" ? queue.run(handle) : handle());
        if (route.access === "write" || route.access === "command")
          noteWrite(request, exchange, options.context);
        send(answer, request, reply, exchange);
      },
    });
  }
  for (const path of new Set(options.routes.map((route) => route.path))) {
    const known = options.routes.filter((route) => route.path === path).map((route) => route.method);
    const allow = known.join(", ");
    app.route({
      method: METHODS.filter((method) => !known.includes(method)),
      url: path,
      exposeHeadRoute: false,
      onRequest: async (request, reply) => {
        await identify(request);
        reply.header("allow", allow);
        throw new SluiceError(
          "METHOD_NOT_ALLOWED",
          `${request.method} is not possible here; possible: ${allow}`,
        );
      },
      handler: () => {},
    });
  }
}

const NOBODY: Identity = Object.freeze({ name: "nobody", account: "basic", login: undefined });

function exchangeOf(request: FastifyRequest, identity: Identity): Exchange {
  const { headers, socket } = request;
  const isEncrypted = "encrypted" in socket && socket.encrypted === true;
  const host = /^[A-Za-z0-9.:[\]_-]{1,255}$/.exec(headers.host ?? "")?.[0] ?? "localhost";
  const lastEventId = headers["last-event-id"];
  return {
    params: request.params as Readonly<Record<string, string>>,
    query: parseQuery((request.query as { text?: string }).text ?? ""),
    body: request.body,
    identity,
    make: new ResourceFactory(`${isEncrypted ? "https" : "http"}://${host}/v1`),
    headers: {
      accept: headers.accept ?? "",
      lastEventId: typeof lastEventId === "string" ? lastEventId : undefined,
    },
    isEncrypted,
  };
}

function send(answer: Answer, request: FastifyRequest, reply: FastifyReply, { query }: Exchange): void {
  reply.header("cache-control", "no-store");
  switch (answer.kind) {
    case "document": {
      const document = shapeDocument(answer.document, query);
      reply.headers(answer.headers ?? {}).type("application/json");
      reply.send(JSON.stringify(document, null, query.isSet("pretty") ? 2 : undefined));
      break;
    }
    case "done":
      reply
        .headers(answer.headers ?? {})
        .code(204)
        .send();
      break;
    case "text":
      reply
        .headers(answer.headers ?? {})
        .type(answer.type)
        .send(answer.text);
      break;
    case "stream":
      if (request.method === "HEAD") reply.type("text/event-stream").send("");
      else openStream(reply, answer.open);
      break;
  }
}

function sendFailure(
  request: FastifyRequest,
  reply: FastifyReply,
  failure: Failure,
  { context }: AppOptions,
): void {
  const { fault } = failure;
  if (fault !== undefined) {
    const [path] = request.url.split("?", 1);
    const fields = { event: "request_failed", method: request.method, path, err: fault };
    context.log.error(fields, `${request.method} ${path} failed: ${errorMessage(fault)}`);
  }
  reply
    .code(failure.status)
    .headers({ ...failure.headers, "cache-control": "no-store" })
    .type("application/json")
    .send(JSON.stringify(failure.body));
}

/** Who changed what; never the body, which may hold passwords. */
function noteWrite({ url, method }: FastifyRequest, { identity }: Exchange, { log }: AdminContext): void {
  log.info(
    { event: "changed", account: identity.name, method, url },
    `${identity.name}: ${method} ${url.slice(0, 500)}`,
  );
}

function factsOf({ socket, headers }: FastifyRequest): RequestFacts {
  return { socket, authorization: headers.authorization, cookie: headers.cookie };
}

/** JSON whatever it calls itself by, nothing at all, or a refusal. */
function acceptJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", async (request: FastifyRequest, payload: AsyncIterable<Buffer>) => {
    const body = await readBody(payload);
    if (body.trim() === "") return undefined;
    const type = request.headers["content-type"] ?? "";
    if (/^application\/([a-z0-9.]+\+)?json\b/i.test(type)) return parseJson(body);
    const message = "the body is not JSON; expected Content-Type: application/json";
    throw new SluiceError("UNSUPPORTED_MEDIA_TYPE", message);
  });
}

async function readBody(payload: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of payload) {
    size += chunk.length;
    if (size > PATIENCE) break;
    if (size <= BODY_LIMIT) chunks.push(chunk);
  }
  if (size > BODY_LIMIT) throw new SluiceError("TOO_LARGE", "the body is larger than 1 MiB");
  return Buffer.concat(chunks).toString("utf8");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, (key, value: unknown) => {
      if (key === "__proto__") throw new Error("a field cannot be called __proto__");
      return value;
    });
  } catch (error) {
    throw new SluiceError("REQUEST_INVALID", `the body is not JSON: ${errorMessage(error)}`);
  }
}

/** Bytes that are no HTTP, or too many of them: told without the framework. */
function refuseBytes(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const isTooLong = error.code === "HPE_HEADER_OVERFLOW";
  const [status, detail] = isTooLong
    ? ["431 Request Header Fields Too Large", "the header is larger than 16 KiB"]
    : ["400 Bad Request", "this is not HTTP/1.1"];
  const body = JSON.stringify({ errors: [{ detail, code: "REQUEST_INVALID" }] });
  const head = [
    `HTTP/1.1 ${status}`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}
