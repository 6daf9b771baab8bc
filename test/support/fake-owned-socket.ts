import type { OwnedSocket, SocketOwner } from "../../src/proxy/login/owned-socket.ts";

/** A socket without a network: remembers what is written to it, and says what a test lets it say. */
export class FakeOwnedSocket {
  data: SocketOwner = { data: () => {}, drain: () => {}, end: () => {}, close: () => {} };
  written = Buffer.alloc(0);
  isPaused = false;
  hasShutDown = false;
  isClosed = false;
  /** The kernel takes no more than this at once. */
  takes = Number.POSITIVE_INFINITY;

  get asSocket(): OwnedSocket {
    return this as unknown as OwnedSocket;
  }

  write(bytes: Buffer): number {
    const taken = Math.min(bytes.length, this.takes);
    this.written = Buffer.concat([this.written, bytes.subarray(0, taken)]);
    return taken;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  shutdown(): void {
    this.hasShutDown = true;
  }

  terminate(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.data.close();
  }

  /** Payloads of the packets that were written. */
  get payloads(): readonly Buffer[] {
    const found: Buffer[] = [];
    for (let at = 0; at + 4 <= this.written.length; ) {
      const end = at + 4 + this.written.readUIntLE(at, 3);
      found.push(this.written.subarray(at + 4, end));
      at = end;
    }
    return found;
  }
}
