/**
 * Listening sockets that this process holds for others: it never accepts, so that what arrives while a worker restarts waits
 * in the queue instead of being refused.
 */
import { lookup } from "node:dns/promises";
import { chmodSync, renameSync, rmSync } from "node:fs";
import { isIP } from "node:net";
import { SluiceError } from "../errors/sluice-error.ts";
import { formatHostPort } from "../topology/endpoint.ts";
import { CONNECTION_OPTIONS } from "./keep-alive.ts";
import { libc } from "./libc.ts";
import { AF_INET6, socketAddress } from "./socket-address.ts";
import { tcpListeners } from "./tcp-listeners.ts";

const AF_UNIX = 1;
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_REUSEPORT = 15;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

const ERRORS: Readonly<
  Record<number, readonly [code: "ADDRESS_IN_USE" | "FORBIDDEN" | "CONFIG_INVALID", words: string]>
> = {
  1: ["FORBIDDEN", "not permitted for this user"],
  13: ["FORBIDDEN", "not permitted for this user"],
  98: ["ADDRESS_IN_USE", "another program does"],
  99: ["CONFIG_INVALID", "this host has no such address"],
};
const EAFNOSUPPORT = 97;

/**
 * Opens `count` sockets on one address: the kernel spreads connections over them (SO_REUSEPORT). `::` is every address of both
 * families, also where there is no IPv6.
 * @param isOurs whether a process that listens there already may share the port. The kernel itself would let any process of this
 *   user that sets SO_REUSEPORT, too, and give it half the clients
 * @returns their descriptors, closed on exec
 * @throws SluiceError ADDRESS_IN_USE, FORBIDDEN, CONFIG_INVALID (no such address or name) or IO_FAILED, naming the address
 */
export async function openListeningSockets(
  host: string,
  port: number,
  backlog: number,
  count: number,
  isOurs: (pid: number) => boolean,
): Promise<readonly number[]> {
  const address = await resolve(host);
  const fds: number[] = [];
  try {
    await requireFree(address, port, isOurs);
    while (fds.length < count) fds.push(await openOne(address, port, backlog));
    return fds;
  } catch (error) {
    await closeDescriptors(fds);
    throw error;
  }
}

/**
 * Takes a port without listening there: whoever connects is refused, and nobody else may have the port.
 * @returns a descriptor that holds it
 * @throws SluiceError what openListeningSockets() throws
 */
export async function holdPort(address: string, port: number): Promise<number> {
  return await openOne(address, port, undefined);
}

/**
 * Opens one socket at a path, open to every user as a database's own is; it replaces what is there.
 * @throws SluiceError FORBIDDEN or IO_FAILED
 */
export async function openUnixListeningSocket(path: string, backlog: number): Promise<number> {
  const calls = await libc();
  const fd = calls.socket(AF_UNIX, SOCK_STREAM_CLOEXEC, 0);
  // Bound under another name and moved: nobody meets a socket that does not listen yet.
  const first = `${path}.${process.pid}`;
  rmSync(first, { force: true });
  const place = Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(first), Buffer.from([0])]);
  if (fd < 0 || calls.bind(fd, calls.ptr(place), place.length) !== 0 || calls.listen(fd, backlog) !== 0) {
    const errno = calls.errno();
    if (fd >= 0) calls.close(fd);
    throw failure(errno, path);
  }
  chmodSync(first, 0o666);
  renameSync(first, path);
  return fd;
}

export async function closeDescriptors(fds: readonly number[]): Promise<void> {
  const { close } = await libc();
  for (const fd of fds) close(fd);
}

async function resolve(host: string): Promise<string> {
  if (isIP(host) !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch (cause) {
    throw new SluiceError("CONFIG_INVALID", `cannot listen on ${host}: the name is not found`, { cause });
  }
}

async function requireFree(address: string, port: number, isOurs: (pid: number) => boolean): Promise<void> {
  try {
    await closeDescriptors([await openOne(address, port, undefined)]);
  } catch (error) {
    const isTaken = error instanceof SluiceError && error.code === "ADDRESS_IN_USE";
    const holders = isTaken ? tcpListeners(port) : [];
    const isAllOurs = holders.length > 0 && holders.every(({ pid }) => pid !== undefined && isOurs(pid));
    if (!isAllOurs) throw error;
  }
}

/** @param backlog undefined: only binds, and shares with nobody */
async function openOne(address: string, port: number, backlog: number | undefined): Promise<number> {
  const calls = await libc();
  const { family, bytes: place } = socketAddress(address, port);
  const fd = calls.socket(family, SOCK_STREAM_CLOEXEC, 0);
  if (fd < 0 && calls.errno() === EAFNOSUPPORT && address === "::")
    return await openOne("0.0.0.0", port, backlog);
  if (fd < 0) throw failure(calls.errno(), formatHostPort(address, port));
  const set = (level: number, name: number, value: number): void => {
    calls.setsockopt(fd, level, name, calls.ptr(new Int32Array([value])), 4);
  };
  set(SOL_SOCKET, SO_REUSEADDR, 1);
  if (backlog !== undefined) set(SOL_SOCKET, SO_REUSEPORT, 1);
  if (family === AF_INET6) set(IPPROTO_IPV6, IPV6_V6ONLY, 0);
  for (const [level, name, value] of CONNECTION_OPTIONS) set(level, name, value);
  const isBound = calls.bind(fd, calls.ptr(place), place.length) === 0;
  if (isBound && (backlog === undefined || calls.listen(fd, backlog) === 0)) return fd;
  const errno = calls.errno();
  calls.close(fd);
  if (errno === EAFNOSUPPORT && address === "::") return await openOne("0.0.0.0", port, backlog);
  throw failure(errno, formatHostPort(address, port));
}

function failure(errno: number, where: string): SluiceError {
  const [code, words] = ERRORS[errno] ?? (["IO_FAILED", `error ${errno} of the system`] as const);
  return new SluiceError(code, `cannot listen on ${where}: ${words}`);
}
