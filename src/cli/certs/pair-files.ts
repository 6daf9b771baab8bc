import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import type { IssuedCertificate } from "./issue.ts";

/** Where a certificate and its key are: `server-cert.pem` and `server-key.pem`, the names of the server's own manual. */
export interface PairPaths {
  readonly cert: string;
  readonly key: string;
}

const KEY_MODE = 0o600;
const CERT_MODE = 0o644;

export const pairPaths = (directory: string, base: string): PairPaths => ({
  cert: join(directory, `${base}-cert.pem`),
  key: join(directory, `${base}-key.pem`),
});

/** Throws ALREADY_EXISTS: before any work is done, and again by the system when the files are written. */
export function refuseToOverwrite({ cert, key }: PairPaths): void {
  const present = [cert, key].find((path) => existsSync(path));
  if (present !== undefined) throw alreadyThere(present);
}

/** Writes both, or none; the key for its owner only. Throws ALREADY_EXISTS, IO_FAILED. */
export function writePair(directory: string, paths: PairPaths, { cert, key }: IssuedCertificate): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    writeFileSync(paths.key, key, { flag: "wx", mode: KEY_MODE, flush: true });
  } catch (error) {
    throw failure(error, paths.key);
  }
  try {
    writeFileSync(paths.cert, cert, { flag: "wx", mode: CERT_MODE, flush: true });
  } catch (error) {
    rmSync(paths.key, { force: true });
    throw failure(error, paths.cert);
  }
}

function failure(error: unknown, path: string): SluiceError {
  if ((error as NodeJS.ErrnoException).code === "EEXIST") return alreadyThere(path);
  return new SluiceError("IO_FAILED", `cannot write ${path}: ${errorMessage(error)}`, { cause: error });
}

const alreadyThere = (path: string): SluiceError =>
  new SluiceError(
    "ALREADY_EXISTS",
    `${path} is there already, and is never overwritten; choose another --out or --dir, or move it away`,
  );
