import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { closeSync, fchmodSync, fsyncSync, linkSync, openSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { errorMessage, SluiceError } from "../errors/sluice-error.ts";
import type { FileAccess } from "./file-access.ts";
import { Secret } from "./secret.ts";

/** Our key: 64 hexadecimal digits on one line, mode 0400. */
const KEY_FILE = "sluice.key";
/** MaxScale's key file; it stands beside ours where a configuration was taken over. */
const MAXSCALE_KEY_FILE = ".secrets";

const PREFIX = "aes256gcm:";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const IV_BYTES = 16;
const KEY = /^[0-9a-f]{64}$/i;

/** What a `.secrets` of MaxScale 2.5 and later looks like; older ones were binary. */
const MAXSCALE_SECRETS = z.object({
  encryption_cipher: z.literal("EVP_aes_256_cbc"),
  encryption_key: z.string().regex(KEY),
});

/** Makes the key file in `directory`; an existing one is never replaced. Returns its path. */
export function initSecrets(directory: string): string {
  const path = join(directory, KEY_FILE);
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = openSync(temporary, "wx", 0o400);
    try {
      fchmodSync(file, 0o400); // whatever the umask
      writeFileSync(file, `${randomBytes(32).toString("hex")}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    linkSync(temporary, path); // fails where the file is there: another key would make every password unreadable
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === "EEXIST";
    const why = exists
      ? `${path} exists; passwords encrypted with it would be lost`
      : `cannot write ${path}: ${errorMessage(error)}`;
    throw new SluiceError("SECRET_UNREADABLE", why, { cause: error });
  } finally {
    rmSync(temporary, { force: true });
  }
  return path;
}

/** The password behind what was written for it. @throws SluiceError SECRET_UNREADABLE */
export type Decrypt = (written: Secret) => Secret;

/** The keys that encrypted passwords are read with. */
export class SecretKeys {
  readonly #own: Buffer | undefined;
  readonly #maxscale: Buffer | undefined;
  readonly #directory: string;

  private constructor(directory: string, own: Buffer | undefined, maxscale: Buffer | undefined) {
    this.#directory = directory;
    this.#own = own;
    this.#maxscale = maxscale;
  }

  /** Reads the key files of a directory; none is fine as long as no password needs one. Throws SECRET_UNREADABLE for an unsafe one. */
  static load(directory: string, files: FileAccess): SecretKeys {
    const own = readKeyFile(join(directory, KEY_FILE), files);
    const maxscale = readKeyFile(join(directory, MAXSCALE_KEY_FILE), files);
    return new SecretKeys(directory, own && parseOwn(own), maxscale && parseMaxscale(maxscale));
  }

  /** For the configuration file. */
  encrypt(password: Secret): string {
    if (this.#own === undefined) throw this.#noKey();
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.#own, nonce);
    const text = Buffer.concat([cipher.update(password.reveal(), "utf8"), cipher.final()]);
    return `${PREFIX}${Buffer.concat([nonce, cipher.getAuthTag(), text]).toString("base64url")}`;
  }

  /**
   * The password behind the text of a configuration file: decrypted if it is in our form; if it is in MaxScale's (hexadecimal)
   * and MaxScale's key is here; else the text is the password itself.
   */
  decrypt(written: Secret): Secret {
    const text = written.reveal();
    if (text.startsWith(PREFIX)) return this.#decryptOwn(Buffer.from(text.slice(PREFIX.length), "base64url"));
    const isMaxscale = /^([0-9a-f]{32}){2,}$/i.test(text) && this.#maxscale !== undefined;
    return isMaxscale ? this.#decryptMaxscale(Buffer.from(text, "hex"), this.#maxscale) : written;
  }

  #decryptOwn(bytes: Buffer): Secret {
    if (this.#own === undefined) throw this.#noKey();
    try {
      const decipher = createDecipheriv("aes-256-gcm", this.#own, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      const text = [decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()];
      return new Secret(Buffer.concat(text).toString("utf8"));
    } catch {
      throw unreadable(`it is damaged, or was not encrypted with ${join(this.#directory, KEY_FILE)}`);
    }
  }

  #decryptMaxscale(bytes: Buffer, key: Buffer): Secret {
    try {
      const decipher = createDecipheriv("aes-256-cbc", key, bytes.subarray(0, IV_BYTES));
      return new Secret(
        Buffer.concat([decipher.update(bytes.subarray(IV_BYTES)), decipher.final()]).toString("utf8"),
      );
    } catch {
      throw unreadable(`it was not encrypted with ${join(this.#directory, MAXSCALE_KEY_FILE)}`);
    }
  }

  #noKey(): SluiceError {
    const message = `there is no key file ${join(this.#directory, KEY_FILE)}; \`sluice secrets init\` makes one`;
    return new SluiceError("SECRET_UNREADABLE", message);
  }
}

interface KeyFile {
  readonly path: string;
  readonly text: string;
}

function readKeyFile(path: string, files: FileAccess): KeyFile | undefined {
  const file = files.read(path);
  if (file === undefined) return undefined;
  if ((file.mode & 0o077) !== 0) {
    const mode = file.mode.toString(8).padStart(4, "0");
    throw new SluiceError(
      "SECRET_UNREADABLE",
      `${path} has mode ${mode}, and others could use the key; chmod 0400 ${path}`,
    );
  }
  return { path, text: file.text };
}

function parseOwn({ path, text }: KeyFile): Buffer {
  if (!KEY.test(text.trim())) {
    throw new SluiceError("SECRET_UNREADABLE", `${path} does not hold a key of 64 hexadecimal digits`);
  }
  return Buffer.from(text.trim(), "hex");
}

function parseMaxscale({ path, text }: KeyFile): Buffer {
  const parsed = MAXSCALE_SECRETS.safeParse(parseJson(text));
  if (parsed.success) return Buffer.from(parsed.data.encryption_key, "hex");
  throw new SluiceError(
    "SECRET_UNREADABLE",
    `${path} is not a key file of MaxScale 2.5 or later; remove it, and encrypt the passwords anew (\`sluice secrets encrypt\`)`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unreadable(why: string): SluiceError {
  return new SluiceError("SECRET_UNREADABLE", `an encrypted password cannot be read: ${why}`);
}
