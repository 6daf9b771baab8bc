import { createHmac, randomBytes } from "node:crypto";
import { SluiceError } from "../../errors/sluice-error.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Account, AccountKind, Accounts } from "./accounts.ts";
import { LoginThrottle } from "./login-throttle.ts";
import { impossibleHash, verifyPassword } from "./password-hash.ts";
import type { Tokens } from "./tokens.ts";

/** Who makes a request. */
export interface Identity {
  readonly name: string;
  readonly account: AccountKind;
  /** Undefined: let in without an account (the unix socket, admin_auth=false). */
  readonly login: Account | undefined;
}

/** What a request brings along to prove who makes it. */
export interface Credentials {
  readonly authorization: string | undefined;
  readonly cookie: string | undefined;
  readonly address: string;
}

export interface AuthenticatorOptions {
  readonly accounts: Accounts;
  readonly tokens: Tokens;
  readonly clock: Clock;
  readonly log: Log;
  /** admin_log_auth_failures, which may change while it runs. */
  logsFailures(): boolean;
}

export const TOKEN_COOKIE = "token_sig";
/** A password that was right is not hashed again for this long, ms: scripts send it with every request. */
const REMEMBERED_MS = 60_000;
const MAX_REMEMBERED = 100;

/**
 * Finds out who makes a request:
 *
 *   Authorization: Basic ──▶ throttle ──▶ seen lately? ──▶ scrypt ──▶ Identity
 *   Authorization: Bearer, cookie ──▶ Tokens ─────────────────────────▶ Identity
 */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #throttle: LoginThrottle;
  /** Digest of account and password -> until when (monotonic, ms) they need no scrypt. */
  readonly #remembered = new Map<string, number>();
  readonly #digestKey = randomBytes(32);
  readonly #nobody = impossibleHash();

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#throttle = new LoginThrottle(options.clock);
  }

  /** Throws LOGIN_FAILED or TooManyLogins. */
  async identify(credentials: Credentials): Promise<Identity> {
    const { authorization } = credentials;
    const [, scheme = "", value = ""] = /^(\w+) +(\S+) *$/.exec(authorization ?? "") ?? [];
    if (scheme.toLowerCase() === "basic") return await this.#basic(value, credentials.address);
    const token = scheme.toLowerCase() === "bearer" ? value : tokenCookie(credentials.cookie);
    if (token === undefined || (authorization !== undefined && scheme === "")) {
      throw new SluiceError("LOGIN_FAILED", "an account is needed: send its name and password, or a token");
    }
    const account = this.#options.tokens.verify(token);
    if (account === undefined)
      throw new SluiceError("LOGIN_FAILED", "the token is not valid, or has expired: log in again");
    return identityOf(account);
  }

  async #basic(encoded: string, address: string): Promise<Identity> {
    const [name, password] = split(Buffer.from(encoded, "base64").toString("utf8"));
    const waitMs = this.#throttle.waitMs(address, name);
    if (waitMs > 0) throw new TooManyLogins(waitMs);
    const account = this.#options.accounts.find(name);
    if (!(await this.#isRight(account, password))) {
      this.#throttle.failed(address, name);
      this.#logFailure(name, address);
      throw new SluiceError("LOGIN_FAILED", "no such account, or a wrong password");
    }
    this.#throttle.succeeded(address, name);
    this.#options.accounts.noteLogin(name);
    // `isRight` is never true of nobody.
    return identityOf(account as Account);
  }

  async #isRight(account: Account | undefined, password: string): Promise<boolean> {
    if (account === undefined) {
      // So that the time it takes does not tell which accounts there are.
      return await verifyPassword(password, this.#nobody);
    }
    const now = this.#options.clock.monotonic();
    const digest = this.#digest(account, password);
    if ((this.#remembered.get(digest) ?? 0) > now) return true;
    this.#remembered.delete(digest);
    if (!(await verifyPassword(password, account.hash))) return false;
    if (this.#remembered.size >= MAX_REMEMBERED) {
      this.#remembered.delete(this.#remembered.keys().next().value ?? "");
    }
    this.#remembered.set(digest, this.#options.clock.monotonic() + REMEMBERED_MS);
    return true;
  }

  /** Of the stored hash too: a changed password is a new digest. */
  #digest({ name, hash }: Account, password: string): string {
    const parts = [name, hash, password].map((part) => `${part.length}:${part}`);
    return createHmac("sha256", this.#digestKey).update(parts.join("")).digest("base64");
  }

  #logFailure(name: string, address: string): void {
    if (!this.#options.logsFailures()) return;
    const account = name.replace(/[^\x20-\x7e]/g, "?").slice(0, 80);
    this.#options.log.warn(
      { event: "login_failed", account, client: address },
      `a login as ${account} from ${address} failed`,
    );
  }
}

/** Says how long to wait. */
export class TooManyLogins extends SluiceError {
  readonly retryAfterSeconds: number;

  constructor(waitMs: number) {
    const seconds = Math.ceil(waitMs / 1000);
    super("TOO_MANY_LOGINS", `too many failed logins; try again in ${seconds} s`);
    this.retryAfterSeconds = seconds;
  }
}

function identityOf(account: Account): Identity {
  return { name: account.name, account: account.account, login: account };
}

function split(text: string): readonly [string, string] {
  const colon = text.indexOf(":");
  return colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1)];
}

function tokenCookie(header: string | undefined): string | undefined {
  const pairs = (header ?? "").split(";").map((part) => part.trim().split("=", 2));
  return pairs.find(([name]) => name === TOKEN_COOKIE)?.[1];
}
