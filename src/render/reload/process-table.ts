import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** One process, as /proc shows it. */
export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly argv: readonly string[];
}

/** Every process called `name` (comm) that this one can see. */
export function processesCalled(name: string): readonly ProcessInfo[] {
  return readdirSync("/proc").flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    const stat = read(`/proc/${entry}/stat`);
    // `123 (haproxy) S 1 …`; a zombie (Z) is no process any more.
    const [, comm, state, parent] = /^\d+ \((.*)\) (\S) (\d+)/s.exec(stat) ?? [];
    if (comm !== name || state === "Z" || parent === undefined) return [];
    const argv = read(`/proc/${entry}/cmdline`).split("\0").slice(0, -1);
    return [{ pid: Number(entry), parent: Number(parent), argv }];
  });
}

export const executableOf = (pid: number): string => link(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, "");

export const directoryOf = (pid: number): string => link(`/proc/${pid}/cwd`);

/** The value of a variable when the process was started, or replaced itself; undefined where there is none. */
export function environmentOf(pid: number, name: string): string | undefined {
  const assignment = read(`/proc/${pid}/environ`)
    .split("\0")
    .find((one) => one.startsWith(`${name}=`));
  return assignment?.slice(name.length + 1);
}

/** A TCP address on which somebody listens. */
export interface ListeningAddress {
  readonly host: string;
  readonly port: number;
}

/** Where the process listens for TCP connections. Empty for one that is gone. */
export function listeningAddresses(pid: number): readonly ListeningAddress[] {
  const inodes = new Set(socketInodes(pid));
  return (["tcp", "tcp6"] as const).flatMap((family) =>
    read(`/proc/${pid}/net/${family}`)
      .split("\n")
      .flatMap((line) => {
        const fields = line.trim().split(/\s+/);
        const [, local = "", , state] = fields;
        if (state !== LISTEN || !inodes.has(fields[9] ?? "")) return [];
        const [host = "", port = ""] = local.split(":");
        return [{ host: family === "tcp" ? ipv4(host) : ipv6(host), port: Number.parseInt(port, 16) }];
      }),
  );
}

const LISTEN = "0A";

function socketInodes(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${fd}`)) ?? [];
      return inode === undefined ? [] : [inode];
    });
  } catch {
    return [];
  }
}

/** The kernel prints each 32-bit word in the machine's order, which is the little one here. */
const bytesOf = (hex: string): readonly number[] =>
  (hex.match(/.{8}/g) ?? []).flatMap((word) =>
    (word.match(/../g) ?? []).reverse().map((byte) => Number.parseInt(byte, 16)),
  );

const ipv4 = (hex: string): string => bytesOf(hex).join(".");

function ipv6(hex: string): string {
  const bytes = bytesOf(hex);
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  );
  return groups.join(":");
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
