import type { Server as HttpServer, IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { ServerTls } from "../../publish/tcp/server-tls.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";

export interface DoorLimits {
  readonly maxConnections: number;
  /** For TLS handshake and header together, and again for the rest of a request, ms. */
  readonly requestMs: number;
  /** Between two requests of a connection, ms. */
  readonly idleMs: number;
}

export const DOOR_LIMITS: DoorLimits = { maxConnections: 256, requestMs: 10_000, idleMs: 60_000 };

export interface DoorOptions {
  /** Answers the requests; never listens itself. */
  readonly http: HttpServer;
  readonly tls: ServerTls | undefined;
  readonly limits: DoorLimits;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Where connections come in: counted, each with a deadline for what it has to do next, through TLS if need be, and on to the HTTP
 * server. (The HTTP server's own deadlines only hold for connections that it accepted itself, and its certificate cannot be replaced
 * while it runs.)
 *
 *   accept ─▶ room? ─▶ TLS? ─▶ HTTP ──request──▶ answered ─▶ idle ─▶ …
 *      └──────── requestMs ───────┴─ requestMs ─┘      └─ idleMs ─┘
 */
export class Door {
  /** The listening socket; listen() and its kin bind it. */
  readonly server: Server;
  readonly #options: DoorOptions;
  readonly #visitors = new Map<Socket, Visitor>();
  #onEmpty: (() => void) | undefined;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    this.server.once("listening", () => {
      this.server.on("error", (err) =>
        options.log.warn({ event: "accept_failed", err }, "a client of the admin API was not accepted"),
      );
    });
  }

  /** Whether this is a connection that came in here, as the HTTP server knows it. */
  has(socket: Socket): boolean {
    return this.#visitors.has(socket);
  }

  /** Called for each request, so that its connection gets the time it needs. */
  serving(request: IncomingMessage, response: ServerResponse): void {
    this.#visitors.get(request.socket)?.serving(request, response);
  }

  /**
   * Stops listening, and ends every connection that is not being answered; the others end with their answer.
   * @param isSucceeded nobody is to see it: who has not asked yet gets an answer as well
   */
  close(isSucceeded = false): void {
    if (this.server.listening) this.server.close();
    for (const visitor of this.#visitors.values()) visitor.leave(isSucceeded);
  }

  /** Resolves when no connection is left. */
  emptied(): Promise<void> {
    if (this.#visitors.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  /** Ends every connection at once. */
  destroy(): void {
    this.close();
    for (const socket of this.#visitors.keys()) socket.destroy();
  }

  #accept(socket: Socket): void {
    const { limits, clock, tls, http, log } = this.#options;
    socket.on("error", () => {}); // resets are everyday; `close` follows
    if (this.#visitors.size >= limits.maxConnections) {
      log.debug({ event: "admin_full", client: socket.remoteAddress }, "too many clients of the admin API");
      socket.destroy();
      return;
    }
    const stream = tls === undefined ? socket : tls.wrap(socket);
    const visitor = new Visitor(stream, limits, clock);
    this.#visitors.set(stream, visitor);
    stream.on("error", (err) => {
      log.debug({ event: "admin_client_error", client: socket.remoteAddress, err }, "a client failed");
      socket.destroy();
    });
    socket.once("close", () => {
      visitor.gone();
      this.#visitors.delete(stream);
      if (this.#visitors.size === 0) this.#onEmpty?.();
    });
    if (stream instanceof TLSSocket) stream.once("secure", () => http.emit("connection", stream));
    else http.emit("connection", stream);
  }
}

/** One connection and the time it has left. */
class Visitor {
  readonly #socket: Socket;
  readonly #limits: DoorLimits;
  readonly #clock: Clock;
  #cancel: () => void;
  #isNew = true;
  #isAnswering = false;
  #isLeaving = false;

  constructor(socket: Socket, limits: DoorLimits, clock: Clock) {
    this.#socket = socket;
    this.#limits = limits;
    this.#clock = clock;
    this.#cancel = clock.after(limits.requestMs, () => socket.destroy());
  }

  /** The header is there. The body has its own deadline; the answer has as long as it needs (event streams never end). */
  serving(request: IncomingMessage, response: ServerResponse): void {
    this.#isNew = false;
    this.#isAnswering = true;
    if (hasBody(request)) this.#within(this.#limits.requestMs);
    else this.#cancel();
    request.once("end", () => {
      if (this.#isAnswering) this.#cancel();
    });
    // Bun has no `close` for an answer whose connection stays open, Node has both.
    response.once("finish", this.#answered);
    response.once("close", this.#answered);
  }

  leave(mayStillAsk: boolean): void {
    this.#isLeaving = true;
    if (!this.#isAnswering && !(mayStillAsk && this.#isNew)) this.#socket.destroy();
  }

  gone(): void {
    this.#cancel();
  }

  readonly #answered = (): void => {
    if (!this.#isAnswering) return;
    this.#isAnswering = false;
    if (this.#isLeaving) this.#socket.end();
    else this.#within(this.#limits.idleMs);
  };

  #within(ms: number): void {
    this.#cancel();
    this.#cancel = this.#clock.after(ms, () => this.#socket.destroy());
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}
