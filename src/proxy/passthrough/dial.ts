import type { SocketHandler } from "bun";
import { type Endpoint, formatEndpoint } from "../../topology/endpoint.ts";
import { LEG_HANDLERS, type Leg, type LegSocket } from "./leg.ts";
import type { Timers } from "./timers.ts";

/** Exactly one of the two is called, once; not before dial() has returned. */
export interface DialResult {
  /** The socket has no leg yet, and must have one before this returns. */
  opened(socket: LegSocket): void;
  /** One clause: `connection refused by 10.0.0.1:3306`. */
  failed(reason: string): void;
}

/** Connects to a server within the deadline. The returned function gives up, and then neither result is told. */
export function dial(endpoint: Endpoint, deadlineMs: number, timers: Timers, result: DialResult): () => void {
  const attempt = new Attempt(endpoint, deadlineMs, timers, result);
  const common = { allowHalfOpen: true, socket: DIAL_HANDLERS, data: attempt as never };
  const connecting =
    endpoint.kind === "tcp"
      ? Bun.connect<Leg>({ hostname: endpoint.host, port: endpoint.port, ...common })
      : Bun.connect<Leg>({ unix: endpoint.path, ...common });
  connecting.catch(TOLD_BY_HANDLER);
  return () => void attempt.settle();
}

/** Stands for the leg of a socket that is not there yet, and for that of one that nobody wants any more. */
class Attempt {
  readonly owner = { closed: (): void => {} };
  readonly pending = undefined;
  isClosed = false;
  readonly #endpoint: Endpoint;
  readonly #result: DialResult;
  readonly #cancel: () => void;
  #isSettled = false;

  constructor(endpoint: Endpoint, deadlineMs: number, timers: Timers, result: DialResult) {
    this.#endpoint = endpoint;
    this.#result = result;
    this.#cancel = timers.after(deadlineMs, () => {
      if (this.settle())
        result.failed(`no connection to ${formatEndpoint(endpoint)} within ${deadlineMs} ms`);
    });
  }

  /** False: it is settled already. */
  settle(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    this.#cancel();
    return true;
  }

  opened(socket: LegSocket): void {
    // Bun cannot be told to stop connecting: what comes too late is closed.
    if (this.settle()) this.#result.opened(socket);
    else socket.terminate();
  }

  failed(error: Error): void {
    if (this.settle()) this.#result.failed(failure(error, formatEndpoint(this.#endpoint)));
  }
}

const attemptOf = (socket: LegSocket): Attempt => socket.data as unknown as Attempt;

/** One for all attempts: the runtime takes it apart anew for each, and so it should at least not have to be made. */
const DIAL_HANDLERS: SocketHandler<Leg> = {
  ...LEG_HANDLERS,
  open: (socket) => attemptOf(socket).opened(socket),
  connectError: (socket, error) => attemptOf(socket).failed(error),
};

const TOLD_BY_HANDLER = (): void => {};

function failure(error: Error, where: string): string {
  const code = "code" in error ? String(error.code) : undefined;
  switch (code) {
    case "ECONNREFUSED":
      return `connection refused by ${where}`;
    case "ENOENT":
      return `there is no socket ${where}`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `the name in ${where} is not found`;
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return `no route to ${where}`;
    default:
      return `no connection to ${where} (${code ?? String(error)})`;
  }
}
