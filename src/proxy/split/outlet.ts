/** What an outlet needs of a socket. */
export interface Writable {
  /** @returns bytes that the kernel took; negative: the socket is closed */
  write(bytes: Buffer): number;
}

/**
 * One side of a session, as far as it sends: keeps what the kernel does not take. Whoever sends stops the source of the bytes while
 * `isFull`, so what is kept is hardly more than one read. It is what both sides inherit, and no part of them, because of the hot
 * path: each object more is one more that has to be fetched into the cache for each statement.
 */
export abstract class Outlet {
  #pending: Buffer | undefined;

  get isFull(): boolean {
    return this.#pending !== undefined;
  }

  get pendingBytes(): number {
    return this.#pending?.length ?? 0;
  }

  /** @returns whether all of it left */
  protected write(socket: Writable, bytes: Buffer): boolean {
    if (this.#pending !== undefined) {
      // What was read before its source could be stopped.
      this.#pending = Buffer.concat([this.#pending, bytes]);
      return false;
    }
    const taken = socket.write(bytes);
    if (taken >= bytes.length) return true;
    this.#pending = taken > 0 ? bytes.subarray(taken) : bytes;
    return false;
  }

  /** The kernel takes bytes again. @returns whether nothing is kept any more */
  protected writeMore(socket: Writable): boolean {
    const pending = this.#pending;
    if (pending === undefined) return true;
    const taken = socket.write(pending);
    if (taken < pending.length) {
      if (taken > 0) this.#pending = pending.subarray(taken);
      return false;
    }
    this.#pending = undefined;
    return true;
  }

  /** What is kept is lost. */
  protected forgetUnsent(): void {
    this.#pending = undefined;
  }
}
