import { existsSync } from "node:fs";
import { join } from "node:path";

/** Where the daemon and its commands meet: one directory, made by the daemon (or systemd's RuntimeDirectory=sluice). */
export interface RuntimePaths {
  readonly directory: string;
  /** Open to every user of the host (0666): status, explain, hint. */
  readonly agentSocket: string;
  /** Open to root and the group (0660): maintenance. */
  readonly controlSocket: string;
  /** Open to root and the group (0660): the REST API, without a password. */
  readonly adminSocket: string;
}

const SYSTEM_DIRECTORY = "/run/sluice";

/**
 * The directory is `--runtime-dir`, else $SLUICE_RUNTIME_DIR, else /run/sluice for root or where it exists, else
 * $XDG_RUNTIME_DIR/sluice. Daemon and commands follow the same rule, so that they find each other without being told.
 */
export function runtimePaths(
  flag: string | undefined,
  env: NodeJS.ProcessEnv,
  isRoot: boolean = process.getuid?.() === 0,
  exists: (path: string) => boolean = existsSync,
): RuntimePaths {
  const directory = flag || env["SLUICE_RUNTIME_DIR"] || defaultDirectory(env, isRoot, exists);
  return Object.freeze({
    directory,
    agentSocket: join(directory, "agent.sock"),
    controlSocket: join(directory, "control.sock"),
    adminSocket: join(directory, "admin.sock"),
  });
}

function defaultDirectory(
  env: NodeJS.ProcessEnv,
  isRoot: boolean,
  exists: (path: string) => boolean,
): string {
  const ofUser = env["XDG_RUNTIME_DIR"];
  if (isRoot || !ofUser || exists(SYSTEM_DIRECTORY)) return SYSTEM_DIRECTORY;
  return join(ofUser, "sluice");
}
