import { timingSafeEqual } from "node:crypto";
import { digest } from "./digest.ts";
import { exclusiveOr } from "./exclusive-or.ts";

/**
 * mysql_native_password. The server keeps SHA1(SHA1(password)); the client proves that it knows the password by sending
 * SHA1(password) xor SHA1(scramble, kept). So whoever has what is kept and one such proof has SHA1(password): enough to prove
 * the same to any other server, though the password itself is never seen.
 */
export const NATIVE_PASSWORD = "mysql_native_password";

const HASH_BYTES = 20;
const sha1 = (...parts: readonly Buffer[]): Buffer => digest("sha1", ...parts);

export const nativeSecret = (password: Buffer): Buffer => sha1(password);

/** What the client sends. @param secret SHA1(password); undefined: the password is empty */
export function nativeProof(secret: Buffer | undefined, scramble: Buffer): Buffer {
  return secret === undefined ? Buffer.alloc(0) : exclusiveOr(secret, sha1(scramble, sha1(secret)));
}

/** SHA1(password), if `proof` shows that its sender knows it; undefined: it does not. @param kept SHA1(SHA1(password)) */
export function nativeSecretOf(proof: Buffer, scramble: Buffer, kept: Buffer): Buffer | undefined {
  if (proof.length !== HASH_BYTES || kept.length !== HASH_BYTES) return undefined;
  const secret = exclusiveOr(proof, sha1(scramble, kept));
  return timingSafeEqual(sha1(secret), kept) ? secret : undefined;
}

/** What servers keep, from their text: `*` and 40 hexadecimal digits; undefined: nothing that any password fits. */
export function nativeKept(text: string): Buffer | undefined {
  return /^\*[0-9a-fA-F]{40}$/.test(text) ? Buffer.from(text.slice(1), "hex") : undefined;
}
