export type TlsProtocol = "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";

/**
 * What one listener or server speaks TLS with, as a worker needs it. PEM texts, not paths: a worker may run as a user who
 * cannot read the files, and all workers must use the same. Plain data that crosses to the workers as JSON. It holds a
 * private key: it never goes to a log, an error or an answer of the REST API.
 */
export interface TlsMaterial {
  /** Equal where everything else is equal; tells nothing about it. */
  readonly fingerprint: string;
  /** Certificate shown to the other side, with its chain; it always comes with its key. */
  readonly cert?: string;
  readonly key?: string;
  /** Authorities whose certificates are accepted. */
  readonly ca?: string;
  readonly crl?: string;
  /** Oldest and newest version to speak; missing: what the TLS library finds safe. */
  readonly minVersion?: TlsProtocol;
  readonly maxVersion?: TlsProtocol;
  /** OpenSSL cipher list for versions up to 1.2. */
  readonly ciphers?: string;
  /** The other side must show a certificate of `ca`. */
  readonly verifyCertificate: boolean;
  /** That certificate must name the host it is used on. */
  readonly verifyHost: boolean;
}

/** TLS is asked for and cannot be had, for this reason: nobody may go on without it. */
export interface BrokenTls {
  readonly broken: string;
}

export type TlsByName = Readonly<Record<string, TlsMaterial | BrokenTls>>;

/** Who is not in it does without TLS. Replaced as a whole. */
export interface TlsMaterials {
  readonly listeners: TlsByName;
  readonly servers: TlsByName;
}

export const NO_TLS: TlsMaterials = Object.freeze({ listeners: {}, servers: {} });
