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

/** Gives up root for good; a no-op where the process is that user already. Throws FORBIDDEN when it may not. */
export function becomeIdentity(identity: Identity): void {
  if (process.getuid?.() === identity.uid && process.getgid?.() === identity.gid) return;
  if (process.getuid?.() !== 0) {
    throw new SluiceError(
      "FORBIDDEN",
      `only root can become ${identity.user}: start as root, or leave --run-as out`,
    );
  }
  // @types/bun leaves it out; without it the process would keep root's supplementary groups.
  (process as { initgroups?: (user: string, gid: number) => void }).initgroups?.(identity.user, identity.gid);
  process.setgid?.(identity.gid);
  process.setuid?.(identity.uid);
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
