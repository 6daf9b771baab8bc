import { closeSync } from "node:fs";
import type { Server } from "node:net";
import { type ListeningSockets, loadListeningSockets } from "../../system/listening-descriptor.ts";
import { descriptorOf } from "./listen.ts";

/** What a server accepts before those that were accepted are read, timers are called, and so on. */
const ACCEPTS_PER_TURN = 64;
/**
 * The kernel's queue. Who finds it full tries again a second later, but who is in it waits for all before him. Bun's own
 * figure is 512, whatever it is told.
 */
const BACKLOG = 2048;

/**
 * Lets a crowd in by portions. Bun accepts one client after another as long as more come, and reads none meanwhile: under a
 * flood of connects nobody is answered. So the server stops listening after a portion, which ends Bun's loop, and listens
 * again in the next turn of the event loop:
 *
 *   kernel's queue ──▶ valve ──▶ 64 clients ──▶ read, timers, probes ──▶ 64 clients ──▶ …
 *
 * Who comes in between waits in the kernel's queue, which lasts as long as the valve keeps a descriptor of it. See
 * docs/decisions/0013-accept-valve.md.
 */
export class AcceptValve {
  readonly #server: Server;
  #sockets: ListeningSockets | undefined;
  /** Keeps the kernel's queue while the server does not listen. */
  #kept: number | undefined;
  /** What the server will listen on in the next turn. */
  #next: number | undefined;
  #accepted = 0;

  constructor(server: Server) {
    this.#server = server;
    server.on("connection", this.#count);
  }

  /**
   * Listens by means of `bind`, and hands on what that returns or throws. Whoever binds a unix socket must move its file
   * elsewhere, as listenUnix() does: Bun removes the path it has bound when the server closes for the first time.
   */
  async open<T>(bind: (server: Server) => Promise<T>): Promise<T> {
    this.#sockets = await loadListeningSockets();
    const bound = await bind(this.#server);
    const fd = descriptorOf(this.#server);
    this.#kept = fd === undefined ? undefined : this.#sockets.duplicate(fd);
    this.#widenQueue();
    return bound;
  }

  /** Nobody listens any more; clients that were accepted stay. */
  close(): void {
    if (this.#server.listening) this.#server.close();
    for (const fd of [this.#kept, this.#next]) if (fd !== undefined) closeSync(fd);
    this.#kept = undefined;
    this.#next = undefined;
  }

  readonly #count = (): void => {
    if (this.#accepted === 0) setImmediate(this.#beginTurn);
    this.#accepted++;
    if (this.#accepted === ACCEPTS_PER_TURN) this.#pause();
  };

  #pause(): void {
    if (this.#kept === undefined) return;
    // Made before the server closes, so that no want of descriptors can keep it from listening again.
    this.#next = this.#sockets?.duplicate(this.#kept);
    if (this.#next !== undefined) this.#server.close();
  }

  readonly #beginTurn = (): void => {
    this.#accepted = 0;
    const fd = this.#next;
    if (fd === undefined) return;
    this.#next = undefined; // the server's from here on
    this.#server.listen({ fd });
    this.#widenQueue();
  };

  #widenQueue(): void {
    if (this.#kept !== undefined) this.#sockets?.setBacklog(this.#kept, BACKLOG);
  }
}
