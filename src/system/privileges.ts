import { accessSync, chownSync, constants, lstatSync, readFileSync } from "node:fs";
import { SluiceError } from "../errors/sluice-error.ts";

/** Who the daemon becomes once its sockets are open. */
export interface Identity {
  readonly user: string;
  readonly uid: number;
  readonly gid: number;
}

/** Finds `USER` or `USER:GROUP` in the system's files. Throws USAGE naming what is not there. */
export function findIdentity(spec: string): Identity {
  const [user = "", group] = spec.split(":", 2);
  const entry = lines("/etc/passwd").find((fields) => fields[0] === user || fields[2] === user);
  if (entry === undefined) throw new SluiceError("USAGE", `--run-as ${spec}: there is no user ${user}`);
  const gid = group === undefined ? Number(entry[3]) : findGroup(group);
  if (gid === undefined) throw new SluiceError("USAGE", `--run-as ${spec}: there is no group ${group}`);
  return Object.freeze({ user: entry[0] ?? user, uid: Number(entry[2]), gid });
}

/** The number of a group; undefined where there is none of that name. */
export function findGroup(name: string): number | undefined {
  const entry = lines("/etc/group").find((fields) => fields[0] === name || fields[2] === name);
  return entry === undefined ? undefined : Number(entry[2]);
}

/**
 * Gives up root for good; a no-op where the process is that user already. Throws FORBIDDEN when it may not.
 * @param keepsNetAdmin the process, and the programs it starts, may go on changing the firewall
 */
export async function becomeIdentity(identity: Identity, keepsNetAdmin: boolean): Promise<void> {
  if (process.getuid?.() === identity.uid && process.getgid?.() === identity.gid) return;
  if (process.getuid?.() !== 0) {
    throw new SluiceError(
      "FORBIDDEN",
      `only root can become ${identity.user}: start as root, or leave --run-as out`,
    );
  }
  const libc = keepsNetAdmin ? await openLibc() : undefined;
  libc?.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
  // @types/bun leaves it out; without it the process would keep root's supplementary groups.
  (process as { initgroups?: (user: string, gid: number) => void }).initgroups?.(identity.user, identity.gid);
  process.setgid?.(identity.gid);
  process.setuid?.(identity.uid);
  if (libc !== undefined) narrowToNetAdmin(libc);
}

interface Libc {
  prctl(option: number, second: number, third: number, fourth: number, fifth: number): number;
  capset(header: Uint32Array, sets: Uint32Array): number;
}

// linux/prctl.h, linux/capability.h
const PR_SET_KEEPCAPS = 8;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_RAISE = 2;
const CAP_NET_ADMIN = 12;
const CAPABILITY_VERSION_3 = 0x2008_0522;

/** Of root's capabilities only this one is left, and it is handed on to the programs we start (ambient). */
function narrowToNetAdmin(libc: Libc): void {
  const set = 1 << CAP_NET_ADMIN;
  // Effective, permitted, inheritable; then the same for capabilities from 32 on.
  const isSet = libc.capset(
    new Uint32Array([CAPABILITY_VERSION_3, 0]),
    new Uint32Array([set, set, set, 0, 0, 0]),
  );
  const isRaised = libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0);
  if (isSet === 0 && isRaised === 0) return;
  throw new SluiceError(
    "FIREWALL_DENIED",
    "CAP_NET_ADMIN did not survive --run-as: see that the bounding set has it, or leave --run-as out",
  );
}

async function openLibc(): Promise<Libc> {
  // See docs/decisions/0003-libc-through-ffi.md.
  const { dlopen } = await import("bun:ffi");
  return dlopen("libc.so.6", {
    prctl: { args: ["int", "u64", "u64", "u64", "u64"], returns: "int" },
    capset: { args: ["ptr", "ptr"], returns: "int" },
  }).symbols as unknown as Libc;
}

/** Gives a file that root has made to who the process will be; never a device such as /dev/stderr. */
export function giveFile(path: string, identity: Identity): void {
  if (process.getuid?.() === 0 && lstatSync(path).isFile()) chownSync(path, identity.uid, identity.gid);
}

/** Throws FORBIDDEN, with the remedy, unless the process as it is now may make files in the directory. */
export function requireWritable(directory: string, identity: Identity): void {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
  } catch {
    throw new SluiceError(
      "FORBIDDEN",
      `${identity.user} may not write to ${directory}: chown ${identity.user} ${directory}`,
    );
  }
}

function lines(path: string): readonly string[][] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(":"));
}
