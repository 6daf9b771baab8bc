import type { Socket, SocketHandler } from "bun";
import { setUserTimeout } from "../../system/user-timeout.ts";
import { formatEndpoint } from "../../topology/endpoint.ts";
import type { Target } from "../../topology/routing-table.ts";
import { LEG_HANDLERS, type Leg } from "./leg.ts";
import type { Timers } from "./timers.ts";

/** Exactly one of the two is called, once; not before dialling has returned. */
export interface DialResult<Data = Leg> {
  /** The socket has no data of its own yet, and must have it before this returns. */
  opened(socket: Socket<Data>): void;
  /** One clause: `connection refused by 10.0.0.1:3306`. */
  failed(reason: string): void;
}

export type DialTarget = Pick<Target, "endpoint" | "userTimeoutMs">;

/** Connects to a server within the deadline. The returned function gives up, and then neither result is told. */
export type Dial<Data> = (
  target: DialTarget,
  deadlineMs: number,
  timers: Timers,
  result: DialResult<Data>,
) => () => void;

/** A dial for sockets with these handlers; made once for all connections. */
export function dialFor<Data>(own: SocketHandler<Data>): Dial<Data> {
  // One for all attempts: the runtime takes it apart anew for each, and so it should at least not have to be made.
  const handlers: SocketHandler<Data> = {
    ...own,
    open: (socket) => attemptOf(socket).opened(socket),
    connectError: (socket, error) => attemptOf(socket).failed(error),
  };
  return (target, deadlineMs, timers, result) => {
    const { endpoint } = target;
    const attempt = new Attempt(target, deadlineMs, timers, result);
    const common = { allowHalfOpen: true, socket: handlers, data: attempt as never };
    const connecting =
      endpoint.kind === "tcp"
        ? Bun.connect<Data>({ hostname: endpoint.host, port: endpoint.port, ...common })
        : Bun.connect<Data>({ unix: endpoint.path, ...common });
    connecting.catch(TOLD_BY_HANDLER);
    return () => void attempt.settle();
  };
}

const nothing = (): void => {};
const TOLD_BY_HANDLER = nothing;

/**
 * Stands for the data of a socket that is not there yet, and for that of one that nobody wants any more: it takes all that
 * anybody's handlers may call.
 */
class Attempt<Data> {
  readonly owner = { early: nothing, ended: nothing, closed: nothing };
  readonly pending = undefined;
  isClosed = false;
  readonly data = nothing;
  readonly drain = nothing;
  readonly end = nothing;
  readonly close = nothing;
  readonly #target: DialTarget;
  readonly #result: DialResult<Data>;
  readonly #cancel: () => void;
  #isSettled = false;

  constructor(target: DialTarget, deadlineMs: number, timers: Timers, result: DialResult<Data>) {
    this.#target = target;
    this.#result = result;
    this.#cancel = timers.after(deadlineMs, () => {
      if (this.settle())
        result.failed(`no connection to ${formatEndpoint(target.endpoint)} within ${deadlineMs} ms`);
    });
  }

  /** False: it is settled already. */
  settle(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    this.#cancel();
    return true;
  }

  opened(socket: Socket<Data>): void {
    // Bun cannot be told to stop connecting: what comes too late is closed.
    if (!this.settle()) {
      socket.terminate();
      return;
    }
    const { endpoint, userTimeoutMs } = this.#target;
    if (userTimeoutMs > 0 && endpoint.kind === "tcp") setUserTimeout(socket, userTimeoutMs);
    this.#result.opened(socket);
  }

  failed(error: Error): void {
    if (this.settle()) this.#result.failed(failure(error, formatEndpoint(this.#target.endpoint)));
  }
}

const attemptOf = <Data>(socket: Socket<Data>): Attempt<Data> => socket.data as unknown as Attempt<Data>;

export const dial: Dial<Leg> = dialFor(LEG_HANDLERS);

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
