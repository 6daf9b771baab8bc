import type { AuthMethod } from "../../topology/accounts.ts";
import { CACHING_SHA2_PASSWORD } from "../../wire/auth/caching-sha2-password.ts";
import { ED25519, fitsEd25519 } from "../../wire/auth/ed25519.ts";
import { NATIVE_PASSWORD, nativeKept, nativeSecret } from "../../wire/auth/native-password.ts";
import { fitsCrypt, readKeptCrypt } from "../../wire/auth/sha256-crypt.ts";

export const SHA256_PASSWORD = "sha256_password";

/** Plugins whose accounts need the password itself before a server can be told it. */
export const NEEDS_PASSWORD: ReadonlySet<string> = new Set([CACHING_SHA2_PASSWORD, ED25519, SHA256_PASSWORD]);

export const keptBytes = ({ authentication }: AuthMethod): Buffer => Buffer.from(authentication, "hex");

/** Whether a password that a client has told is the one of the account. */
export function fitsPassword(method: AuthMethod, password: Buffer): boolean {
  const kept = keptBytes(method);
  switch (method.plugin) {
    case NATIVE_PASSWORD: {
      if (kept.length === 0) return password.length === 0;
      const digest = nativeKept(kept.toString("latin1"));
      return (
        digest !== undefined && password.length > 0 && nativeSecret(nativeSecret(password)).equals(digest)
      );
    }
    case ED25519:
      return password.length > 0 && fitsEd25519(password, kept.toString("latin1"));
    case CACHING_SHA2_PASSWORD:
    case SHA256_PASSWORD: {
      if (kept.length === 0) return password.length === 0;
      const crypt = readKeptCrypt(kept);
      return crypt !== undefined && password.length > 0 && fitsCrypt(password, crypt);
    }
    default:
      return false;
  }
}
