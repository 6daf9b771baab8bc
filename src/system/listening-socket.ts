/**
 * Listening sockets that this process holds for others: it never accepts, so that what arrives while a worker restarts waits
 * in the queue instead of being refused.
 */
import { lookup } from "node:dns/promises";
import { chmodSync, existsSync, lstatSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { isIP } from "node:net";
import { dirname, join } from "node:path";
import { SluiceError } from "../errors/sluice-error.ts";
import { type Endpoint, formatHostPort } from "../topology/endpoint.ts";
import { CONNECTION_OPTIONS, userTimeout } from "./keep-alive.ts";
import { libc } from "./libc.ts";
import { socketAddress, unixAddress } from "./socket-address.ts";
import { AF_INET6, AF_UNIX, SO_REUSEADDR, SOL_SOCKET } from "./socket-numbers.ts";
import { SOCKETS } from "./socket-register.ts";
import { tcpListeners } from "./tcp-listeners.ts";

const SOCK_STREAM_CLOEXEC = 1 | 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const SO_REUSEPORT = 15;
const SO_PEERCRED = 17;
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
const ECONNREFUSED = 111;
/** What the kernel takes (sun_path), without the final NUL. */
const MAX_PATH_BYTES = 107;

/** How clients are taken in; may be changed while the socket listens. */
export interface ListenOptions {
  /** How many may wait to be accepted; the kernel takes its own limit (net.core.somaxconn) if that is less. */
  readonly backlog: number;
  /** A client that acknowledges nothing of what it was sent for this long is dead, ms; 0: as the kernel thinks. TCP only. */
  readonly userTimeoutMs: number;
}

/**
 * Opens `count` sockets on one address: the kernel spreads connections over them (SO_REUSEPORT). `::` is every address of both
 * families, also where there is no IPv6. Sockets that were inherited for this address, or under this name, are taken as they are; systemd's alone, and others with what is missing.
 * @param isOurs whether a process that listens there already may share the port. The kernel itself would let any process of this
 *   user that sets SO_REUSEPORT, too, and give it half the clients
 * @returns their descriptors, closed on exec
 * @throws SluiceError ADDRESS_IN_USE, FORBIDDEN, CONFIG_INVALID (no such address or name) or IO_FAILED, naming the address
 */
export async function openListeningSockets(
  name: string,
  host: string,
  port: number,
  options: ListenOptions,
  count: number,
  isOurs: (pid: number) => boolean,
): Promise<readonly number[]> {
  const address = await resolve(host);
  const fds = [...SOCKETS.take({ kind: "tcp", host: address, port }, name)];
  try {
    if (fds.length === 0) await requireFree(address, port, isOurs);
    const isSystemds = fds.some((fd) => SOCKETS.isSystemds(fd));
    const missing = isSystemds ? 0 : count - fds.length;
    fds.push(...(await openSome(address, port, options.backlog, missing, fds.length > 0)));
    await applyListenOptions(fds, options, "tcp");
  } catch (error) {
    await closeDescriptors(fds);
    throw error;
  }
  for (const fd of fds) SOCKETS.note(fd, { kind: "tcp", host: address, port });
  return fds;
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
 * Opens one socket at a path, open to every user as a database's own is. It replaces one on which nobody listens any more but
 * processes of ours, and nothing else; an inherited one is taken as it is.
 * @throws SluiceError ADDRESS_IN_USE, CONFIG_INVALID (the path is too long), FORBIDDEN or IO_FAILED
 */
export async function openUnixListeningSocket(
  name: string,
  path: string,
  options: ListenOptions,
  isOurs: (pid: number) => boolean,
): Promise<number> {
  const [inherited] = SOCKETS.take({ kind: "socket", path }, name);
  if (inherited === undefined) await requireFreePath(path, isOurs);
  const fd = inherited ?? (await bindUnix(path, options.backlog));
  await applyListenOptions([fd], options, "socket");
  SOCKETS.note(fd, { kind: "socket", path });
  return fd;
}

/** How many may wait to be accepted from here on. */
export async function setBacklog(fds: readonly number[], clients: number): Promise<void> {
  const { listen } = await libc();
  for (const fd of fds) listen(fd, clients);
}

/** From here on these count, for sockets that listen already. */
export async function applyListenOptions(
  fds: readonly number[],
  { backlog, userTimeoutMs }: ListenOptions,
  kind: Endpoint["kind"],
): Promise<void> {
  await setBacklog(fds, backlog);
  if (kind === "socket") return;
  const calls = await libc();
  for (const fd of fds) {
    for (const [level, option, value] of [...CONNECTION_OPTIONS, userTimeout(userTimeoutMs)])
      calls.setsockopt(fd, level, option, calls.ptr(new Int32Array([value])), 4);
  }
}

async function bindUnix(path: string, backlog: number): Promise<number> {
  const calls = await libc();
  const fd = calls.socket(AF_UNIX, SOCK_STREAM_CLOEXEC, 0);
  // Bound under another name and moved: nobody meets a socket that does not listen yet, or that not everybody may use.
  const folder = mkdtempSync(join(dirname(path), ".sluice-"));
  const first = join(folder, "s");
  const place = unixAddress(first);
  try {
    if (fd < 0 || calls.bind(fd, calls.ptr(place), place.length) !== 0 || calls.listen(fd, backlog) !== 0) {
      const errno = calls.errno();
      if (fd >= 0) calls.close(fd);
      throw failure(errno, path);
    }
    chmodSync(first, 0o666);
    renameSync(first, path);
    return fd;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whoever listens at the path, and is neither dead nor ours, keeps it. */
async function requireFreePath(path: string, isOurs: (pid: number) => boolean): Promise<void> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES)
    throw new SluiceError(
      "CONFIG_INVALID",
      `cannot listen on ${path}: a socket's path has at most ${MAX_PATH_BYTES} bytes`,
    );
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  const holder = found.isSocket() ? await listenerAt(path) : "a file that is no socket is in its place";
  if (holder === undefined || (typeof holder === "number" && (isOurs(holder) || !isAlive(holder)))) return;
  const words = typeof holder === "string" ? holder : `process ${holder} does`;
  throw new SluiceError("ADDRESS_IN_USE", `cannot listen on ${path}: ${words}`);
}

/** The process that began to listen at a path (SO_PEERCRED of unix(7)), be it alive or not; undefined: nobody listens there now. */
async function listenerAt(path: string): Promise<number | string | undefined> {
  const calls = await libc();
  const fd = calls.socket(AF_UNIX, SOCK_STREAM_CLOEXEC | SOCK_NONBLOCK, 0);
  const place = unixAddress(path);
  try {
    if (calls.connect(fd, calls.ptr(place), place.length) !== 0)
      return calls.errno() === ECONNREFUSED ? undefined : "another program does";
    const credentials = new Int32Array(3);
    calls.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, calls.ptr(credentials), calls.ptr(new Uint32Array([12])));
    return credentials[0] ?? 0;
  } finally {
    calls.close(fd);
  }
}

function isAlive(pid: number): boolean {
  return pid > 0 && existsSync(`/proc/${pid}`);
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

/** @param isEnough none of them is needed: a predecessor with fewer workers had some, and this user may not be allowed to open more */
async function openSome(
  address: string,
  port: number,
  backlog: number,
  count: number,
  isEnough: boolean,
): Promise<readonly number[]> {
  const fds: number[] = [];
  try {
    while (fds.length < count) fds.push(await openOne(address, port, backlog));
  } catch (error) {
    if (isEnough) return fds;
    await closeDescriptors(fds);
    throw error;
  }
  return fds;
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
