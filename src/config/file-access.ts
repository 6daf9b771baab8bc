import { readdirSync, readFileSync, statSync } from "node:fs";
import { errorMessage, SluiceError } from "../errors/sluice-error.ts";

/** How config/ sees the file system; tests give a map of texts. */
export interface FileAccess {
  /** Text and permission bits of a file; undefined where there is none. Throws IO_FAILED where it cannot be read. */
  read(path: string): FileText | undefined;
  /** Entries sorted by name; undefined where there is no such directory. Throws IO_FAILED where it cannot be read. */
  list(path: string): readonly DirectoryEntry[] | undefined;
}

interface FileText {
  readonly text: string;
  /** `st_mode & 0o7777`. */
  readonly mode: number;
}

export interface DirectoryEntry {
  readonly name: string;
  /** A symbolic link is what it points to; one that points nowhere is a file that is not there. */
  readonly directory: boolean;
}

/** No configuration file is that large: a wrong path must not fill the memory. */
const MAX_BYTES = 4 * 1024 * 1024;

export const REAL_FILES: FileAccess = { read: readRegularFile, list: listDirectory };

function readRegularFile(path: string): FileText | undefined {
  // The usual way to say "no file" to the mysql programs.
  if (path === "/dev/null") return { text: "", mode: 0o444 };
  return absentAsUndefined(path, () => {
    const stat = statSync(path);
    // A FIFO or a terminal would block the daemon for ever.
    if (!stat.isFile()) throw new SluiceError("IO_FAILED", `${path} is not a regular file`);
    if (stat.size > MAX_BYTES) {
      throw new SluiceError("IO_FAILED", `${path} has ${stat.size} bytes; at most ${MAX_BYTES} are read`);
    }
    return { text: readFileSync(path, "utf8"), mode: stat.mode & 0o7777 };
  });
}

function listDirectory(path: string): readonly DirectoryEntry[] | undefined {
  return absentAsUndefined(path, () =>
    readdirSync(path)
      .sort()
      .map((name) => ({ name, directory: isDirectory(`${path}/${name}`) })),
  );
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function absentAsUndefined<T>(path: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new SluiceError("IO_FAILED", `cannot read ${path}: ${errorMessage(error)}`, { cause: error });
  }
}
