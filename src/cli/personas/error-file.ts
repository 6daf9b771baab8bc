import { closeSync, constants, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";

/** A server that stays down for months must not fill the disk. */
const MAX_FILE_BYTES = 1024 * 1024;
const MAX_LINE_LENGTH = 500;
const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;

/**
 * Appends why a check failed to the file of ERR_FILE, with the time. Best effort: the answer to the client matters more.
 * The file is often in /tmp, where a symbolic link laid by somebody else must not be followed.
 */
export function appendFailure(path: string, line: string, now: Date): void {
  try {
    const file = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o640);
    try {
      const stat = fstatSync(file);
      if (stat.isFile() && stat.size > MAX_FILE_BYTES) ftruncateSync(file, 0);
      const text = `${now.toISOString()} ${line.replace(/\s+/g, " ").slice(0, MAX_LINE_LENGTH)}\n`;
      if (stat.isFile() || stat.isCharacterDevice()) writeSync(file, text);
    } finally {
      closeSync(file);
    }
  } catch {
    // no such directory, not permitted, disk full
  }
}
