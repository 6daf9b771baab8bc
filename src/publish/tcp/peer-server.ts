/**
 * tcp/: the manners that every publisher with a socket shares, whatever it says. Each client is in one phase with one
 * time limit (peer.ts); nobody is reset who may still read; a flood costs a bounded number of places.
 *
 *   valve ──▶ only_from? ──▶ TLS? ──▶ Peer ◀──▶ Conversation (HTTP, agent-check)
 *
 * May import errors/, topology/, system/ and telemetry/.
 */
import { createServer, type Server, type Socket } from "node:net";
import { afterPoll } from "../../system/after-poll.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import type { CloseReason } from "../publisher.ts";
import { AcceptValve } from "./accept-valve.ts";
import type { AllowList } from "./allow-list.ts";
import { ExpiryQueue } from "./expiry-queue.ts";
import { type ListenAddress, listen } from "./listen.ts";
import { type Conversation, Peer, type Phase, type PhaseQueues } from "./peer.ts";
import type { ServerTls } from "./server-tls.ts";
import { listenUnix, type UnixSocketPlace } from "./unix-socket.ts";

export interface PeerServerOptions {
  /** Makes the protocol's side of a new client. */
  readonly converse: (peer: Peer) => Conversation;
  /** How long a client may stay in each phase, ms. */
  readonly phaseMs: Readonly<Record<Phase, number>>;
  readonly maxConnections: number;
  /** undefined: everybody (a unix socket's clients are let in by its file mode). */
  readonly onlyFrom: AllowList | undefined;
  readonly tls: ServerTls | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Plain counters since the start; read from outside. */
export interface PeerCounters {
  accepted: number;
  /** Not in only_from. */
  refused: number;
  /** Closed early because a newcomer needed the place. */
  evicted: number;
}

/** How long close() waits for answers that are under way, ms. */
const CLOSE_GRACE_MS = 500;
/** Who leaves first when all places are taken: whoever has least to lose. */
const EVICTION_ORDER: readonly Phase[] = ["idle", "linger", "handshake", "request", "silent", "answering"];

/** Who loses nothing by being sent home: who has been answered; and, at the end, who has not asked yet. */
const SERVED: readonly Phase[] = ["idle", "linger"];
const UNSERVED: readonly Phase[] = ["handshake", "silent", ...SERVED];

export class PeerServer {
  readonly counters: PeerCounters = { accepted: 0, refused: 0, evicted: 0 };
  readonly #server: Server;
  readonly #valve: AcceptValve;
  readonly #options: PeerServerOptions;
  readonly #queues: PhaseQueues;
  #port: number | undefined;
  #isTrimming = false;
  #isClosing = false;
  #onEmpty: (() => void) | undefined;

  constructor(options: PeerServerOptions) {
    this.#options = options;
    const queue = (phase: Phase): ExpiryQueue<Peer> =>
      new ExpiryQueue(options.clock, options.phaseMs[phase], (peer) => peer.expire());
    this.#queues = {
      handshake: queue("handshake"),
      silent: queue("silent"),
      request: queue("request"),
      answering: queue("answering"),
      idle: queue("idle"),
      linger: queue("linger"),
    };
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
    this.#server.once("listening", () => {
      // From here on no caller waits for it; file descriptors that run out must not end the process.
      this.#server.on("error", (err) =>
        options.log.warn({ event: "accept_failed", err }, "a client was not accepted"),
      );
    });
    this.#valve = new AcceptValve(this.#server);
  }

  /**
   * Starts listening.
   * @returns where it listens, for the log
   * @throws SluiceError as listen() does
   */
  async listen(address: ListenAddress): Promise<string> {
    const where = await this.#valve.open((server) => listen(server, address));
    const bound = this.#server.address();
    this.#port = bound !== null && typeof bound === "object" ? bound.port : undefined;
    return where;
  }

  /**
   * Starts listening on a unix socket.
   * @returns a function that removes its file
   * @throws SluiceError as listenUnix() does
   */
  async listenUnix(place: UnixSocketPlace): Promise<() => void> {
    return await this.#valve.open((server) => listenUnix(server, place, this.#options.clock));
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** The TCP port it listens on. */
  get port(): number | undefined {
    return this.#isClosing ? undefined : this.#port;
  }

  /** How many clients are in each phase. */
  get phases(): Readonly<Record<Phase, number>> {
    const { handshake, silent, request, answering, idle, linger } = this.#queues;
    return {
      handshake: handshake.size,
      silent: silent.size,
      request: request.size,
      answering: answering.size,
      idle: idle.size,
      linger: linger.size,
    };
  }

  get connections(): number {
    const { handshake, silent, request, answering, idle, linger } = this.#queues;
    return handshake.size + silent.size + request.size + answering.size + idle.size + linger.size;
  }

  /**
   * Stops listening, lets answers under way finish, and ends within a second whatever the clients do. Before a succession those are
   * answered, too, who have not asked yet: nobody is to see it.
   */
  async close(reason: CloseReason = "exit"): Promise<void> {
    this.#isClosing = true;
    this.#valve.close();
    for (const phase of reason === "succession" ? SERVED : UNSERVED) {
      for (const peer of this.#queues[phase].items()) peer.destroy();
    }
    if (this.connections > 0) await this.#emptied();
    for (const queue of Object.values(this.#queues)) {
      for (const peer of queue.items()) peer.destroy();
      queue.clear();
    }
  }

  #emptied(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(CLOSE_GRACE_MS, resolve);
      this.#onEmpty = () => {
        cancel();
        resolve();
      };
    });
  }

  #accept(socket: Socket): void {
    const { onlyFrom, log } = this.#options;
    if (this.#isClosing) {
      socket.destroy();
      return;
    }
    if (onlyFrom !== undefined && !onlyFrom.allows(socket.remoteAddress)) {
      this.counters.refused++;
      log.debug({ event: "client_refused", client: socket.remoteAddress }, "a client is not in only_from");
      socket.on("error", () => {}); // it may have reset already
      socket.destroy();
      return;
    }
    this.counters.accepted++;
    const peer = this.#peerOf(socket);
    peer.begin(this.#options.converse(peer), this.#onGone);
    this.#trimSoon();
  }

  #peerOf(socket: Socket): Peer {
    const { tls, log } = this.#options;
    if (tls === undefined) return new Peer(socket, this.#queues, "silent", log);
    socket.on("error", () => {}); // the TLS socket above it reports it
    const secure = tls.wrap(socket);
    return new Peer(secure, this.#queues, "handshake", log);
  }

  /**
   * Sends home as many as are too many, once all have been heard: who is closed with a request unread is reset, and who
   * has been answered has less to lose. The valve bounds how many may come until then.
   */
  #trimSoon(): void {
    if (this.#isTrimming || this.connections <= this.#options.maxConnections) return;
    this.#isTrimming = true;
    afterPoll(() => {
      this.#isTrimming = false;
      while (this.connections > this.#options.maxConnections) this.#makeRoom();
    });
  }

  #makeRoom(): void {
    for (const phase of EVICTION_ORDER) {
      const peer = this.#queues[phase].oldest();
      if (peer === undefined) continue;
      this.counters.evicted++;
      peer.evict();
      return;
    }
  }

  readonly #onGone = (): void => {
    if (this.#onEmpty !== undefined && this.connections === 0) this.#onEmpty();
  };
}
