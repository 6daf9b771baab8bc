import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Who listens on a port; undefined where this user may not know. */
export interface Listener {
  readonly pid: number | undefined;
  readonly program: string | undefined;
}

/** The programs of this host (this network namespace) that listen on a TCP port; empty: the port is free. */
export function tcpListeners(port: number): readonly Listener[] {
  const inodes = new Set(
    ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((path) => listeningInodes(read(path), port)),
  );
  if (inodes.size === 0) return [];
  const holders = processes().filter((pid) => holdsOneOf(pid, inodes));
  if (holders.length === 0) return [{ pid: undefined, program: undefined }];
  return holders.map((pid) => ({ pid, program: read(`/proc/${pid}/comm`).trim() || undefined }));
}

/** The sockets in state LISTEN on a port, of the text of /proc/net/tcp. */
export function listeningInodes(text: string, port: number): readonly string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  return text.split("\n").flatMap((line) => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    const isWanted = state === LISTEN && local?.endsWith(`:${wanted}`);
    return isWanted && inode !== undefined ? [inode] : [];
  });
}

const LISTEN = "0A";

function processes(): readonly number[] {
  return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
}

function holdsOneOf(pid: number, inodes: ReadonlySet<string>): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).some((fd) => {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(target(`${folder}/${fd}`)) ?? [];
      return inode !== undefined && inodes.has(inode);
    });
  } catch {
    return false; // gone, or another user's
  }
}

function target(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return "";
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
