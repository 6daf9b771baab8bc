import { MalformedPacket } from "../../wire/malformed-packet.ts";
import { framed, type Packet, PacketReader } from "../../wire/packet.ts";
import { type HeaderReading, readProxyHeader } from "../../wire/proxy-header.ts";
import type { Timers } from "../passthrough/timers.ts";
import type { HandedOver } from "./logged-in.ts";
import type { OwnedSocket, SocketOwner } from "./owned-socket.ts";

/** What servers allow as well before a client has logged in. */
const MAX_PAYLOAD_BYTES = 16 << 10;
/** More than a client can have pipelined in earnest; it is not read on before somebody wants it. */
const MAX_UNREAD_BYTES = 64 << 10;
/** How long a client may take over an error before its connection is closed, ms. */
const LEAVE_MS = 2000;

const EMPTY: Buffer = Buffer.alloc(0);

/** A login that came to no end: closed, too late, or no MySQL protocol. The message is one clause. */
export class LoginBroken extends Error {
  override readonly name = "LoginBroken";
  readonly why: "closed" | "late" | "malformed";

  constructor(why: LoginBroken["why"], message: string) {
    super(message);
    this.why = why;
  }
}

/**
 * A connection while a login is under way, in either role: whole packets in, whole packets out, in the order of their numbers,
 * within a deadline. Owns the socket from its creation to handOver() or close.
 */
export class LoginChannel implements SocketOwner {
  readonly #timers: Timers;
  readonly #reader = new PacketReader(MAX_PAYLOAD_BYTES);
  #socket: OwnedSocket;
  /** What the kernel has not taken yet. */
  #unsent = EMPTY;
  /** The number of the next packet, whoever sends it. */
  #sequence: number;
  #waiting: Wait | undefined;
  #failure: LoginBroken | undefined;
  #hasEnded = false;
  #isClosed = false;
  #isLeaving = false;
  /** One that a session had may be paused; then it is read when a packet is waited for. */
  #isPaused = true;
  #cancel: () => void = () => {};

  /** @param sequence number of the next packet: 0 at the beginning @param early bytes that came already */
  constructor(socket: OwnedSocket, timers: Timers, sequence = 0, early: Buffer = EMPTY) {
    this.#socket = socket;
    this.#timers = timers;
    this.#sequence = sequence;
    socket.data = this;
    if (early.length > 0) this.#reader.feed(early);
  }

  /** Bytes that came and are no part of a packet that was received; they are the caller's now. */
  takeLeftover(): Buffer {
    return this.#reader.takeLeftover();
  }

  /** The login fails unless handOver() or cancelDeadline() comes within `ms`. */
  limit(ms: number): void {
    this.#cancel();
    this.#cancel = this.#timers.after(ms, () => this.#late(ms));
  }

  cancelDeadline(): void {
    this.#cancel();
  }

  /** The plain socket, for a TLS handshake. The runtime goes on telling of its bytes, which are nothing to the login any more. */
  lendSocket(): OwnedSocket {
    this.#socket.data = NOBODY;
    return this.#socket;
  }

  /** Takes the encrypted socket in the place of the plain one. */
  replaceSocket(socket: OwnedSocket): void {
    this.#socket = socket;
    socket.data = this;
  }

  send(payload: Buffer): void {
    this.#write(framed(this.#sequence, payload));
    this.#sequence = (this.#sequence + 1) & 0xff;
  }

  /** Bytes that are no packet: the header of the PROXY protocol. */
  sendRaw(bytes: Buffer): void {
    this.#write(bytes);
  }

