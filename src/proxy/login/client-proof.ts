import type { Account, AuthMethod } from "../../topology/accounts.ts";
import {
  CACHING_SHA2_PASSWORD,
  FAST_AUTH_SUCCESS,
  FULL_AUTHENTICATION,
  provesCached,
  REQUEST_PUBLIC_KEY,
  withoutEnd,
} from "../../wire/auth/caching-sha2-password.ts";
import { NATIVE_PASSWORD, nativeKept, nativeSecretOf } from "../../wire/auth/native-password.ts";
import { writeAuthMoreData, writeAuthSwitch } from "../../wire/auth-switch.ts";
import { CLIENT, hasFlag } from "../../wire/capability.ts";
import { SCRAMBLE_BYTES, scrambleFrom } from "../../wire/greeting.ts";
import type { Credential } from "./credential.ts";
import type { KnownPasswords } from "./known-passwords.ts";
import type { LoginChannel } from "./login-channel.ts";
import { PasswordKey } from "./password-key.ts";
import { fitsPassword, keptBytes, NEEDS_PASSWORD } from "./verify-password.ts";

/** What a client has begun with. */
export interface FirstProof {
  /** Empty: mysql_native_password, of a client that does not say. */
  readonly plugin: string;
  readonly response: Buffer;
  readonly scramble: Buffer;
}

export interface ProofParts {
  readonly channel: LoginChannel;
  readonly capabilities: number;
  /** Nobody can listen: TLS, or a unix socket. */
  readonly isPrivate: boolean;
  readonly passwords: KnownPasswords;
  readonly key: PasswordKey;
  /** The client has sent its password where anybody on the way can read it. */
  onExposedPassword(): void;
  randomBytes(count: number): Buffer;
}

export type ProofOutcome =
  | { readonly kind: "proven"; readonly credential: Credential }
  | { readonly kind: "denied" }
  /** The client cannot use the plugin that the account needs (error 1251). */
  | { readonly kind: "client too old" }
  /** The account's plugin is none that can be served here. */
  | { readonly kind: "plugin"; readonly plugin: string };

interface Answer {
  readonly response: Buffer;
  readonly scramble: Buffer;
}

const DENIED: ProofOutcome = Object.freeze({ kind: "denied" });
const TOO_OLD: ProofOutcome = Object.freeze({ kind: "client too old" });
const EMPTY_PASSWORD: ProofOutcome = Object.freeze({ kind: "proven", credential: { kind: "none" } as const });

/**
 * What a client can show of its password. Asked for no more than once, so that it can be held against an account again when newer
 * ones have been read.
 *
 * For an account whose plugin needs the password itself on the server's side (ed25519, caching_sha2_password) the client is asked by
 * caching_sha2_password, whatever the plugin: every client of today knows that one, it hides the password on its way, and a known
 * password (KnownPasswords) spares the exchange next time.
 */
export class ClientProof {
  readonly #parts: ProofParts;
  readonly #first: FirstProof;
  #native: Answer | undefined;
  #sha2: Answer | undefined;
  /** undefined: not asked for; `unreadable`: asked for, and what came could not be read. */
  #password: Buffer | "unreadable" | undefined;
  #isUsingPassword: boolean;

  constructor(first: FirstProof, parts: ProofParts) {
    this.#first = first.plugin === "" ? { ...first, plugin: NATIVE_PASSWORD } : first;
    this.#parts = parts;
    this.#isUsingPassword = !isEmpty(first.response);
  }

  /** For the sentence of error 1045. */
  get isUsingPassword(): boolean {
    return this.#isUsingPassword;
  }

