import { readdirSync } from "node:fs";
import { join } from "node:path";
import { SluiceError } from "../errors/sluice-error.ts";
import { isTemporaryName, makeDirectory, removeFile, replaceFile } from "../system/durable-file.ts";
import { Turns } from "../system/turns.ts";
import { printSection } from "./cnf-writer.ts";
import type { EditedSections } from "./edit-sections.ts";
import { DELETED } from "./resolve-sections.ts";
import type { SourceSection } from "./source.ts";

/**
 * Keeps objects changed at run time, a file each: `<directory>/<object>.cnf`, mode 0600. Whatever moment the process is killed or
 * the power fails, a file is the old one or the new one, and what was acknowledged (the promise fulfilled) is there:
 *
 *   .db1.cnf.tmp ── write, fsync ──▶ rename to db1.cnf ──▶ fsync of the directory ──▶ acknowledged
 *
 * An object of a static file that is deleted at run time stays deleted: its file says `type=deleted`. Writers wait for each
 * other; one process per directory. Errors are IO_FAILED. loadConfiguration reads the files back.
 */
export class Persistence {
  readonly #directory: string;
  readonly #turns = new Turns();

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Makes the directory (0700) where it is missing, and removes what a killed writer has left. */
  static async open(directory: string): Promise<Persistence> {
    await makeDirectory(directory, 0o700);
    for (const name of readdirSync(directory)) {
      if (isTemporaryName(name)) await removeFile(join(directory, name));
    }
    return new Persistence(directory);
  }

  /** Does what editSections asks for, object by object; the first failure ends it and is thrown. */
  async keep(changes: EditedSections["kept"]): Promise<void> {
    for (const change of changes) {
      if (change.keep === "section") await this.save(change.section);
      else if (change.keep === "deletion") await this.saveDeleted(change.name);
      else await this.forget(change.name);
    }
  }

  /** Keeps an object as it is now. */
  save(section: Pick<SourceSection, "name" | "parameters">): Promise<void> {
    return this.#inTurn(section.name, (path) => replaceFile(path, `${HEAD}${printSection(section)}`, 0o600));
  }

  /** Keeps an object of a static file deleted. */
  saveDeleted(name: string): Promise<void> {
    return this.save({ name, parameters: [{ name: "type", value: DELETED, at: undefined }] });
  }

  /** Forgets what was kept of an object: the static file's word holds again, if it has one. */
  forget(name: string): Promise<void> {
    return this.#inTurn(name, removeFile);
  }

  #inTurn(name: string, write: (path: string) => Promise<void>): Promise<void> {
    return this.#turns.run(() => write(join(this.#directory, fileNameOf(name))));
  }
}

const HEAD =
  "# Written by Sluice: an object as it was changed at run time. It overrides the configuration file.\n";

/** `db1.cnf`; what is not safe in a file name is written as %XX, so that two objects never share a file. */
function fileNameOf(name: string): string {
  const safe = name.replace(/[^A-Za-z0-9._~-]|^\./gu, (char) =>
    [...Buffer.from(char)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
  );
  if (safe !== "" && safe.length <= 240) return `${safe}.cnf`;
  throw new SluiceError("IO_FAILED", `the name ${name} does not fit into a file name`);
}
