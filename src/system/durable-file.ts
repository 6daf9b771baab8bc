import { mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { errorMessage, SluiceError } from "../errors/sluice-error.ts";

/**
 * What atomic-file.ts does, for writes on behalf of a request: an fsync can take tens of milliseconds, and the probes of a
 * daemon must not wait for it. Once a promise is fulfilled, the change survives a crash. Errors are IO_FAILED, naming the file.
 * Two writers of one path must wait for each other: they would share the temporary file.
 */
export function replaceFile(path: string, text: string, mode: number): Promise<void> {
  return failing("write", path, async () => {
    const temporary = join(dirname(path), temporaryName(path));
    const file = await open(temporary, "w", mode);
    try {
      await file.chmod(mode); // whatever the umask, and whatever a left-over had
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  });
}

/** Removes a file, if it is there. */
export function removeFile(path: string): Promise<void> {
  return failing("remove", path, async () => {
    await rm(path, { force: true });
    await syncDirectory(dirname(path));
  });
}

/** Makes a directory where it is missing, with those above it. */
export function makeDirectory(path: string, mode: number): Promise<void> {
  return failing("make", path, async () => {
    const first = await mkdir(path, { recursive: true, mode });
    if (first !== undefined) await syncDirectory(dirname(first));
  });
}

/** Is this what a killed writer has left of a file? */
export function isTemporaryName(name: string): boolean {
  return name.startsWith(".") && name.endsWith(".tmp");
}

function temporaryName(path: string): string {
  return `.${basename(path)}.tmp`;
}

/** A rename or removal is only safe from a power failure when its directory is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function failing(what: string, path: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    throw new SluiceError("IO_FAILED", `cannot ${what} ${path}: ${errorMessage(error)}`, { cause: error });
  }
}
