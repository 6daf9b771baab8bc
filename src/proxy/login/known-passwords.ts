import { cachedDigest } from "../../wire/auth/caching-sha2-password.ts";

/** Accounts whose password is remembered; the one not used for longest goes first. */
const MOST = 10_000;

interface Known {
  readonly password: Buffer;
  /** What a fast proof is checked against. */
  readonly digest: Buffer;
  /** What the server kept when the password was found right: another one there makes this one worthless. */
  readonly authentication: string;
}

/**
 * Passwords that clients have shown and that were right, so that the next login needs no full exchange. In this process's
 * memory only.
 */
export class KnownPasswords {
  readonly #known = new Map<string, Known>();

  /** @param account `user@host` of the account @param authentication what the server keeps for it now */
  get(account: string, authentication: string): Known | undefined {
    const known = this.#known.get(account);
    if (known === undefined) return undefined;
    this.#known.delete(account);
    if (known.authentication !== authentication) return undefined;
    this.#known.set(account, known);
    return known;
  }

  put(account: string, authentication: string, password: Buffer): void {
    this.#known.delete(account);
    this.#known.set(account, { password, digest: cachedDigest(password), authentication });
    if (this.#known.size <= MOST) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }
}
