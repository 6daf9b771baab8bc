import { readFileSync } from "node:fs";
import { type FileAccess, REAL_FILES } from "../../config/file-access.ts";
import { Secret } from "../../config/secret.ts";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";

/**
 * Reads a file that holds a secret, which nobody but its owner may read: SECRET_UNREADABLE otherwise, with what to do.
 * Undefined where there is no such file.
 */
export function readPrivateFile(path: string, files: FileAccess): string | undefined {
  const file = files.read(path);
  if (file === undefined || (file.mode & 0o077) === 0 || path === "/dev/null") return file?.text;
  const mode = file.mode.toString(8).padStart(4, "0");
  throw new SluiceError("SECRET_UNREADABLE", `others may use ${path} (mode ${mode}): chmod 600 ${path}`);
}

/** The first line of a private file, or of standard input for `-`. Throws USAGE where there is none. */
export function readSecretLine(path: string, files: FileAccess = REAL_FILES): Secret {
  const text = path === "-" ? readStandardInput() : readPrivateFile(path, files);
  if (text === undefined) throw new SluiceError("USAGE", `there is no file ${path}`);
  const [line = ""] = text.split("\n", 1);
  const secret = line.replace(/\r$/, "");
  if (secret === "") throw new SluiceError("USAGE", `the first line of ${path} is empty; it is the secret`);
  return new Secret(secret);
}

function readStandardInput(): string {
  try {
    return readFileSync(0, "utf8");
  } catch (error) {
    throw new SluiceError("IO_FAILED", `cannot read standard input: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}
