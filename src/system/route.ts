import { isIP } from "node:net";
import { libc } from "./libc.ts";
import { socketAddress } from "./socket-address.ts";

const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
// ENETUNREACH, EHOSTUNREACH, and EADDRNOTAVAIL: there is no address of ours to send from.
const NO_ROUTE: ReadonlySet<number> = new Set([101, 113, 99]);
// Any port will do: connecting a datagram socket looks up the route, and sends nothing.
const ANY_PORT = 9;

/**
 * Does the kernel know a way to this IP address? Bun 1.4 calls every failure of connect(2) ECONNREFUSED, also where no
 * route leads there, and its node:dgram hides the answer; see docs/decisions/0003-libc-through-ffi.md.
 */
export async function hasRoute(ip: string): Promise<boolean> {
  if (isIP(ip) === 0) return true;
  const { socket, connect, close, ptr, errno } = await libc();
  const { family, bytes } = socketAddress(ip, ANY_PORT);
  const fd = socket(family, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0) return true;
  try {
    return connect(fd, ptr(bytes), bytes.length) === 0 || !NO_ROUTE.has(errno());
  } finally {
    close(fd);
  }
}
