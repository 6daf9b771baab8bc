/**
 * proxy/passthrough/: carries the bytes of a session from its client to one server and back, whatever they are.
 * May import wire/, topology/, system/ and the other folders of proxy/.
 *
 *   listener ─▶ Session ─ ServiceTraffic: is there room? which server? ─▶ dial ─▶ Leg ⇄ Leg
 *
 * Hot path: one call of data() for each read, one write(); no promise, closure, copy or string per chunk.
 */
import type { Socket, SocketHandler } from "bun";
import { KEEP_ALIVE_IDLE_MS } from "../../system/keep-alive.ts";

export type LegSocket = Socket<Leg>;

/** What a leg tells its session of. */
export interface LegOwner {
  /** Bytes have come since the owner looked last; the owner sets it back. */
  isActive: boolean;
  /** Bytes that came while there was no peer to take them. */
  early(leg: Leg, chunk: Buffer): void;
  /** The first bytes that pass on to the peer. */
  first(leg: Leg, chunk: Buffer): void;
  /** No more will come from this side; it may still take. */
  ended(leg: Leg): void;
  closed(leg: Leg): void;
}

/** One side of a session: its socket, and what that socket has yet to take. */
export class Leg {
  readonly owner: LegOwner;
  readonly socket: LegSocket;
  /** Where its bytes go; undefined: nowhere yet. */
  peer: Leg | undefined;
  /** What the kernel has not taken yet; the peer is not read meanwhile, so this is one chunk at the most. */
  pending: Buffer | undefined;
  /** Bytes that came from this side, and in how many reads. */
  received = 0;
  reads = 0;
  /** This side has said that it sends no more. */
  hasEnded = false;
  isClosed = false;

  constructor(owner: LegOwner, socket: LegSocket) {
    this.owner = owner;
    this.socket = socket;
    socket.data = this;
  }

  /** Sends, keeping what the kernel does not take; false: it did not take all. */
  send(chunk: Buffer): boolean {
    if (this.isClosed) return true;
    if (this.pending !== undefined) {
      // Only what was read before the peer could be stopped.
      this.pending = Buffer.concat([this.pending, chunk]);
      return false;
    }
    const taken = this.socket.write(chunk);
    if (taken >= chunk.length) return true;
    this.pending = taken > 0 ? chunk.subarray(taken) : chunk;
    return false;
  }

  /** Passes on that the peer sends no more, once all it sent has left. */
  finish(): void {
    if (this.pending === undefined && !this.isClosed) this.socket.shutdown();
  }

  /** From now on the kernel finds out by itself if the other end is no more. */
  keepAlive(): void {
    if (!this.isClosed) this.socket.setKeepAlive(true, KEEP_ALIVE_IDLE_MS);
  }

  /** Closes once what is pending has left; at once where nothing is. */
  close(): void {
    if (this.isClosed) return;
    if (this.pending === undefined) this.socket.end();
  }

  /** Closes at once; what is pending is lost. */
  destroy(): void {
    this.pending = undefined;
    if (!this.isClosed) this.socket.terminate();
  }
}

/** What the runtime calls for both sides of a session; the same for all sockets, which carry their leg. */
export const LEG_HANDLERS: SocketHandler<Leg> = {
  data(socket, chunk) {
    const leg = socket.data;
    const { peer, owner } = leg;
    if (peer === undefined) {
      owner.early(leg, chunk);
      return;
    }
    if (leg.received === 0) owner.first(leg, chunk);
    leg.received += chunk.length;
    leg.reads++;
    owner.isActive = true;
    if (!peer.send(chunk)) socket.pause();
  },

  drain(socket) {
    const leg = socket.data;
    const { pending, peer } = leg;
    if (pending === undefined) return;
    leg.owner.isActive = true;
    const taken = socket.write(pending);
    if (taken < pending.length) {
      if (taken > 0) leg.pending = pending.subarray(taken);
      return;
    }
    leg.pending = undefined;
    if (peer === undefined || peer.isClosed) socket.end();
    else if (peer.hasEnded) socket.shutdown();
    else peer.socket.resume();
  },

  end(socket) {
    const leg = socket.data;
    leg.hasEnded = true;
    leg.owner.ended(leg);
  },

  close(socket) {
    const leg = socket.data;
    leg.isClosed = true;
    leg.pending = undefined;
    leg.owner.closed(leg);
  },

  // A mistake of ours in one of the above: it ends this session, and no other.
  error(socket) {
    socket.terminate();
  },
};
