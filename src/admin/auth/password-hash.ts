import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { SluiceError } from "../../errors/sluice-error.ts";

// OWASP's parameters for 16 MiB: a login costs a fifth of a second and little memory.
const COST = { N: 16_384, r: 8, p: 5 } as const;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const FORM = /^scrypt\$(\d+)\$(\d+)\$(\d+)\$([A-Za-z0-9_-]+)\$([A-Za-z0-9_-]+)$/;
/** Each takes a fifth of a second of a processor: more of them only wait for each other. */
const MAX_WAITING = 16;

let waiting = 0;

/** `scrypt$N$r$p$salt$hash`: everything it takes to verify, so that the cost can be raised later. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  return print(salt, await derive(password, salt, COST.N, COST.r, COST.p, HASH_BYTES));
}

/** A hash that no password has; to verify against it takes as long as against any other. */
export function impossibleHash(): string {
  return print(randomBytes(SALT_BYTES), randomBytes(HASH_BYTES));
}

/** False for a hash that is not of our form, too. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const [, N, r, p, salt, hash] = FORM.exec(stored) ?? [];
  if (hash === undefined || salt === undefined) return false;
  const expected = Buffer.from(hash, "base64url");
  const found = await derive(
    password,
    Buffer.from(salt, "base64url"),
    Number(N),
    Number(r),
    Number(p),
    expected.length,
  );
  return timingSafeEqual(found, expected);
}

export function isPasswordHash(text: string): boolean {
  return FORM.test(text);
}

function print(salt: Buffer, hash: Buffer): string {
  return ["scrypt", COST.N, COST.r, COST.p, salt.toString("base64url"), hash.toString("base64url")].join("$");
}

function derive(
  password: string,
  salt: Buffer,
  N: number,
  r: number,
  p: number,
  bytes: number,
): Promise<Buffer> {
  if (waiting >= MAX_WAITING) {
    throw new SluiceError("BUSY", "too many logins are being checked; try again in a moment");
  }
  waiting++;
  return new Promise<Buffer>((resolve, reject) => {
    scrypt(password, salt, bytes, { N, r, p, maxmem: 64 * 1024 * 1024 }, (error, key) => {
      // Bun says undefined where Node says null.
      if (error) reject(error);
      else resolve(key);
    });
  }).finally(() => {
    waiting--;
  });
}
