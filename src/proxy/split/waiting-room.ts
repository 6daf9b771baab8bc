import { errorBeforeGreeting, TOO_MANY_CONNECTIONS } from "../../wire/error-packet.ts";
import type { OwnedSocket, SocketOwner } from "../login/owned-socket.ts";
import { type Tally, takePlace } from "../passthrough/tally.ts";
import type { Timers } from "../passthrough/timers.ts";

export interface WaitingRoomParts {
  readonly timers: Timers;
  /** The clients of the service over all workers. */
  readonly tally: Tally;
  limits(): { readonly maxConnections: number; readonly queueTimeoutMs: number };
  /** It was told that there is no place. */
  refused(): void;
}

/** Places are freed by other workers, too, which tell nobody. */
const LOOK_AGAIN_MS = 20;
/** More than a service can use. */
const MOST_WAITING = 10_000;
/** How long a client may take over a refusal. */
const LINGER_MS = 2000;

/** Where clients wait for one of the service's places (max_connections), for queue_timeout at most; then they hear error 1040. */
export class WaitingRoom {
  readonly #parts: WaitingRoomParts;
  readonly #waiting = new Set<Waiting>();
  #isLookingAgain = false;

  constructor(parts: WaitingRoomParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#waiting.size;
  }

  /** `enter` is called once the client has a place, which leave() gives back; at once where there is one. */
  come(socket: OwnedSocket, enter: () => void): void {
    const { timers, tally, limits } = this.#parts;
    const { maxConnections, queueTimeoutMs } = limits();
    if (this.#waiting.size === 0 && takePlace(tally, maxConnections)) {
      enter();
      return;
    }
    const one = new Waiting(socket, enter, () => this.#waiting.delete(one));
    if (queueTimeoutMs === 0 || this.#waiting.size >= MOST_WAITING) {
      this.#refuse(one);
      return;
    }
    socket.pause();
    this.#waiting.add(one);
    timers.after(queueTimeoutMs, () => this.#waiting.delete(one) && this.#refuse(one));
    this.#lookAgain();
  }

  leave(): void {
    this.#parts.tally.add(-1);
    this.#callNext();
  }

  /** Lets in whoever has waited longest, as far as there are places. */
  #callNext(): void {
    const { tally, limits } = this.#parts;
    for (const one of this.#waiting) {
      if (!takePlace(tally, limits().maxConnections)) break;
      this.#waiting.delete(one);
      one.enter();
    }
    this.#lookAgain();
  }

  #lookAgain(): void {
    if (this.#isLookingAgain || this.#waiting.size === 0) return;
    this.#isLookingAgain = true;
    this.#parts.timers.after(LOOK_AGAIN_MS, () => {
      this.#isLookingAgain = false;
      this.#callNext();
    });
  }

  #refuse(one: Waiting): void {
    const { timers, refused } = this.#parts;
    refused();
    one.sayNo(errorBeforeGreeting({ errno: TOO_MANY_CONNECTIONS, sentence: "Too many connections" }));
    timers.after(LINGER_MS, () => one.destroy());
  }
}

/** A client without a place. */
class Waiting implements SocketOwner {
  readonly #socket: OwnedSocket;
  readonly #enter: () => void;
  readonly #left: () => void;
  #isGone = false;

  constructor(socket: OwnedSocket, enter: () => void, left: () => void) {
    this.#socket = socket;
    this.#enter = enter;
    this.#left = left;
    socket.data = this;
  }

  enter(): void {
    this.#socket.resume();
    this.#enter();
  }

  sayNo(error: Buffer): void {
    if (this.#isGone) return;
    this.#socket.resume();
    this.#socket.write(error);
    this.#socket.shutdown();
  }

  destroy(): void {
    if (!this.#isGone) this.#socket.terminate();
  }

  data(): void {}

  drain(): void {}

  end(): void {
    this.destroy();
  }

  close(): void {
    this.#isGone = true;
    this.#left();
  }
}
