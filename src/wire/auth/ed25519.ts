import { timingSafeEqual } from "node:crypto";
import { digest } from "./digest.ts";
import { baseTimes, littleEndian, numberOf, ORDER } from "./edwards-curve.ts";

/**
 * MariaDB's ed25519: the server keeps a public key and sends a scramble, the client signs it with the key that the password is. The
 * password of any length stands in the place of RFC 8032's seed of 32 bytes; all else is as there.
 */
export const ED25519 = "ed25519";
/** What the server calls it when it asks a client. */
export const CLIENT_ED25519 = "client_ed25519";

const sha512 = (...parts: readonly Buffer[]): Buffer => digest("sha512", ...parts);

export const ED25519_PROOF_BYTES = 64;

/** What the client sends. */
export function ed25519Proof(password: Buffer, scramble: Buffer): Buffer {
  const { secret, prefix } = expand(password);
  const publicKey = baseTimes(secret);
  const nonce = numberOf(sha512(prefix, scramble)) % ORDER;
  const commitment = baseTimes(nonce);
  const challenge = numberOf(sha512(commitment, publicKey, scramble)) % ORDER;
  return Buffer.concat([commitment, littleEndian((nonce + challenge * secret) % ORDER)]);
}

/** @param kept base 64 without its `=`, 43 letters, as the server keeps it */
export function fitsEd25519(password: Buffer, kept: string): boolean {
  const publicKey = Buffer.from(kept, "base64");
  return publicKey.length === 32 && timingSafeEqual(baseTimes(expand(password).secret), publicKey);
}

function expand(password: Buffer): { readonly secret: bigint; readonly prefix: Buffer } {
  const expanded = sha512(password);
  const scalar = Buffer.from(expanded.subarray(0, 32));
  scalar[0] = (scalar[0] ?? 0) & 0xf8;
  scalar[31] = ((scalar[31] ?? 0) & 0x7f) | 0x40;
  return { secret: numberOf(scalar), prefix: expanded.subarray(32) };
}
