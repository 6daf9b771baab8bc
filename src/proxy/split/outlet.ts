/** What an outlet needs of a socket. */
export interface Writable {
  /** @returns bytes that the kernel took; negative: the socket is closed */
  write(bytes: Buffer): number;
}

/**
 * Sends on a socket, and keeps what the kernel does not take. Whoever sends stops the source of the bytes while `isFull`, so what
 * is kept is hardly more than one read.
 */
export class Outlet {
  readonly #socket: Writable;
  #pending: Buffer | undefined;

  constructor(socket: Writable) {
    this.#socket = socket;
  }

  get isFull(): boolean {
    return this.#pending !== undefined;
  }

  get pendingBytes(): number {
    return this.#pending?.length ?? 0;
  }

  /** @returns whether all of it left */
  send(bytes: Buffer): boolean {
    if (this.#pending !== undefined) {
      // What was read before its source could be stopped.
      this.#pending = Buffer.concat([this.#pending, bytes]);
      return false;
    }
    const taken = this.#socket.write(bytes);
    if (taken >= bytes.length) return true;
    this.#pending = taken > 0 ? bytes.subarray(taken) : bytes;
    return false;
  }

  /** The kernel takes bytes again. @returns whether nothing is kept any more */
  drain(): boolean {
    const pending = this.#pending;
    if (pending === undefined) return true;
    const taken = this.#socket.write(pending);
    if (taken < pending.length) {
      if (taken > 0) this.#pending = pending.subarray(taken);
      return false;
    }
    this.#pending = undefined;
    return true;
  }

  /** What is kept is lost. */
  clear(): void {
    this.#pending = undefined;
  }
}
