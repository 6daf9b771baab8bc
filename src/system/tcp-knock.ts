import { constants } from "node:os";
import { libc } from "./libc.ts";
import { socketAddress } from "./socket-address.ts";
import { IPPROTO_TCP, SOL_SOCKET } from "./socket-numbers.ts";

const SOCK_STREAM_CLOEXEC_NONBLOCK = 1 | 0o2000000 | 0o4000;
const TCP_INFO = 11;
const TCP_QUICKACK = 12;
const SO_ERROR = 4;
const SO_LINGER = 13;
const EINPROGRESS = constants.errno.EINPROGRESS;

// struct tcp_info: the state is its first byte, the smoothed round trip (microseconds) stands at 68.
const TCP_INFO_BYTES = 104;
const RTT_AT = 68;
const ESTABLISHED = 1;
const SYN_SENT = 2;

export type KnockState =
  | { readonly kind: "pending" }
  /** Somebody listens there. */
  | { readonly kind: "open"; readonly roundTripMs: number }
  /** `ECONNREFUSED`, `EHOSTUNREACH` … */
  | { readonly kind: "failed"; readonly code: string };

/**
 * Asks the kernel of another host whether a port accepts connections, and the program behind it never learns of it:
 *
 *   SYN ──▶           TCP_QUICKACK=0: the last word of the handshake is held back for 40 ms,
 *       ◀── SYN, ACK  and within that time SO_LINGER=0 makes a reset of it
 *   RST ──▶
 *
 * A MySQL server counts whoever connects and leaves, and in the end turns away the host (max_connect_errors).
 */
export class TcpKnock {
  readonly #fd: number;
  readonly #calls: Awaited<ReturnType<typeof libc>>;
  #failure: string | undefined;
  #hasEnded = false;

  /** Begins; `address` is an IP address. It has to be looked at every few milliseconds, and to be ended. */
  static async begin(address: string, port: number): Promise<TcpKnock> {
    return new TcpKnock(await libc(), address, port);
  }

  private constructor(calls: Awaited<ReturnType<typeof libc>>, address: string, port: number) {
    this.#calls = calls;
    const { family, bytes } = socketAddress(address, port);
    this.#fd = calls.socket(family, SOCK_STREAM_CLOEXEC_NONBLOCK, 0);
    if (this.#fd < 0) {
      this.#failure = codeOf(calls.errno());
      return;
    }
    this.#set(IPPROTO_TCP, TCP_QUICKACK, 0);
    this.#set(SOL_SOCKET, SO_LINGER, 1, 0);
    if (calls.connect(this.#fd, calls.ptr(bytes), bytes.length) === 0) return;
    const errno = calls.errno();
    if (errno !== EINPROGRESS) this.#failure = codeOf(errno);
  }

  look(): KnockState {
    if (this.#failure !== undefined) return { kind: "failed", code: this.#failure };
    const info = this.#get(IPPROTO_TCP, TCP_INFO, TCP_INFO_BYTES);
    if (info[0] === ESTABLISHED) return { kind: "open", roundTripMs: info.readUInt32LE(RTT_AT) / 1000 };
    if (info[0] === SYN_SENT) return { kind: "pending" };
    this.#failure = codeOf(this.#get(SOL_SOCKET, SO_ERROR, 4).readInt32LE(0));
    return { kind: "failed", code: this.#failure };
  }

  end(): void {
    if (this.#hasEnded || this.#fd < 0) return;
    this.#hasEnded = true;
    this.#calls.close(this.#fd);
  }

  #set(level: number, name: number, ...values: readonly number[]): void {
    const { setsockopt, ptr } = this.#calls;
    setsockopt(this.#fd, level, name, ptr(new Int32Array(values)), 4 * values.length);
  }

  #get(level: number, name: number, bytes: number): Buffer {
    const { getsockopt, ptr } = this.#calls;
    const value = Buffer.alloc(bytes);
    getsockopt(this.#fd, level, name, ptr(value), ptr(new Int32Array([bytes])));
    return value;
  }
}

function codeOf(errno: number): string {
  return Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? `error ${errno}`;
}
