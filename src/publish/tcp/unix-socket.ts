import { chmodSync, chownSync, lstatSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { connect, type Server } from "node:net";
import { dirname, join } from "node:path";
import { SluiceError } from "../../errors/sluice-error.ts";
import { removeOwnFile } from "../../system/own-file.ts";
import { SOCKETS } from "../../system/socket-register.ts";
import type { Clock } from "../../telemetry/clock.ts";
import { errnoOf, listenError, listenOnce, noteDescriptor } from "./listen.ts";

export interface UnixSocketPlace {
  readonly path: string;
  /** Permission bits, e.g. 0o660. */
  readonly mode: number;
  /** Group of the file; undefined: the process's. */
  readonly gid: number | undefined;
}

/** What the kernel takes (sun_path), without the final NUL. */
const MAX_PATH_BYTES = 107;
/** How long whoever may listen at the path already has to accept a connection, ms. */
const PROBE_MS = 1000;

/**
 * Listens on a unix socket. It is made in a private directory and moved to its path once it has its owner and mode, so
 * at no moment may anybody connect who must not; the same move replaces a socket that a dead process left behind.
 * @returns a function that removes the file, if it is still ours
 * @throws SluiceError ADDRESS_IN_USE (somebody answers there, or it is no socket), CONFIG_INVALID (the path is too long),
 *   FORBIDDEN or IO_FAILED
 */
export async function listenUnix(server: Server, place: UnixSocketPlace, clock: Clock): Promise<() => void> {
  const [inherited] = SOCKETS.take({ kind: "socket", path: place.path });
  if (inherited !== undefined) return await listenInherited(server, place, inherited);
  if (Buffer.byteLength(place.path) > MAX_PATH_BYTES) {
    const sentence = `cannot listen on ${place.path}: a socket's path has at most ${MAX_PATH_BYTES} bytes`;
    throw new SluiceError("CONFIG_INVALID", sentence);
  }
  if (await isTaken(place.path, clock)) {
    throw new SluiceError("ADDRESS_IN_USE", `cannot listen on ${place.path}: another program does`);
  }
  let privateDirectory: string | undefined;
  try {
    privateDirectory = mkdtempSync(join(dirname(place.path), ".sluice-"));
    const path = join(privateDirectory, "s");
    await listenOnce(server, { path });
    chmodSync(path, place.mode);
    if (place.gid !== undefined) chownSync(path, process.getuid?.() ?? -1, place.gid);
    const mine = lstatSync(path);
    renameSync(path, place.path);
    noteDescriptor(server, { kind: "socket", path: place.path });
    return () => removeOwnFile(place.path, mine);
  } catch (error) {
    server.close();
    throw listenError(error, place.path);
  } finally {
    if (privateDirectory !== undefined) rmSync(privateDirectory, { recursive: true, force: true });
  }
}

/** The file is there, with its owner and mode. */
async function listenInherited(server: Server, { path }: UnixSocketPlace, fd: number): Promise<() => void> {
  try {
    await listenOnce(server, { fd });
  } catch (error) {
    throw listenError(error, path);
  }
  SOCKETS.note(fd, { kind: "socket", path });
  const mine = lstatSync(path, { throwIfNoEntry: false });
  return () => mine !== undefined && removeOwnFile(path, mine);
}

async function isTaken(path: string, clock: Clock): Promise<boolean> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return false;
  if (!found.isSocket()) {
    throw new SluiceError(
      "ADDRESS_IN_USE",
      `cannot listen on ${path}: a file that is no socket is in its place`,
    );
  }
  return await answers(path, clock);
}

/** Only a refused connection proves that nobody listens. */
function answers(path: string, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const settle = (answer: boolean): void => {
      cancel();
      socket.destroy();
      resolve(answer);
    };
    const cancel = clock.after(PROBE_MS, () => settle(true));
    socket.on("connect", () => settle(true));
    socket.on("error", (error) => settle(errnoOf(error) !== "ECONNREFUSED" && errnoOf(error) !== "ENOENT"));
  });
}
