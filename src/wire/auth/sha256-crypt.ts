import { timingSafeEqual } from "node:crypto";
import { digest } from "./digest.ts";

/**
 * The SHA-256 variant of crypt(3), by which MySQL keeps passwords: `$A$005$`, 20 bytes of salt and 43 letters for
 * caching_sha2_password (005: thousands of rounds), `$5$salt$letters` for sha256_password.
 */
export interface KeptCrypt {
  readonly salt: Buffer;
  readonly rounds: number;
  readonly letters: Buffer;
}

const SALT_BYTES = 20;
const LETTERS = 43;
const MOST_ROUNDS = 1_000_000;

/** undefined: nothing that any password fits. */
export function readKeptCrypt(kept: Buffer): KeptCrypt | undefined {
  const head = /^\$(?:A\$([0-9A-Fa-f]{3})|5)\$/.exec(kept.toString("latin1", 0, 7));
  if (head === null) return undefined;
  const rounds = head[1] === undefined ? 5000 : Number.parseInt(head[1], 16) * 1000;
  const saltAt = head[0].length;
  const lettersAt = saltAt + SALT_BYTES + (head[1] === undefined ? 1 : 0);
  const letters = kept.subarray(lettersAt);
  if (letters.length !== LETTERS || rounds < 1000 || rounds > MOST_ROUNDS) return undefined;
  return { salt: kept.subarray(saltAt, saltAt + SALT_BYTES), rounds, letters };
}

/** Takes some milliseconds, as it is meant to. */
export function fitsCrypt(password: Buffer, { salt, rounds, letters }: KeptCrypt): boolean {
  return timingSafeEqual(encode(cryptDigest(password, salt, rounds)), letters);
}

const sha256 = (parts: readonly Buffer[]): Buffer => digest("sha256", ...parts);

const repeated = (block: Buffer, bytes: number): Buffer =>
  Buffer.concat(Array.from({ length: Math.ceil(bytes / block.length) }, () => block)).subarray(0, bytes);

function cryptDigest(password: Buffer, salt: Buffer, rounds: number): Buffer {
  const inner = sha256([password, salt, password]);
  const parts = [password, salt, repeated(inner, password.length)];
  for (let bits = password.length; bits > 0; bits >>>= 1) parts.push((bits & 1) === 1 ? inner : password);
  let result = sha256(parts);
  const p = repeated(sha256(Array.from(password, () => password)), password.length);
  const s = repeated(sha256(Array.from({ length: 16 + (result[0] ?? 0) }, () => salt)), salt.length);
  for (let round = 0; round < rounds; round++) {
    const isOdd = (round & 1) === 1;
    const sequence = [isOdd ? p : result];
    if (round % 3 !== 0) sequence.push(s);
    if (round % 7 !== 0) sequence.push(p);
    sequence.push(isOdd ? result : p);
    result = sha256(sequence);
  }
  return result;
}

const ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** crypt's own base 64: three bytes, 10 apart and turning, to four letters, the lowest bits first; the last two bytes to three. */
function encode(digest: Buffer): Buffer {
  let text = "";
  const add = (value: number, letters: number): void => {
    for (let i = 0; i < letters; i++) text += ALPHABET[(value >>> (6 * i)) & 0x3f];
  };
  const at = (i: number): number => digest[i] ?? 0;
  let [a, b, c] = [0, 10, 20];
  for (let group = 0; group < 10; group++) {
    add((at(a) << 16) | (at(b) << 8) | at(c), 4);
    [a, b, c] = [c + 1, a + 1, b + 1];
  }
  add((at(31) << 8) | at(30), 3);
  return Buffer.from(text);
}
