/**
 * The accounts of a server as far as a login needs them: who may come from where, how they prove it, and which databases they
 * may begin in. Plain data, so that it crosses a process boundary as JSON.
 */
export interface Accounts {
  /** When they were read, ms since 1970. */
  readonly readAt: number;
  /** The server they were read from. */
  readonly server: string;
  readonly flavour: "mariadb" | "mysql";
  /** lower_case_table_names is not 0: names of databases are compared without regard to case. */
  readonly ignoresCase: boolean;
  /** skip_name_resolve is off: hosts of accounts may be names. */
  readonly resolvesNames: boolean;
  /** Whoever has an expired password may come in to change it; otherwise only clients that say they know of that. */
  readonly sandboxesAll: boolean;
  /** Most specific first: the first that matches user and host is the one. */
  readonly accounts: readonly Account[];
  /** Grants on one database or on something in it, to users (host is a pattern) and to roles (host is empty). */
  readonly grants: readonly DatabaseGrant[];
  readonly roles: readonly Role[];
  /** Databases that everybody may name. */
  readonly openDatabases: readonly string[];
}

export interface Account {
  /** Empty: anonymous, for any name that has no account of its own here. */
  readonly user: string;
  /** Pattern: a name or address, with % and _, or address/netmask. */
  readonly host: string;
  /** Any one of them will do; none is: nobody comes in. */
  readonly methods: readonly AuthMethod[];
  readonly isLocked: boolean;
  readonly isExpired: boolean;
  readonly tls: TlsRequirement;
  /** The account's own limit; 0: none. */
  readonly maxUserConnections: number;
  /** Has a privilege on all databases that lets it enter any. */
  readonly mayUseAll: boolean;
  /** Roles active from login on: names as in Accounts.roles. */
  readonly defaultRoles: readonly string[];
}

export interface AuthMethod {
  readonly plugin: string;
  /** Hexadecimal: what the server keeps in place of the password; empty: no password, or nothing kept. */
  readonly authentication: string;
}

export type TlsRequirement =
  | { readonly kind: "none" }
  | { readonly kind: "any" }
  | { readonly kind: "x509" }
  /** Each that is not empty must be equal. */
  | {
      readonly kind: "specified";
      readonly cipher: string;
      readonly issuer: string;
      readonly subject: string;
    };

export interface DatabaseGrant {
  readonly user: string;
  readonly host: string;
  readonly database: string;
  /** The name is a pattern with % and _; otherwise it is taken literally. */
  readonly isPattern: boolean;
}

export interface Role {
  readonly name: string;
  readonly mayUseAll: boolean;
  /** Roles granted to this one. */
  readonly grants: readonly string[];
}
