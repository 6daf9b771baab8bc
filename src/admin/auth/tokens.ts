import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { Clock } from "../../telemetry/clock.ts";
import type { Account, Accounts } from "./accounts.ts";

const HEADER = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString("base64url");
const ISSUER = "sluice";
const MAX_LENGTH = 2048;

const CLAIMS = z.object({
  iss: z.literal(ISSUER),
  sub: z.string(),
  exp: z.number(),
  /** Of the password the token was given for: it ends with it. */
  pwd: z.string(),
});

/**
 * JSON Web Tokens (RFC 7519), HS256 and nothing else. The key is made at start, so a restart ends every token; so does a change of
 * the password.
 */
export class Tokens {
  #key = randomBytes(32);
  readonly #accounts: Accounts;
  readonly #clock: Clock;

  constructor(accounts: Accounts, clock: Clock) {
    this.#accounts = accounts;
    this.#clock = clock;
  }

  issue(account: Account, lifetimeSeconds: number): string {
    const now = Math.floor(this.#clock.now() / 1000);
    const claims = {
      iss: ISSUER,
      sub: account.name,
      account: account.account,
      iat: now,
      exp: now + lifetimeSeconds,
      pwd: fingerprint(account),
    };
    const signed = `${HEADER}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}`;
    return `${signed}.${this.#sign(signed)}`;
  }

  /** The account that a token stands for; undefined for one that is forged, expired or outlived. */
  verify(token: string): Account | undefined {
    if (token.length > MAX_LENGTH) return undefined;
    const [header, payload, signature, ...more] = token.split(".");
    if (header !== HEADER || payload === undefined || signature === undefined || more.length > 0)
      return undefined;
    if (!isSame(signature, this.#sign(`${header}.${payload}`))) return undefined;
    const claims = CLAIMS.safeParse(JSON.parse(Buffer.from(payload, "base64url").toString()));
    if (!claims.success || claims.data.exp * 1000 <= this.#clock.now()) return undefined;
    const account = this.#accounts.find(claims.data.sub);
    return account !== undefined && fingerprint(account) === claims.data.pwd ? account : undefined;
  }

  /** Ends every token that was issued. */
  renewKey(): void {
    this.#key = randomBytes(32);
  }

  #sign(text: string): string {
    return createHmac("sha256", this.#key).update(text).digest("base64url");
  }
}

function fingerprint({ hash }: Account): string {
  return createHash("sha256").update(hash).digest("base64url").slice(0, 16);
}

function isSame(found: string, expected: string): boolean {
  const [a, b] = [Buffer.from(found), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
