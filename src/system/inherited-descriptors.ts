import { SluiceError } from "../errors/sluice-error.ts";
import type { Endpoint } from "../topology/endpoint.ts";
import { libc } from "./libc.ts";
import { AF_INET, AF_INET6, AF_UNIX, SOL_SOCKET } from "./socket-numbers.ts";
import { type InheritedSocket, socketKey } from "./socket-register.ts";

const F_SETFD = 2;
const FD_CLOEXEC = 1;
const FIRST_FD = 3;

const ADDRESS_BYTES = 128;
const SO_ACCEPTCONN = 30;

/** Whether a program that this process becomes or starts gets the descriptors. */
export async function setInheritable(fds: readonly number[], isInheritable: boolean): Promise<void> {
  const { fcntl } = await libc();
  for (const fd of fds) fcntl(fd, F_SETFD, isInheritable ? 0 : FD_CLOEXEC);
}

/**
 * The listening sockets that systemd hands over: sd_listen_fds(3). They are taken out of the environment, so that no child
 * believes them to be its own.
 * @throws SluiceError CONFIG_INVALID: one of them does not listen for connections
 */
export async function socketsOfServiceManager(env: NodeJS.ProcessEnv): Promise<readonly InheritedSocket[]> {
  const { LISTEN_PID: pid, LISTEN_FDS: count = "0", LISTEN_FDNAMES: names = "" } = env;
  for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) delete env[name];
  if (pid === undefined || Number(pid) !== process.pid) return [];
  const fds = Array.from({ length: Number(count) }, (_, i) => FIRST_FD + i);
  await setInheritable(fds, false);
  const given = names.split(":");
  return await Promise.all(
    fds.map(async (fd, i) => ({ fd, key: socketKey(await listeningPlace(fd, given[i])), name: given[i] })),
  );
}

async function listeningPlace(fd: number, name: string | undefined): Promise<Endpoint> {
  const { getsockname, getsockopt, ptr } = await libc();
  const address = Buffer.alloc(ADDRESS_BYTES);
  const length = new Uint32Array([ADDRESS_BYTES]);
  const listens = new Int32Array(1);
  getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, ptr(listens), ptr(new Uint32Array([4])));
  const place =
    getsockname(fd, ptr(address), ptr(length)) === 0 ? placeOf(address, length[0] ?? 0) : undefined;
  if (listens[0] === 1 && place !== undefined) return place;
  throw new SluiceError(
    "CONFIG_INVALID",
    `socket ${name ?? fd} of systemd takes no stream connections: give the .socket unit ListenStream= and Accept=no`,
  );
}

/** struct sockaddr_in, sockaddr_in6 or sockaddr_un; undefined for any other. */
function placeOf(address: Buffer, length: number): Endpoint | undefined {
  const port = address.readUInt16BE(2);
  switch (address.readUInt16LE(0)) {
    case AF_INET:
      return { kind: "tcp", host: [...address.subarray(4, 8)].join("."), port };
    case AF_INET6: {
      const groups = Array.from({ length: 8 }, (_, i) => address.readUInt16BE(8 + 2 * i).toString(16));
      return { kind: "tcp", host: groups.join(":"), port };
    }
    case AF_UNIX:
      return { kind: "socket", path: address.subarray(2, length).toString().replace(/\0.*$/s, "") };
    default:
      return undefined;
  }
}
