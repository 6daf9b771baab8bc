import { closeSync, constants, lstatSync, openSync, rmSync, type Stats } from "node:fs";
import { SluiceError } from "../errors/sluice-error.ts";
import { libc } from "./libc.ts";
import { removeOwnFile } from "./own-file.ts";

/**
 * Makes a FIFO that only its owner may write to. One that a dead process left behind is replaced.
 * @returns a function that removes it, if it is still the same
 * @throws SluiceError ADDRESS_IN_USE (somebody reads it, or it is no FIFO), FORBIDDEN (it is another user's) or IO_FAILED
 */
export async function claimFifo(path: string): Promise<() => void> {
  const present = lstatSync(path, { throwIfNoEntry: false });
  if (present !== undefined) {
    refuseForeign(path, present);
    rmSync(path, { force: true });
  }
  const { mkfifo, ptr, errno } = await libc();
  if (mkfifo(ptr(Buffer.from(`${path}\0`)), 0o600) !== 0)
    throw new SluiceError("IO_FAILED", `cannot make the FIFO ${path} (error ${errno()} of the system)`);
  const mine = lstatSync(path);
  return () => removeOwnFile(path, mine);
}

function refuseForeign(path: string, present: Stats): void {
  if (!present.isFIFO())
    throw new SluiceError("ADDRESS_IN_USE", `${path} is there and is no FIFO: remove it, or name another`);
  if (present.uid !== process.getuid?.() && process.getuid?.() !== 0)
    throw new SluiceError(
      "FORBIDDEN",
      `the FIFO ${path} belongs to another user: remove it, or name another`,
    );
  if (isRead(path)) {
    throw new SluiceError(
      "ADDRESS_IN_USE",
      `another program reads the FIFO ${path}: stop it, or name another`,
    );
  }
}

/** Without a reader the kernel opens no FIFO for writing: ENXIO. */
function isRead(path: string): boolean {
  try {
    closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ENXIO";
  }
}
