import type { Endpoint } from "../../topology/endpoint.ts";
import type { TlsProtocol } from "../../topology/tls-material.ts";

/** How to reach one database server and log in. */
export interface DatabaseTarget {
  readonly endpoint: Endpoint;
  readonly user: string;
  /** Called at each login, so that a changed password file is read again; undefined: no password. */
  readonly password: () => string | undefined;
  readonly tls: TlsOptions | undefined;
  readonly database: string | undefined;
  /** Asked instead of nothing by the standalone profile; must bring at least one row. */
  readonly checkQuery: string | undefined;
}

/** PEM texts (not paths). */
export interface TlsOptions {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Check that the certificate is signed by `ca` (or a CA of the system). */
  readonly verifyCertificate: boolean;
  /** Check that the certificate names the host. */
  readonly verifyHost: boolean;
  /** undefined: what the library offers. */
  readonly minVersion: TlsProtocol | undefined;
  readonly maxVersion?: TlsProtocol | undefined;
  /** For versions up to 1.2. */
  readonly ciphers?: string | undefined;
  readonly crl?: string | undefined;
}
