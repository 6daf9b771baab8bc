import { closeSync, readdirSync, readlinkSync } from "node:fs";
import { isIP } from "node:net";
import { type Endpoint, formatEndpoint } from "../topology/endpoint.ts";
import { ipv4Bytes, ipv6Bytes } from "../wire/ip-address.ts";
import { type Libc, libc } from "./libc.ts";

/** A listening socket that was there before this program was. */
export interface InheritedSocket {
  readonly fd: number;
  /** Where it listens; see socketKey(). */
  readonly key: string;
  /** What systemd calls it (FileDescriptorName=). */
  readonly name: string | undefined;
}

const F_DUPFD_CLOEXEC = 1030;

/**
 * The listening sockets of this process, which outlive its program: where they come from, and what a successor gets.
 *
 *   systemd, predecessor ─▶ adopt() ─▶ take(place) ─▶ who listens there ─ note() ─▶ duplicates() ─▶ successor
 *
 * One for the process (SOCKETS), as its descriptors are.
 */
export class SocketRegister {
  #inherited: readonly InheritedSocket[] = [];
  /** By the socket's inode, which all its descriptors share. */
  readonly #keys = new Map<string, string>();
  readonly #names = new Map<string, string>();

  /** One that came already, as another descriptor, is closed. */
  adopt(sockets: readonly InheritedSocket[]): void {
    const known = new Set(this.#inherited.map(({ fd }) => inodeOf(fd)));
    for (const socket of sockets) {
      const { fd, name } = socket;
      const inode = inodeOf(fd);
      if (inode !== undefined && known.has(inode)) {
        closeSync(fd);
        continue;
      }
      known.add(inode);
      this.#inherited = [...this.#inherited, socket];
      if (inode !== undefined && name !== undefined) this.#names.set(inode, name);
    }
  }

  /** Where a socket listens, as noted. */
  keyOf(fd: number): string | undefined {
    return this.#keys.get(inodeOf(fd) ?? "");
  }

  /** Whether systemd has handed it over, be it by way of a predecessor. */
  isSystemds(fd: number): boolean {
    return this.#names.has(inodeOf(fd) ?? "");
  }

  /** Whether sockets of a predecessor wait to be taken. */
  get hasPredecessors(): boolean {
    return this.#inherited.some(({ name }) => name === undefined);
  }

  /** Sockets that listen at the place already, or go by the name: the caller's from here on. Empty: it has to open one. */
  take(place: Endpoint, name?: string): readonly number[] {
    const key = socketKey(place);
    const isMeant = (socket: InheritedSocket): boolean =>
      socket.key === key || (name !== undefined && socket.name === name);
    const taken = this.#inherited.filter(isMeant);
    this.#inherited = this.#inherited.filter((socket) => !isMeant(socket));
    return taken.map(({ fd }) => fd);
  }

  /** From here on a successor gets this socket, under this place, for as long as it is open. */
  note(fd: number, place: Endpoint): void {
    const inode = inodeOf(fd);
    if (inode !== undefined) this.#keys.set(inode, socketKey(place));
  }

  /** Whether it was systemd's: then it is kept for whoever listens there next, for systemd keeps the address. Else the caller closes it. */
  giveBack(fd: number, place: Endpoint): boolean {
    const name = this.#names.get(inodeOf(fd) ?? "");
    if (name === undefined) return false;
    this.#inherited = [...this.#inherited, { fd, key: socketKey(place), name }];
    return true;
  }

  /** Those that nobody has taken. A predecessor's are the caller's to close; systemd's stay here. */
  rest(): {
    readonly predecessors: readonly InheritedSocket[];
    readonly systemds: readonly InheritedSocket[];
  } {
    const predecessors = this.#inherited.filter(({ name }) => name === undefined);
    this.#inherited = this.#inherited.filter(({ name }) => name !== undefined);
    return { predecessors, systemds: this.#inherited };
  }

  /** A descriptor of its own for each noted socket that is open now; closed on exec, and whoever closes the others leaves it open. */
  async duplicates(): Promise<readonly InheritedSocket[]> {
    const { fcntl } = await libc();
    const found = new Map<string, InheritedSocket>();
    for (const fd of readdirSync("/proc/self/fd").map(Number)) {
      const inode = inodeOf(fd);
      const key = inode === undefined ? undefined : this.#keys.get(inode);
      if (inode === undefined || key === undefined || found.has(inode)) continue;
      const copy = duplicate(fcntl, fd);
      if (copy !== undefined) found.set(inode, { fd: copy, key, name: this.#names.get(inode) });
    }
    return [...found.values()];
  }
}

export const SOCKETS = new SocketRegister();

/** The same for every way to write one address. */
export function socketKey(place: Endpoint): string {
  if (place.kind === "socket") return place.path;
  const { host, port } = place;
  switch (isIP(host)) {
    case 4:
      return `${ipv4Bytes(host).toString("hex")}:${port}`;
    case 6:
      return `${ipv6Bytes(host).toString("hex")}:${port}`;
    default:
      return formatEndpoint(place);
  }
}

/** Another descriptor of each; closed on exec. */
export async function duplicateSockets(
  sockets: readonly InheritedSocket[],
): Promise<readonly InheritedSocket[]> {
  const { fcntl } = await libc();
  return sockets.flatMap((socket) => {
    const fd = duplicate(fcntl, socket.fd);
    return fd === undefined ? [] : [{ ...socket, fd }];
  });
}

function duplicate(fcntl: Libc["fcntl"], fd: number): number | undefined {
  const copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  return copy < 0 ? undefined : copy;
}

/** Undefined where it is no socket, or closed. */
function inodeOf(fd: number): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1];
  } catch {
    return undefined;
  }
}
