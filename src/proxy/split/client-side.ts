import { framed } from "../../wire/packet.ts";
import type { OwnedSocket } from "../login/owned-socket.ts";
import { Outlet } from "./outlet.ts";

/** The client's socket: what goes out to it, and whether it is read. */
export class ClientSide {
  readonly socket: OwnedSocket;
  readonly #outlet: Outlet;
  #isPaused: boolean;
  #isLeaving = false;
  isClosed: boolean;

  /** Paused at first. */
  constructor(socket: OwnedSocket, isClosed: boolean) {
    this.socket = socket;
    this.#outlet = new Outlet(socket);
    this.#isPaused = true;
    this.isClosed = isClosed;
  }

  get isFull(): boolean {
    return this.#outlet.isFull;
  }

  get pendingBytes(): number {
    return this.#outlet.pendingBytes;
  }

  /** @returns whether all of it left */
  send(bytes: Buffer): boolean {
    return this.isClosed || this.#outlet.send(bytes);
  }

  /** The one packet of an answer of our own. */
  answer(payload: Buffer): void {
    this.send(framed(1, payload));
  }

  /** @returns whether nothing waits any more */
  drain(): boolean {
    if (!this.#outlet.drain()) return false;
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
    if (!this.#outlet.isFull) this.socket.shutdown();
  }

  destroy(): void {
    this.#outlet.clear();
    if (!this.isClosed) this.socket.terminate();
  }
}