  /** The payload of the next packet. Rejects with LoginBroken. One at a time. */
  receive(): Promise<Buffer> {
    return this.#await(() => {
      const packet = this.#reader.next();
      return packet === undefined ? undefined : this.#inOrder(packet);
    });
  }

  /** Takes the header of the PROXY protocol off the first bytes, where there is one. Rejects with LoginBroken. */
  receiveProxyHeader(): Promise<HeaderReading> {
    return this.#await(() => {
      const bytes = this.#reader.takeLeftover();
      const reading = readProxyHeader(bytes);
      if (reading.kind === "broken") throw new MalformedPacket("a broken header of the PROXY protocol");
      this.#reader.feed(reading.kind === "header" ? bytes.subarray(reading.bytes) : bytes);
      return reading.kind === "incomplete" ? undefined : reading;
    });
  }

  /** Says a last word, and closes once it has been read: a socket closed with unread bytes would lose it. */
  leave(payload: Buffer): void {
    this.send(payload);
    this.finish();
  }

  finish(): void {
    this.#cancel();
    this.#isLeaving = true;
    if (this.#isClosed) return;
    this.#resume();
    if (this.#unsent.length === 0) this.#socket.shutdown();
    this.#cancel = this.#timers.after(LEAVE_MS, () => this.destroy());
  }

  /** Closes at once. */
  destroy(): void {
    this.#cancel();
    if (!this.#isClosed) this.#socket.terminate();
  }

  /** Reads no more until somebody asks for it. */
  pause(): void {
    if (this.#isClosed) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  /** Gives the socket away, with all that has come of it. */
  handOver(owner: SocketOwner): HandedOver {
    this.#cancel();
    this.#socket.data = owner;
    const leftover = this.#reader.takeLeftover();
    return { socket: this.#socket, leftover, hasEnded: this.#hasEnded, isClosed: this.#isClosed };
  }

  data(chunk: Buffer): void {
    if (this.#isLeaving || this.#failure !== undefined) return;
    // The runtime may use the chunk's memory again.
    this.#reader.feed(Buffer.from(chunk));
    if (this.#waiting === undefined) {
      if (this.#reader.unread > MAX_UNREAD_BYTES) this.pause();
      return;
    }
    this.#waiting.look();
  }

  drain(): void {
    const rest = this.#unsent;
    this.#unsent = EMPTY;
    if (rest.length > 0) this.#write(rest);
    if (this.#isLeaving && this.#unsent.length === 0 && !this.#isClosed) this.#socket.shutdown();
  }

  end(): void {
    this.#hasEnded = true;
    if (this.#isLeaving) this.destroy();
    else this.#settle();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
    this.#settle();
  }

  /** Resolves once `read` finds all that it needs in what has come. */
  async #await<T>(read: () => T | undefined): Promise<T> {
    if (this.#failure !== undefined) throw this.#failure;
    const found = attempt(read);
    if (found !== undefined) return found;
    if (this.#hasEnded || this.#isClosed) throw new LoginBroken("closed", CLOSED);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const look = (): void => {
      try {
        const value = attempt(read);
        if (value === undefined) return;
        this.#waiting = undefined;
        resolve(value);
      } catch (error) {
        this.#waiting = undefined;
        reject(error);
      }
    };
    this.#waiting = { look, reject };
    this.#resume();
    return await promise;
  }

  #inOrder({ sequence, payload }: Packet): Buffer {
    if (sequence !== this.#sequence)
      throw new LoginBroken(
        "malformed",
        `packets out of order: ${sequence} in the place of ${this.#sequence}`,
      );
    this.#sequence = (sequence + 1) & 0xff;
    return payload;
  }

  #resume(): void {
    if (!this.#isPaused || this.#isClosed) return;
    this.#isPaused = false;
    this.#socket.resume();
  }

  #write(bytes: Buffer): void {
    if (this.#isClosed) return;
    if (this.#unsent.length > 0) {
      this.#unsent = Buffer.concat([this.#unsent, bytes]);
      return;
    }
    const taken = Math.max(0, this.#socket.write(bytes));
    if (taken < bytes.length) this.#unsent = bytes.subarray(taken);
  }

  #settle(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(new LoginBroken("closed", CLOSED));
  }

  #late(ms: number): void {
    this.#failure = new LoginBroken("late", `no answer within ${ms} ms`);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    // Where nobody waits for a packet, it is for a TLS handshake: that ends with the socket.
    if (waiting === undefined) this.destroy();
    else waiting.reject(this.#failure);
  }
}

const NOBODY: SocketOwner = { data: () => {}, drain: () => {}, end: () => {}, close: () => {} };

const CLOSED = "the connection was closed during the login";

interface Wait {
  look(): void;
  reject(error: unknown): void;
}

function attempt<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw asBroken(error);
  }
}

/** A parser's complaint as the end of the login; anything else is a mistake of ours and stays what it is. */
export function asBroken(error: unknown): unknown {
  return error instanceof MalformedPacket ? new LoginBroken("malformed", error.message) : error;
}
