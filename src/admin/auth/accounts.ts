import { randomBytes } from "node:crypto";
import { readFileSync, rmSync, statSync } from "node:fs";
import { z } from "zod";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import { writeFileAtomically } from "../../system/atomic-file.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import { hashPassword, isPasswordHash } from "./password-hash.ts";

/** `basic` may only read. */
export type AccountKind = "admin" | "basic";

export interface Account {
  readonly name: string;
  readonly account: AccountKind;
  readonly hash: string;
  /** ms since 1970. */
  readonly created: number;
  readonly updated: number | undefined;
}

const STORED = z.object({
  accounts: z.array(
    z.object({
      name: z.string(),
      account: z.enum(["admin", "basic"]),
      hash: z.string().refine(isPasswordHash),
      created: z.number(),
      updated: z.number().optional(),
    }),
  ),
});

const NAME = /^[A-Za-z0-9_.@-]{1,80}$/;
const MIN_PASSWORD = 8;
const MAX_PASSWORD = 1024;
const MAX_ACCOUNTS = 1000;
const PRIVATE = 0o600;

/**
 * Who may use the admin API. One JSON file, mode 0600, with nothing but scrypt hashes of the passwords; written as a whole and
 * atomically before a change counts. At the very first start there is one account, `admin`, whose password is in a second file.
 */
export class Accounts {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #log: Log;
  #accounts: ReadonlyMap<string, Account>;
  readonly #lastLogins = new Map<string, number>();

  private constructor(path: string, accounts: readonly Account[], clock: Clock, log: Log) {
    this.#path = path;
    this.#accounts = new Map(accounts.map((account) => [account.name, account]));
    this.#clock = clock;
    this.#log = log;
  }

  /** Reads the file; makes it, and the account `admin`, where there is none. Throws IO_FAILED or CONFIG_INVALID. */
  static async open(path: string, clock: Clock, log: Log): Promise<Accounts> {
    const stored = readAccounts(path);
    if (stored !== undefined) return new Accounts(path, stored, clock, log);
    const accounts = new Accounts(path, [], clock, log);
    await accounts.#createFirst();
    return accounts;
  }

  all(): readonly Account[] {
    return [...this.#accounts.values()];
  }

  find(name: string): Account | undefined {
    return this.#accounts.get(name);
  }

  /** Since the daemon was started; undefined: not yet. */
  lastLogin(name: string): number | undefined {
    return this.#lastLogins.get(name);
  }

  noteLogin(name: string): void {
    this.#lastLogins.set(name, this.#clock.now());
  }

  /** Throws ALREADY_EXISTS, or REQUEST_INVALID for a name or password that is not possible. */
  async create(name: string, kind: AccountKind, password: string): Promise<void> {
    if (!NAME.test(name)) {
      const message = `data.id: ${JSON.stringify(name.slice(0, 100))} is no account name; expected 1 to 80 letters, digits and _ . @ -`;
      throw new SluiceError("REQUEST_INVALID", message);
    }
    this.#refuseExisting(name);
    if (this.#accounts.size >= MAX_ACCOUNTS)
      throw new SluiceError("REFUSED", `there are ${MAX_ACCOUNTS} accounts already`);
    const hash = await hashPassword(checked(password));
    this.#refuseExisting(name);
    const account = { name, account: kind, hash, created: this.#clock.now(), updated: undefined };
    this.#store([...this.#accounts.values(), account]);
  }

  /** Sets a new password; whoever is logged in with the old one has to log in again. Throws NOT_FOUND or REQUEST_INVALID. */
  async setPassword(name: string, password: string): Promise<void> {
    this.#existing(name);
    const hash = await hashPassword(checked(password));
    const changed = { ...this.#existing(name), hash, updated: this.#clock.now() };
    this.#store([...this.#accounts.values()].map((account) => (account.name === name ? changed : account)));
    this.#forgetFirstPassword(name);
  }

  /** Throws NOT_FOUND, and REFUSED for the last administrator. */
  remove(name: string): void {
    const { account } = this.#existing(name);
    const rest = this.all().filter((other) => other.name !== name);
    if (account === "admin" && !rest.some((other) => other.account === "admin")) {
      throw new SluiceError("REFUSED", `${name} is the last administrator; create another one first`);
    }
    this.#store(rest);
    this.#lastLogins.delete(name);
    this.#forgetFirstPassword(name);
  }

  async #createFirst(): Promise<void> {
    const password = randomBytes(18).toString("base64url");
    const hash = await hashPassword(password);
    // The password first: an account whose password nobody knows would lock everybody out.
    writeFileAtomically(this.#firstPasswordPath, `${password}\n`, PRIVATE);
    this.#store([{ name: FIRST, account: "admin", hash, created: this.#clock.now(), updated: undefined }]);
    this.#log.warn(
      { event: "first_account", file: this.#firstPasswordPath },
      `the account ${FIRST} was created; its password is in ${this.#firstPasswordPath}`,
    );
  }

  get #firstPasswordPath(): string {
    return `${this.#path}.first-password`;
  }

  #forgetFirstPassword(name: string): void {
    if (name === FIRST) rmSync(this.#firstPasswordPath, { force: true });
  }

  #existing(name: string): Account {
    const account = this.#accounts.get(name);
    if (account === undefined) throw new SluiceError("NOT_FOUND", `there is no account ${name}`);
    return account;
  }

  #refuseExisting(name: string): void {
    if (this.#accounts.has(name))
      throw new SluiceError("ALREADY_EXISTS", `there is an account ${name} already`);
  }

  #store(accounts: readonly Account[]): void {
    writeFileAtomically(this.#path, `${JSON.stringify({ accounts }, null, 2)}\n`, PRIVATE);
    this.#accounts = new Map(accounts.map((account) => [account.name, account]));
  }
}

const FIRST = "admin";

/** Undefined: there is no such file yet. */
function readAccounts(path: string): readonly Account[] | undefined {
  let text: string;
  try {
    const { mode } = statSync(path);
    if ((mode & 0o077) !== 0) {
      const message = `${path} is open to other users; chmod 0600 ${path}, and change the passwords if somebody has read it`;
      throw new SluiceError("CONFIG_INVALID", message);
    }
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new SluiceError("IO_FAILED", `cannot read ${path}: ${errorMessage(error)}`, { cause: error });
  }
  const parsed = STORED.safeParse(parseJson(text));
  if (!parsed.success) {
    const message = `${path} is damaged: restore it, or remove it for a new account ${FIRST} at the next start`;
    throw new SluiceError("CONFIG_INVALID", message);
  }
  return parsed.data.accounts.map((account) => ({ ...account, updated: account.updated }));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function checked(password: string): string {
  if (password.length < MIN_PASSWORD || password.length > MAX_PASSWORD) {
    const message = `data.attributes.password: expected ${MIN_PASSWORD} to ${MAX_PASSWORD} characters`;
    throw new SluiceError("REQUEST_INVALID", message);
  }
  return password;
}
