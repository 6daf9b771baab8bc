import { framed } from "../../wire/packet.ts";
import type { OwnedSocket } from "../login/owned-socket.ts";
import { Outlet } from "./outlet.ts";

/** The client's socket: what goes out to it, and whether it is read. */
export class ClientSide extends Outlet {
  readonly socket: OwnedSocket;
  #isPaused: boolean;
  #isLeaving = false;
  isClosed: boolean;

  /** Paused at first. */
  constructor(socket: OwnedSocket, isClosed: boolean) {
    super();
    this.socket = socket;
    this.#isPaused = true;
    this.isClosed = isClosed;
  }

  /** @returns whether all of it left */
  send(bytes: Buffer): boolean {
    return this.isClosed || this.write(this.socket, bytes);
  }

  /** The one packet of an answer of our own. */
  answer(payload: Buffer): void {
    this.send(framed(1, payload));
  }

  /** @returns whether nothing waits any more */
  drain(): boolean {
    if (!this.writeMore(this.socket)) return false;
    if (this.#isLeaving) this.socket.shutdown();
    return true;
  }

  pause(): void {
    if (this.#isPaused || this.isClosed) return;
    this.#isPaused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.#isPaused || this.isClosed) return;
    this.#isPaused = false;
    this.socket.resume();
  }

  /** Sends no more once all has left; the client closes then. A socket closed with unread bytes would lose it the last words. */
  leave(): void {
    this.#isLeaving = true;
    if (this.isClosed) return;
    this.resume();
    if (!this.isFull) this.socket.shutdown();
  }

  destroy(): void {
    this.forgetUnsent();
    if (!this.isClosed) this.socket.terminate();
  }
}
