import { constants, generateKeyPair, type KeyObject, privateDecrypt } from "node:crypto";
import { promisify } from "node:util";
import { unmaskPassword } from "../../wire/auth/caching-sha2-password.ts";

const KEY_BITS = 2048;

/** The RSA key with which clients without TLS hide their password; this process's own, made when it is first needed. */
export class PasswordKey {
  static readonly CIPHER_BYTES = KEY_BITS / 8;
  #pair: Promise<{ readonly publicKey: KeyObject; readonly privateKey: KeyObject }> | undefined;

  /** PEM. */
  async publicKey(): Promise<Buffer> {
    const { publicKey } = await this.#keys();
    return Buffer.from(publicKey.export({ type: "spki", format: "pem" }));
  }

  /** undefined: it was not encrypted with this key. */
  async decrypt(bytes: Buffer, scramble: Buffer): Promise<Buffer | undefined> {
    const { privateKey } = await this.#keys();
    try {
      const hidden = privateDecrypt({ key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING }, bytes);
      return unmaskPassword(hidden, scramble);
    } catch {
      return undefined;
    }
  }

  #keys(): Promise<{ readonly publicKey: KeyObject; readonly privateKey: KeyObject }> {
    this.#pair ??= promisify(generateKeyPair)("rsa", { modulusLength: KEY_BITS });
    return this.#pair;
  }
}
