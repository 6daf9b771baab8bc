import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { errorMessage, SluiceError } from "../errors/sluice-error.ts";
import { printSection } from "./cnf-writer.ts";
import { DELETED } from "./resolve-sections.ts";
import type { SourceSection } from "./source.ts";

/** Files still being written when the daemon was killed; no reader looks at them. */
const TEMPORARY = /^\..*\.tmp$/;

/**
 * Keeps objects changed at run time, a file each: `<directory>/<object>.cnf`, mode 0600. Whatever moment the process is killed or
 * the power fails, a file is the old one or the new one, and what was acknowledged (the promise fulfilled) is there:
 *
 *   .db1.cnf.tmp ── write, fsync ──▶ rename to db1.cnf ──▶ fsync of the directory ──▶ acknowledged
 *
 * An object of a static file that is deleted at run time stays deleted: its file says `type=deleted`. Writers wait for each
 * other; one process per directory. Errors are IO_FAILED.
 */
export class Persistence {
  readonly #directory: string;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Makes the directory (0700) where it is missing, and removes what a killed writer has left. */
  static async open(directory: string): Promise<Persistence> {
    await failing(directory, async () => {
      const made = await mkdir(directory, { recursive: true, mode: 0o700 });
      if (made !== undefined) await syncDirectory(dirname(made));
      for (const name of await readdir(directory)) {
        if (TEMPORARY.test(name)) await rm(join(directory, name), { force: true });
      }
    });
    return new Persistence(directory);
  }

  /** Keeps an object as it is now. */
  save(section: Pick<SourceSection, "name" | "parameters">): Promise<void> {
    return this.#inTurn(section.name, (path) => writeAtomically(path, `${HEAD}${printSection(section)}`));
  }

  /** Keeps an object of a static file deleted. */
  saveDeleted(name: string): Promise<void> {
    const type = { name: "type", value: DELETED, at: undefined, quoted: true };
    return this.save({ name, parameters: [type] });
  }

  /** Forgets what was kept of an object: the static file's word holds again, if it has one. */
  forget(name: string): Promise<void> {
    return this.#inTurn(name, async (path) => {
      await rm(path, { force: true });
      await syncDirectory(this.#directory);
    });
  }

  #inTurn(name: string, write: (path: string) => Promise<void>): Promise<void> {
    const turn = this.#last.then(() => {
      const path = join(this.#directory, fileNameOf(name));
      return failing(path, () => write(path));
    });
    // A failed write is its caller's; the next one goes ahead.
    this.#last = turn.catch(() => {});
    return turn;
  }
}

const HEAD =
  "# Written by Sluice: an object as it was changed at run time. It overrides the configuration file.\n";

/** `db1.cnf`; what is not safe in a file name is written as %XX, so that two objects never share a file. */
function fileNameOf(name: string): string {
  const safe = name.replace(/[^A-Za-z0-9._~-]|^\./gu, (char) =>
    [...Buffer.from(char)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
  );
  const file = `${safe}.cnf`;
  if (safe === "" || file.length > 240)
    throw new SluiceError("IO_FAILED", `the name ${name} does not fit into a file name`);
  return file;
}

async function writeAtomically(path: string, text: string): Promise<void> {
  const directory = dirname(path);
  const temporary = join(directory, `.${basename(path)}.tmp`);
  const file = await open(temporary, "w", 0o600);
  try {
    await file.chmod(0o600); // whatever a left-over had
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncDirectory(directory);
}

/** A rename or removal is only safe from a power failure when its directory is. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function failing<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    throw new SluiceError("IO_FAILED", `cannot write ${path}: ${errorMessage(error)}`, { cause: error });
  }
}
