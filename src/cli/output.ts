import { writeSync } from "node:fs";

const STDOUT = 1;
const STDERR = 2;

/** Writes to standard output at once. process.stdout is left alone: it costs three times the start-up of the program. */
export function print(text: string): void {
  writeAll(STDOUT, Buffer.from(text));
}

export function printError(text: string): void {
  writeAll(STDERR, Buffer.from(text));
}

/** Writes all of it, or what the reader takes: a reader who has gone (EPIPE) is no mistake of ours. */
export function writeAll(fd: number, bytes: Buffer): void {
  // A full pipe that somebody made non-blocking is waited for, but not for ever.
  const deadline = performance.now() + 1000;
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN" || performance.now() > deadline) return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
