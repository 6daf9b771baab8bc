import { constants, publicEncrypt, timingSafeEqual } from "node:crypto";
import { digest } from "./digest.ts";
import { exclusiveOr } from "./exclusive-or.ts";

/**
 * caching_sha2_password. The client first sends SHA256(password) xor SHA256(SHA256(SHA256(password)), scramble). A server that
 * has seen the password before (it is "cached") answers that it will do; another asks for the password itself, over TLS or
 * encrypted with its RSA key.
 */
export const CACHING_SHA2_PASSWORD = "caching_sha2_password";

/** What the server says after the first proof. */
export const FAST_AUTH_SUCCESS = 3;
export const FULL_AUTHENTICATION = 4;
/** What a client without TLS asks for before it sends the password. */
export const REQUEST_PUBLIC_KEY = 2;

const HASH_BYTES = 32;
const sha256 = (...parts: readonly Buffer[]): Buffer => digest("sha256", ...parts);

/** What a cache keeps: SHA256(SHA256(password)). */
export const cachedDigest = (password: Buffer): Buffer => sha256(sha256(password));

/** The first proof. An empty password has an empty one. */
export function cachingSha2Proof(password: Buffer, scramble: Buffer): Buffer {
  if (password.length === 0) return Buffer.alloc(0);
  const once = sha256(password);
  return exclusiveOr(once, sha256(sha256(once), scramble));
}

export function provesCached(proof: Buffer, scramble: Buffer, cached: Buffer): boolean {
  if (proof.length !== HASH_BYTES || cached.length !== HASH_BYTES) return false;
  return timingSafeEqual(sha256(exclusiveOr(proof, sha256(cached, scramble))), cached);
}

/** The password for a server whose key is known. @param key PEM; throws where it is none */
export function encryptPassword(password: Buffer, scramble: Buffer, key: Buffer): Buffer {
  return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING }, maskPassword(password, scramble));
}

/** The password with its zero byte, hidden under the scramble. */
const maskPassword = (password: Buffer, scramble: Buffer): Buffer =>
  exclusiveOr(Buffer.concat([password, Buffer.of(0)]), scramble);

export const unmaskPassword = (masked: Buffer, scramble: Buffer): Buffer =>
  withoutEnd(exclusiveOr(masked, scramble));

/** As a client sends it: a zero byte ends it. */
export const withoutEnd = (bytes: Buffer): Buffer =>
  bytes.length > 0 && bytes[bytes.length - 1] === 0 ? bytes.subarray(0, -1) : bytes;
