import { isIPv6 } from "node:net";

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
// ENETUNREACH, EHOSTUNREACH, and EADDRNOTAVAIL: there is no address of ours to send from.
const NO_ROUTE: ReadonlySet<number> = new Set([101, 113, 99]);
// Any port will do: connecting a datagram socket looks up the route, and sends nothing.
const ANY_PORT = 9;

/** Loaded once: a server that is down is asked for many times a second. */
let loaded: ReturnType<typeof load> | undefined;

/**
 * Does the kernel know a way to this IP address? Bun 1.4 calls every failure of connect(2) ECONNREFUSED, also where no
 * route leads there, and its node:dgram hides the answer; see docs/decisions/0003-libc-through-ffi.md.
 */
export async function hasRoute(ip: string): Promise<boolean> {
  loaded ??= load();
  const { libc, ptr, read } = await loaded;
  const family = isIPv6(ip) ? AF_INET6 : AF_INET;
  // struct sockaddr_in: family, port, 4 bytes of address, padding; sockaddr_in6: family, port, flow, 16 bytes, scope.
  const address = Buffer.alloc(family === AF_INET6 ? 28 : 16);
  address.writeUInt16LE(family, 0);
  address.writeUInt16BE(ANY_PORT, 2);
  const text = Buffer.from(`${ip}\0`);
  const place = address.subarray(family === AF_INET6 ? 8 : 4);
  if (libc.inet_pton(family, ptr(text), ptr(place)) !== 1) return true;
  const fd = libc.socket(family, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0) return true;
  try {
    if (libc.connect(fd, ptr(address), address.length) === 0) return true;
    const errnoAt = libc.__errno_location();
    return errnoAt === null || !NO_ROUTE.has(read.i32(errnoAt));
  } finally {
    libc.close(fd);
  }
}

async function load() {
  const { dlopen, ptr, read } = await import("bun:ffi");
  const { symbols: libc } = dlopen("libc.so.6", {
    socket: { args: ["int", "int", "int"], returns: "int" },
    connect: { args: ["int", "ptr", "u32"], returns: "int" },
    close: { args: ["int"], returns: "int" },
    inet_pton: { args: ["int", "ptr", "ptr"], returns: "int" },
    __errno_location: { args: [], returns: "ptr" },
  });
  return { libc, ptr, read };
}
