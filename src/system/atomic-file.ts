/**
 * system/: the few things asked of the operating system that node: does not offer as one call. May import errors/ only.
 */
import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { errorMessage, SluiceError } from "../errors/sluice-error.ts";

/**
 * Replaces `path` as a whole: temporary file in the same directory, fsync, rename, fsync of the directory. Whoever
 * reads sees the old text or the new, never half of one, also after a crash. Throws IO_FAILED naming the file.
 */
export function writeFileAtomically(path: string, text: string, mode: number): void {
  const directory = dirname(path);
  const temporary = join(directory, `.${basename(path)}.${process.pid}.tmp`);
  try {
    const file = openSync(temporary, "w", mode);
    try {
      fchmodSync(file, mode);
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    syncDirectory(directory);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new SluiceError("IO_FAILED", `cannot write ${path}: ${errorMessage(error)}`, { cause: error });
  }
}

function syncDirectory(directory: string): void {
  const handle = openSync(directory, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