  /** Rejects with LoginBroken where the client does not go on. */
  async against(account: Account): Promise<ProofOutcome> {
    const served = account.methods.filter(({ plugin }) => isServed(plugin));
    const [unserved] = account.methods;
    if (served.length === 0)
      return unserved === undefined ? DENIED : { kind: "plugin", plugin: unserved.plugin };
    // What the client has begun with spares a round trip.
    const ordered = [...served].sort((a, b) => this.#distance(a) - this.#distance(b));
    let outcome: ProofOutcome = DENIED;
    for (const method of ordered) {
      const isNative = method.plugin === NATIVE_PASSWORD && this.#password === undefined;
      outcome = isNative ? await this.#byNative(method) : await this.#byPassword(account, method);
      if (outcome.kind === "proven") return outcome;
    }
    return outcome;
  }

  async #byNative(method: AuthMethod): Promise<ProofOutcome> {
    this.#native ??= await this.#answerBy(NATIVE_PASSWORD);
    if (this.#native === undefined) return TOO_OLD;
    const { response, scramble } = this.#native;
    const kept = keptBytes(method).toString("latin1");
    if (kept === "") return response.length === 0 ? EMPTY_PASSWORD : DENIED;
    const digest = nativeKept(kept);
    const sha1 = digest && nativeSecretOf(response, scramble, digest);
    return sha1 === undefined ? DENIED : { kind: "proven", credential: { kind: "sha1", sha1 } };
  }

  async #byPassword(account: Account, method: AuthMethod): Promise<ProofOutcome> {
    this.#sha2 ??= await this.#answerBy(CACHING_SHA2_PASSWORD);
    if (this.#sha2 === undefined) return TOO_OLD;
    const { response, scramble } = this.#sha2;
    if (isEmpty(response)) return fitsPassword(method, Buffer.alloc(0)) ? EMPTY_PASSWORD : DENIED;
    const { passwords, channel } = this.#parts;
    const name = accountName(account);
    const authentication = JSON.stringify(account.methods);
    if (this.#password === undefined) {
      const known = passwords.get(name, authentication);
      if (known !== undefined && provesCached(response, scramble, known.digest)) {
        channel.send(writeAuthMoreData(Buffer.of(FAST_AUTH_SUCCESS)));
        return { kind: "proven", credential: { kind: "clear", password: known.password } };
      }
      this.#password = (await this.#askPassword(scramble)) ?? "unreadable";
    }
    const password = this.#password;
    if (password === "unreadable" || !fitsPassword(method, password)) return DENIED;
    passwords.put(name, authentication, password);
    return { kind: "proven", credential: { kind: "clear", password } };
  }

  /** The client's answer by that plugin: what it has begun with, or what it says when it is asked to switch. */
  async #answerBy(plugin: string): Promise<Answer | undefined> {
    const { channel, capabilities, randomBytes } = this.#parts;
    if (this.#first.plugin === plugin) return this.#first;
    if (!hasFlag(capabilities, CLIENT.PLUGIN_AUTH)) return undefined;
    const scramble = scrambleFrom(randomBytes(SCRAMBLE_BYTES));
    channel.send(writeAuthSwitch({ plugin, scramble }));
    const response = Buffer.from(await channel.receive());
    this.#isUsingPassword = !isEmpty(response);
    return { response, scramble };
  }

  /** In the clear where nobody can listen; otherwise encrypted with our key, which the client asks for if it does not have it. */
  async #askPassword(scramble: Buffer): Promise<Buffer | undefined> {
    const { channel, isPrivate, key, onExposedPassword } = this.#parts;
    channel.send(writeAuthMoreData(Buffer.of(FULL_AUTHENTICATION)));
    let answer = await channel.receive();
    if (isPrivate) return withoutEnd(Buffer.from(answer));
    // MariaDB's client library sends it in the clear all the same (3.3.19). It is out now; the operator should know.
    if (answer.length > 1 && answer[answer.length - 1] === 0 && answer.length < PasswordKey.CIPHER_BYTES) {
      onExposedPassword();
      return withoutEnd(Buffer.from(answer));
    }
    if (answer.length === 1 && answer[0] === REQUEST_PUBLIC_KEY) {
      channel.send(writeAuthMoreData(await key.publicKey()));
      answer = await channel.receive();
    }
    return await key.decrypt(answer, scramble);
  }

  #distance({ plugin }: AuthMethod): number {
    return (plugin === NATIVE_PASSWORD) === (this.#first.plugin === NATIVE_PASSWORD) ? 0 : 1;
  }
}

export const accountName = ({ user, host }: Pick<Account, "user" | "host">): string => `${user}@${host}`;

const isServed = (plugin: string): boolean => plugin === NATIVE_PASSWORD || NEEDS_PASSWORD.has(plugin);

/** Some clients send an empty password as a zero byte. */
const isEmpty = (response: Buffer): boolean =>
  response.length === 0 || (response.length === 1 && response[0] === 0);
