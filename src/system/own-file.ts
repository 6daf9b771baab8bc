import { lstatSync, rmSync, type Stats } from "node:fs";

/** Removes a socket or FIFO that this process has made; one that a successor has put there since stays. */
export function removeOwnFile(path: string, mine: Stats): void {
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.ino === mine.ino && found.dev === mine.dev) rmSync(path, { force: true });
  } catch {
    // Privileges were dropped, and the directory is root's: one without a listener or reader is replaced by whoever starts next.
  }
}
