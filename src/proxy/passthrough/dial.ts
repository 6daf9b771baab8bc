import type { Socket, SocketHandler } from "bun";
import { KEEP_ALIVE_IDLE_MS } from "../../system/keep-alive.ts";
import { type Endpoint, formatEndpoint } from "../../topology/endpoint.ts";
import { LEG_HANDLERS, type Leg } from "./leg.ts";
import type { Timers } from "./timers.ts";

/** Exactly one of the two is called, once; not before dial() has returned. */
export interface DialResult<Data = Leg> {
  /** The socket has no data yet (no leg, no owner), and must have it before this returns. */
  opened(socket: Socket<Data>): void;
  /** One clause: `connection refused by 10.0.0.1:3306`. */
  failed(reason: string): void;
}

/** Connects to a server within the deadline. The returned function gives up, and then neither result is told. */
export function dial(endpoint: Endpoint, deadlineMs: number, timers: Timers, result: DialResult): () => void {
  return dialFor(LEG_HANDLERS, endpoint, deadlineMs, timers, result);
}

/** The same for sockets with other handlers. What comes too late is closed with LATE as its data, which takes all they may call. */
export function dialFor<Data>(
  own: SocketHandler<Data>,
  endpoint: Endpoint,
  deadlineMs: number,
  timers: Timers,
  result: DialResult<Data>,
): () => void {
  const where = formatEndpoint(endpoint);
  let isSettled = false;
  const settle = (): boolean => {
    if (isSettled) return false;
    isSettled = true;
    cancel();
    return true;
  };
  const cancel = timers.after(deadlineMs, () => {
    if (settle()) result.failed(`no connection to ${where} within ${deadlineMs} ms`);
  });
  const fail = (error: unknown): void => {
    if (settle()) result.failed(failure(error, where));
  };
  const handlers = {
    ...own,
    open(socket: Socket<Data>): void {
      // Bun cannot be told to stop connecting: what comes too late is closed.
      if (!settle()) {
        socket.data = LATE as never;
        socket.terminate();
        return;
      }
      if (endpoint.kind === "tcp") {
        socket.setNoDelay(true);
        socket.setKeepAlive(true, KEEP_ALIVE_IDLE_MS);
      }
      result.opened(socket);
    },
    connectError: (_: unknown, error: Error): void => fail(error),
  };
  const common = { allowHalfOpen: true, socket: handlers };
  const connecting =
    endpoint.kind === "tcp"
      ? Bun.connect({ hostname: endpoint.host, port: endpoint.port, ...common })
      : Bun.connect({ unix: endpoint.path, ...common });
  connecting.catch(fail);
  return () => void settle();
}

const nothing = (): void => {};
/** Stands for the leg or the owner of a socket that nobody wants any more. */
const LATE = {
  owner: { early: nothing, ended: nothing, closed: nothing },
  pending: undefined,
  isClosed: false,
  data: nothing,
  drain: nothing,
  end: nothing,
  close: nothing,
};

function failure(error: unknown, where: string): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
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
