import {
  CACHING_SHA2_PASSWORD,
  cachingSha2Proof,
  encryptPassword,
  FULL_AUTHENTICATION,
  REQUEST_PUBLIC_KEY,
} from "../../wire/auth/caching-sha2-password.ts";
import { CLIENT_ED25519, ED25519_PROOF_BYTES, ed25519Proof } from "../../wire/auth/ed25519.ts";
import { NATIVE_PASSWORD, nativeProof, nativeSecret } from "../../wire/auth/native-password.ts";
import type { AuthSwitch } from "../../wire/auth-switch.ts";
import type { Credential } from "./credential.ts";
import { SHA256_PASSWORD } from "./verify-password.ts";

const CLEAR_PASSWORD = "mysql_clear_password";
/** sha256_password's own way to ask for the key. */
const SHA256_REQUEST_KEY = 1;

const EMPTY = Buffer.alloc(0);

/** The server wants a proof that cannot be given. The message is one clause about the server. */
export class Unprovable extends Error {
  override readonly name = "Unprovable";
}

/** Answers a server's questions with what is known of a password. */
export class ServerProof {
  readonly #credential: Credential;
  /** Nobody can listen: TLS, or a unix socket. */
  readonly #isPrivate: boolean;
  #last: AuthSwitch = { plugin: "", scramble: EMPTY };
  #lack: string | undefined;

  constructor(credential: Credential, isPrivate: boolean) {
    this.#credential = credential;
    this.#isPrivate = isPrivate;
  }

  /** What was answered last. */
  get last(): AuthSwitch {
    return this.#last;
  }

  /** Why the server may deny what is right: it was given nothing where it asked for what is not known here. One clause. */
  get lack(): string | undefined {
    return this.#lack;
  }

  /** To begin with: by the plugin that the server names if that is possible, for it spares a round trip. */
  first(asked: AuthSwitch): { readonly plugin: string; readonly response: Buffer } {
    const canAnswer =
      asked.plugin === CACHING_SHA2_PASSWORD
        ? this.#credential.kind !== "sha1"
        : asked.plugin === NATIVE_PASSWORD;
    const plugin = canAnswer ? asked.plugin : NATIVE_PASSWORD;
    return { plugin, response: this.answer({ plugin, scramble: asked.scramble }) };
  }

  /** Throws Unprovable. */
  answer(asked: AuthSwitch): Buffer {
    this.#last = asked;
    const { plugin, scramble } = asked;
    switch (plugin) {
      case NATIVE_PASSWORD:
        return nativeProof(this.#nativeSecret(), scramble);
      case CACHING_SHA2_PASSWORD:
        return cachingSha2Proof(this.#password(), scramble);
      case CLIENT_ED25519:
        if (this.#credential.kind !== "sha1") return ed25519Proof(this.#password(), scramble);
        // The account may have another plugin as well, by which the client has come in: the server asks for that next.
        this.#lack = this.#needsPassword;
        return Buffer.alloc(ED25519_PROOF_BYTES);
      case SHA256_PASSWORD:
        return this.#isPrivate ? this.#clear() : Buffer.of(SHA256_REQUEST_KEY);
      case CLEAR_PASSWORD:
        if (this.#isPrivate) return this.#clear();
        throw new Unprovable("it asks for the password in the clear, and the connection is not encrypted");
      default:
        throw new Unprovable(`it asks for the plugin ${plugin}, which is not known here`);
    }
  }

  /** What the server says after an answer; undefined: there is nothing to say to that. */
  more(data: Buffer): Buffer | undefined {
    const { plugin, scramble } = this.#last;
    if (plugin !== CACHING_SHA2_PASSWORD && plugin !== SHA256_PASSWORD)
      throw new Unprovable(`it asks for more than the plugin ${plugin} has to say`);
    if (data.length > 1) return encryptPassword(this.#password(), scramble, data);
    if (data[0] !== FULL_AUTHENTICATION) return undefined;
    return this.#isPrivate ? this.#clear() : Buffer.of(REQUEST_PUBLIC_KEY);
  }

  #nativeSecret(): Buffer | undefined {
    const credential = this.#credential;
    switch (credential.kind) {
      case "none":
        return undefined;
      case "sha1":
        return credential.sha1;
      case "clear":
        return nativeSecret(credential.password);
    }
  }

  #password(): Buffer {
    const credential = this.#credential;
    switch (credential.kind) {
      case "none":
        return EMPTY;
      case "clear":
        return credential.password;
      case "sha1":
        throw new Unprovable(this.#needsPassword);
    }
  }

  get #needsPassword(): string {
    return `it asks for the plugin ${this.#last.plugin}, which takes the password, while the client has logged in by ${NATIVE_PASSWORD}, which does not tell it`;
  }

  #clear(): Buffer {
    return Buffer.concat([this.#password(), Buffer.of(0)]);
  }
}
