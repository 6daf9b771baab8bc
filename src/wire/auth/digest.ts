import { hash } from "node:crypto";

/** The digest of all parts in a row. */
export const digest = (algorithm: "sha1" | "sha256" | "sha512", ...parts: readonly Buffer[]): Buffer =>
  hash(algorithm, parts.length === 1 ? (parts[0] ?? NOTHING) : Buffer.concat(parts), "buffer");

const NOTHING = Buffer.alloc(0);
