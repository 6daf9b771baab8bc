/**
 * A program: carries Ethernet frames between two interfaces, each frame late by DELAY ms, LOSS percent of them not at all.
 * Ends with its standard input. Packet sockets give and take every frame with its offload header, so checksums and
 * segments that were left to the network card pass through unharmed.
 *
 *     bun delay-line.ts INTERFACE INTERFACE DELAY LOSS
 */
import { dlopen, FFIType, ptr } from "bun:ffi";

const { symbols: libc } = dlopen("libc.so.6", {
  socket: { args: [FFIType.int, FFIType.int, FFIType.int], returns: FFIType.int },
  setsockopt: {
    args: [FFIType.int, FFIType.int, FFIType.int, FFIType.ptr, FFIType.u32],
    returns: FFIType.int,
  },
  bind: { args: [FFIType.int, FFIType.ptr, FFIType.u32], returns: FFIType.int },
  if_nametoindex: { args: [FFIType.cstring], returns: FFIType.u32 },
  recv: { args: [FFIType.int, FFIType.ptr, FFIType.u64, FFIType.int], returns: FFIType.i64 },
  send: { args: [FFIType.int, FFIType.ptr, FFIType.u64, FFIType.int], returns: FFIType.i64 },
  poll: { args: [FFIType.ptr, FFIType.u64, FFIType.int], returns: FFIType.int },
});

// linux/if_packet.h, linux/if_ether.h, poll.h
const AF_PACKET = 17;
const SOCK_RAW = 3;
const ETH_P_ALL_BIG_ENDIAN = 0x0300;
const SOL_PACKET = 263;
const PACKET_VNET_HDR = 15;
const PACKET_IGNORE_OUTGOING = 23;
const MSG_DONTWAIT = 0x40;
const POLLIN = 1;

const FRAME_CAP = 70_000; // 64 KiB of segments that offload leaves in one, and headers
const QUEUE_CAP = 10_000;

interface Frame {
  readonly due: number;
  readonly target: number;
  readonly bytes: Uint8Array;
}

function openInterface(name: string): number {
  const socket = libc.socket(AF_PACKET, SOCK_RAW, ETH_P_ALL_BIG_ENDIAN);
  const on = new Int32Array([1]);
  for (const option of [PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING]) {
    if (libc.setsockopt(socket, SOL_PACKET, option, ptr(on), 4) !== 0)
      throw new Error(`socket option ${option} refused`);
  }
  const index = libc.if_nametoindex(ptr(Buffer.from(`${name}\0`)));
  const address = new DataView(new ArrayBuffer(20)); // struct sockaddr_ll
  address.setUint16(0, AF_PACKET, true);
  address.setUint16(2, ETH_P_ALL_BIG_ENDIAN, true);
  address.setInt32(4, index, true);
  if (index === 0 || libc.bind(socket, ptr(address), 20) !== 0) throw new Error(`no interface ${name}`);
  return socket;
}

function carry(ends: readonly [number, number], delayMs: number, lossPercent: number): void {
  const queue: Frame[] = []; // in the order they are due: the delay is the same for all
  const buffer = new Uint8Array(FRAME_CAP);
  const polled = new Int32Array([0, POLLIN, ends[0], POLLIN, ends[1], POLLIN]); // struct pollfd, events in the low half
  const receive = (source: number, target: number): void => {
    for (;;) {
      const length = Number(libc.recv(source, ptr(buffer), FRAME_CAP, MSG_DONTWAIT));
      if (length <= 0) return;
      if (Math.random() * 100 < lossPercent || queue.length >= QUEUE_CAP) continue;
      queue.push({ due: performance.now() + delayMs, target, bytes: buffer.slice(0, length) });
    }
  };
  while ((polled[1] ?? 0) >> 16 === 0) {
    receive(ends[0], ends[1]);
    receive(ends[1], ends[0]);
    let first = queue[0];
    while (first && first.due <= performance.now()) {
      libc.send(first.target, ptr(first.bytes), first.bytes.length, MSG_DONTWAIT);
      queue.shift();
      first = queue[0];
    }
    for (const i of [1, 3, 5]) polled[i] = POLLIN;
    libc.poll(ptr(polled), 3, first ? Math.max(1, Math.ceil(first.due - performance.now())) : -1);
  }
}

const [, , left = "", right = "", delay = "0", loss = "0"] = process.argv;
const ends = [openInterface(left), openInterface(right)] as const;
console.log("ready");
carry(ends, Number(delay), Number(loss));
