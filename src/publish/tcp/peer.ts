import type { Socket } from "node:net";
import { afterPoll } from "../../system/after-poll.ts";
import type { Log } from "../../telemetry/log.ts";
import type { ExpiryQueue } from "./expiry-queue.ts";

/**
 * Where a client is; each phase has its own time limit.
 *
 *   handshake ──▶ silent ──▶ request ──▶ answering ──▶ linger ──▶ (closed)
 *                               ▲            │
 *                               └── idle ◀───┘ keep-alive
 *
 * handshake  TLS only
 * silent     nothing received yet
 * request    a request has begun and is not complete
 * answering  the answer is being made or is on its way out
 * idle       answered, waiting for the next request
 * linger     answered and half-closed; what still comes is read and dropped, for to close a socket that has unread data
 *            resets the connection, and the client may lose the answer
 */
export type Phase = "handshake" | "silent" | "request" | "answering" | "idle" | "linger";

export type PhaseQueues = Readonly<Record<Phase, ExpiryQueue<Peer>>>;

/** The protocol's side of one client. */
export interface Conversation {
  /** The client may be spoken to (over TLS: the handshake is done). */
  opened(): void;
  data(chunk: Buffer): void;
  /** The client will send nothing more; it may still read. Must finish the peer, at the latest once it is answered. */
  ended(): void;
  /** The phase has lasted its time, or the client's place is needed. Must finish the peer. */
  expired(phase: "silent" | "request" | "idle"): void;
  /** Everything sent has left; called after a send() that returned false. */
  drained(): void;
}

/** One client of a PeerServer: answers it, half-closes, and lets it close first. */
export class Peer {
  readonly #socket: Socket;
  readonly #queues: PhaseQueues;
  readonly #log: Log;
  #conversation: Conversation | undefined;
  #phase: Phase;
  /** Counts what enter() begins: the same phase may come again. */
  #stint = 0;
  #isFinished = false;

  constructor(socket: Socket, queues: PhaseQueues, phase: "handshake" | "silent", log: Log) {
    this.#socket = socket;
    this.#queues = queues;
    this.#log = log;
    this.#phase = phase;
    queues[phase].add(this);
  }

  /** `onGone` is called once, when the connection is over. */
  begin(conversation: Conversation, onGone: (peer: Peer) => void): void {
    this.#conversation = conversation;
    const socket = this.#socket;
    socket.on("data", (chunk: Buffer) => {
      if (!this.#isFinished) conversation.data(chunk);
    });
    socket.on("end", () => {
      if (!this.#isFinished) conversation.ended();
    });
    socket.on("drain", () => {
      if (!this.#isFinished) conversation.drained();
    });
    socket.on("finish", () => this.enter("linger"));
    socket.on("error", (err) =>
      this.#log.debug({ event: "client_gone", err }, "a client broke its connection"),
    );
    socket.on("close", () => {
      this.#isFinished = true;
      this.#queues[this.#phase].delete(this);
      onGone(this);
    });
    if (this.#phase === "silent") conversation.opened();
    else socket.once("secure", () => this.#secured(conversation));
  }

  #secured(conversation: Conversation): void {
    if (this.#isFinished) return;
    this.enter("silent");
    conversation.opened();
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** No more can be sent: the last answer is on its way, or the connection is over. */
  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** The client's address for the log; empty for a unix socket. */
  get address(): string {
    return this.#socket.remoteAddress ?? "";
  }

  /** Starts the time of `phase`, also if the peer is in it already. */
  enter(phase: Phase): void {
    if (this.#socket.destroyed) return;
    if (phase !== this.#phase) this.#queues[this.#phase].delete(this);
    this.#phase = phase;
    this.#stint++;
    this.#queues[phase].add(this);
  }

  /** Sends; false: the client reads too slowly, so wait for drained(). */
  send(bytes: Buffer): boolean {
    return this.#socket.write(bytes);
  }

  /** Sends the last bytes and half-closes. */
  finish(bytes?: Buffer): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.enter("answering");
    if (bytes === undefined) this.#socket.end();
    else this.#socket.end(bytes);
    this.#socket.resume();
  }

  /** Reads no more until resume(). */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** The time of the present phase is over, unless the bytes that end it have come and are read now. */
  expire(): void {
    const stint = this.#stint;
    this.#queues[this.#phase].add(this); // it is a client until then, as before
    afterPoll(() => {
      if (this.#stint === stint && !this.#socket.destroyed) this.#end();
    });
  }

  #end(): void {
    switch (this.#phase) {
      case "silent":
      case "request":
      case "idle":
        this.#conversation?.expired(this.#phase);
        return;
      case "handshake":
      case "answering":
      case "linger":
        this.destroy();
    }
  }

  /** Closes at once, after saying what can be said at once. To be called after a poll only; see afterPoll(). */
  evict(): void {
    this.#end();
    this.destroy();
  }

  destroy(): void {
    this.#isFinished = true;
    this.#queues[this.#phase].delete(this);
    this.#socket.destroy();
  }
}
