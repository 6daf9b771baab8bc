import { ftruncateSync, openSync, readFileSync, rmSync } from "node:fs";
import { SluiceError } from "../errors/sluice-error.ts";
import { writeFileAtomically } from "./atomic-file.ts";

/** A pid file is believed only if its process lives and runs the same program: a stale one is overwritten. */
export class PidFile {
  readonly #path: string;
  /** Kept open for the time after the privileges are gone; undefined where a predecessor had given them up already. */
  readonly #fd: number | undefined;

  /** Writes the file, unless a predecessor in this very process has. Throws ADDRESS_IN_USE if another process of this program holds it. */
  constructor(path: string) {
    const holder = livingHolder(path);
    if (holder !== undefined && holder !== process.pid) {
      throw new SluiceError("ADDRESS_IN_USE", `already running as process ${holder} (${path})`);
    }
    this.#path = path;
    if (readPid(path) === process.pid) return;
    writeFileAtomically(path, `${process.pid}\n`, 0o644);
    this.#fd = openSync(path, "r+");
  }

  /** Removes the file if it is still ours; where only root may (/run), it is left empty. */
  remove(): void {
    if (readPid(this.#path) !== process.pid) return;
    try {
      rmSync(this.#path, { force: true });
    } catch {
      if (this.#fd !== undefined) ftruncateSync(this.#fd);
    }
  }
}

/** The process that a pid file names, if it lives and is this program; undefined otherwise. */
function livingHolder(path: string): number | undefined {
  const pid = readPid(path);
  if (pid === undefined) return undefined;
  return programOf(pid) === programOf(process.pid) ? pid : undefined;
}

function readPid(path: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(path, "utf8"), 10);
    return pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

// The name and not the path: an upgraded executable is still the same program.
function programOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return undefined;
  }
}
