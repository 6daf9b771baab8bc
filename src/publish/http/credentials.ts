import { createHash, timingSafeEqual } from "node:crypto";

export interface CredentialsOptions {
  readonly basic?: { readonly user: string; readonly password: string };
  readonly bearer?: string;
}

/** What a client must show. Only digests are kept, and all are compared in constant time. */
export class Credentials {
  /** The WWW-Authenticate header line of a refusal. */
  readonly challenge: string;
  readonly #digests: readonly Buffer[];

  constructor({ basic, bearer }: CredentialsOptions) {
    const accepted: string[] = [];
    if (basic !== undefined) accepted.push(`basic ${basic.user}:${basic.password}`);
    if (bearer !== undefined) accepted.push(`bearer ${bearer}`);
    this.#digests = accepted.map(digest);
    this.challenge = `WWW-Authenticate: ${basic === undefined ? "Bearer" : "Basic"} realm="sluice"`;
  }

  /** `header` as in `Authorization: header`. */
  accept(header: string | undefined): boolean {
    const [, scheme = "", token = ""] = /^(\w+) +(\S+)$/.exec(header ?? "") ?? [];
    const isBasic = scheme.toLowerCase() === "basic";
    const shown = digest(
      `${scheme.toLowerCase()} ${isBasic ? Buffer.from(token, "base64").toString() : token}`,
    );
    let isAccepted = false;
    for (const known of this.#digests) isAccepted = timingSafeEqual(known, shown) || isAccepted;
    return isAccepted;
  }
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
