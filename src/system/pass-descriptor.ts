/**
 * File descriptors from one process to another: SCM_RIGHTS of unix(7). Over a pair of unix sockets, to a child:
 *
 *   parent: descriptorChannel() ─ one end inherited by the child ─▶ sendDescriptor() ┈┈▶ receiveDescriptor()
 *
 * or through a socket with a path, to whoever comes later:
 *
 *   heir: DescriptorBox.open(path) ◀┈┈ leaveDescriptors(path), several at a time, with words that say what they are
 */
import { chmodSync, chownSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { SluiceError } from "../errors/sluice-error.ts";
import { libc } from "./libc.ts";
import { unixAddress } from "./socket-address.ts";
import { AF_UNIX, SOL_SOCKET } from "./socket-numbers.ts";

const SOCK_STREAM_CLOEXEC = 1 | 0o2000000;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;

// struct msghdr and struct cmsghdr of 64-bit Linux
const MESSAGE_BYTES = 56;
const CONTROL_HEADER_BYTES = 16;
const DESCRIPTOR_BYTES = 4;
/** The most that one message carries (SCM_MAX_FD). */
export const MOST_DESCRIPTORS = 253;
/** Of the words that go with them; far more than the kernel takes in one datagram is never sent. */
const MOST_WORDS_BYTES = 128 << 10;

/** Both ends, closed on exec; hand one to a child in its stdio, then close it here. Throws IO_FAILED. */
export async function descriptorChannel(): Promise<readonly [mine: number, childs: number]> {
  const { socketpair, ptr } = await libc();
  const ends = new Int32Array(2);
  if (socketpair(AF_UNIX, SOCK_STREAM_CLOEXEC, 0, ptr(ends)) !== 0)
    throw new SluiceError("IO_FAILED", "no pair of sockets can be made to start a worker");
  return [ends[0] ?? -1, ends[1] ?? -1];
}

/** Hands over `fd`, which stays open here. Never waits; throws IO_FAILED where the other end is gone or takes nothing. */
export async function sendDescriptor(channel: number, fd: number): Promise<void> {
  const { sendmsg, ptr } = await libc();
  const message = new Message(ptr, Buffer.alloc(1), 1);
  message.descriptors = [fd];
  if (Number(sendmsg(channel, ptr(message.header), MSG_DONTWAIT | MSG_NOSIGNAL)) !== 1)
    throw new SluiceError("IO_FAILED", "a listening socket cannot be handed to a worker");
}

/** The next descriptor that was sent; it must have been sent already. Throws IO_FAILED where there is none. */
export async function receiveDescriptor(channel: number): Promise<number> {
  const { recvmsg, ptr } = await libc();
  const message = new Message(ptr, Buffer.alloc(1), 1);
  const bytes = Number(recvmsg(channel, ptr(message.header), MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
  const [fd] = message.descriptors;
  if (bytes !== 1 || fd === undefined)
    throw new SluiceError("IO_FAILED", "no listening socket came from the control process");
  return fd;
}

/** What somebody left in a DescriptorBox. */
export interface LeftDescriptors {
  readonly words: string;
  /** The receiver's from here on; closed on exec. */
  readonly fds: readonly number[];
}

/** A unix socket in which processes of the same owner leave descriptors. */
export class DescriptorBox {
  readonly #calls: Awaited<ReturnType<typeof libc>>;
  readonly #path: string;
  readonly #fd: number;

  private constructor(calls: Awaited<ReturnType<typeof libc>>, path: string, fd: number) {
    this.#calls = calls;
    this.#path = path;
    this.#fd = fd;
  }

  /** It takes the place of whatever is at the path, and belongs to whom the folder belongs. Throws IO_FAILED. */
  static async open(path: string): Promise<DescriptorBox> {
    const calls = await libc();
    rmSync(path, { force: true });
    const fd = calls.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
    const place = unixAddress(path);
    if (fd < 0 || calls.bind(fd, calls.ptr(place), place.length) !== 0) {
      if (fd >= 0) calls.close(fd);
      throw new SluiceError("IO_FAILED", `no socket can be made at ${path}`);
    }
    const box = new DescriptorBox(calls, path, fd);
    chmodSync(path, 0o600);
    const { uid, gid } = statSync(dirname(path));
    if (process.getuid?.() === 0) chownSync(path, uid, gid);
    return box;
  }

  /** The next; undefined: there is none yet. */
  take(): LeftDescriptors | undefined {
    const { recvmsg, ptr } = this.#calls;
    const words = Buffer.alloc(MOST_WORDS_BYTES);
    const message = new Message(ptr, words, MOST_DESCRIPTORS);
    const bytes = Number(recvmsg(this.#fd, ptr(message.header), MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
    if (bytes < 0) return undefined;
    return { words: words.toString("utf8", 0, bytes), fds: message.descriptors };
  }

  close(): void {
    this.#calls.close(this.#fd);
    rmSync(this.#path, { force: true });
  }
}

/** Leaves descriptors, which stay open here, in the box at a path; false: there is none, or it is full. Never waits. */
export async function leaveDescriptors(path: string, { words, fds }: LeftDescriptors): Promise<boolean> {
  const { socket, connect, sendmsg, close, ptr } = await libc();
  const fd = socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  try {
    const place = unixAddress(path);
    if (connect(fd, ptr(place), place.length) !== 0) return false;
    const message = new Message(ptr, Buffer.from(words), fds.length);
    message.descriptors = fds;
    return Number(sendmsg(fd, ptr(message.header), MSG_DONTWAIT | MSG_NOSIGNAL)) >= 0;
  } finally {
    close(fd);
  }
}

/** Some bytes of data, without which Linux passes nothing on, and room for descriptors. */
class Message {
  readonly header = Buffer.alloc(MESSAGE_BYTES);
  /** The header points to these three: they live as long as it. */
  readonly control: Buffer;
  readonly data: Buffer;
  readonly vector = Buffer.alloc(16);

  constructor(ptr: (view: Buffer) => number, data: Buffer, room: number) {
    this.data = data;
    this.control = Buffer.alloc(CONTROL_HEADER_BYTES + 8 * Math.ceil((room * DESCRIPTOR_BYTES) / 8));
    this.vector.writeBigUInt64LE(BigInt(ptr(data)), 0);
    this.vector.writeBigUInt64LE(BigInt(data.length), 8);
    this.header.writeBigUInt64LE(BigInt(ptr(this.vector)), 16);
    this.header.writeBigUInt64LE(1n, 24);
    this.header.writeBigUInt64LE(BigInt(ptr(this.control)), 32);
    if (room > 0) this.header.writeBigUInt64LE(BigInt(this.control.length), 40);
  }

  set descriptors(fds: readonly number[]) {
    this.control.writeBigUInt64LE(BigInt(CONTROL_HEADER_BYTES + fds.length * DESCRIPTOR_BYTES), 0);
    this.control.writeInt32LE(SOL_SOCKET, 8);
    this.control.writeInt32LE(SCM_RIGHTS, 12);
    for (const [i, fd] of fds.entries())
      this.control.writeInt32LE(fd, CONTROL_HEADER_BYTES + i * DESCRIPTOR_BYTES);
  }

  /** Those that came. */
  get descriptors(): readonly number[] {
    const came = this.header.readBigUInt64LE(40) >= CONTROL_HEADER_BYTES;
    if (!came || this.control.readInt32LE(12) !== SCM_RIGHTS) return [];
    const count = (Number(this.control.readBigUInt64LE(0)) - CONTROL_HEADER_BYTES) / DESCRIPTOR_BYTES;
    return Array.from({ length: count }, (_, i) =>
      this.control.readInt32LE(CONTROL_HEADER_BYTES + i * DESCRIPTOR_BYTES),
    );
  }
}
