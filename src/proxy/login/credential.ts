/** What a client has proven to know, as far as a server can be told it. Held in memory only; never logged. */
export type Credential =
  /** An empty password. */
  | { readonly kind: "none" }
  /** SHA1(password): answers any server's mysql_native_password, and nothing else. */
  | { readonly kind: "sha1"; readonly sha1: Buffer }
  /** Answers whatever a server asks for. */
  | { readonly kind: "clear"; readonly password: Buffer };
