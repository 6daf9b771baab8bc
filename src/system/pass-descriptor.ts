/**
 * File descriptors from one process to another, over a pair of unix sockets: SCM_RIGHTS of unix(7).
 *
 *   parent: descriptorChannel() ─ one end inherited by the child ─▶ sendDescriptor() ┈┈▶ receiveDescriptor()
 */
import { SluiceError } from "../errors/sluice-error.ts";
import { libc } from "./libc.ts";

const AF_UNIX = 1;
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;

// struct msghdr and struct cmsghdr of 64-bit Linux
const MESSAGE_BYTES = 56;
const CONTROL_BYTES = 24;
const CONTROL_LENGTH = 20;

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
  const message = new Message(ptr);
  message.control.writeBigUInt64LE(BigInt(CONTROL_LENGTH), 0);
  message.control.writeInt32LE(SOL_SOCKET, 8);
  message.control.writeInt32LE(SCM_RIGHTS, 12);
  message.control.writeInt32LE(fd, 16);
  if (Number(sendmsg(channel, ptr(message.header), MSG_DONTWAIT | MSG_NOSIGNAL)) !== 1)
    throw new SluiceError("IO_FAILED", "a listening socket cannot be handed to a worker");
}

/** The next descriptor that was sent; it must have been sent already. Throws IO_FAILED where there is none. */
export async function receiveDescriptor(channel: number): Promise<number> {
  const { recvmsg, ptr } = await libc();
  const message = new Message(ptr);
  const bytes = Number(recvmsg(channel, ptr(message.header), MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
  if (bytes !== 1 || message.control.readInt32LE(12) !== SCM_RIGHTS)
    throw new SluiceError("IO_FAILED", "no listening socket came from the control process");
  return message.control.readInt32LE(16);
}

/** One byte of data, without which Linux passes nothing on, and room for one descriptor. */
class Message {
  readonly header = Buffer.alloc(MESSAGE_BYTES);
  readonly control = Buffer.alloc(CONTROL_BYTES);
  /** The header points to these two: they live as long as it. */
  readonly data = Buffer.alloc(1);
  readonly vector = Buffer.alloc(16);

  constructor(ptr: (view: Buffer) => number) {
    this.vector.writeBigUInt64LE(BigInt(ptr(this.data)), 0);
    this.vector.writeBigUInt64LE(1n, 8);
    this.header.writeBigUInt64LE(BigInt(ptr(this.vector)), 16);
    this.header.writeBigUInt64LE(1n, 24);
    this.header.writeBigUInt64LE(BigInt(ptr(this.control)), 32);
    this.header.writeBigUInt64LE(BigInt(CONTROL_BYTES), 40);
  }
}
