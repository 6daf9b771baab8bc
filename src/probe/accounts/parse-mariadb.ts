import type { Account, AuthMethod, Role, TlsRequirement } from "../../topology/accounts.ts";
import type { Row } from "../database/session.ts";
import { authMethod } from "./parse-user.ts";
import { text } from "./raw-accounts.ts";

/** The document in mysql.global_priv.Priv; all of it may be missing. */
type Priv = Readonly<Record<string, unknown>>;

// Bits of `access` that let an account enter every database (DB_ACLS of the server).
const SELECT_TO_DROP = 0x3f;
const GRANT_TO_ALTER = 0x3c00;
const TEMPORARY_TABLES_LOCK_EXECUTE = 0x70000;
const VIEWS_AND_ROUTINES = 0x1e00000;
const EVENTS_AND_TRIGGERS = 0xc000000;
const ENTERS_ALL =
  SELECT_TO_DROP | GRANT_TO_ALTER | TEMPORARY_TABLES_LOCK_EXECUTE | VIEWS_AND_ROUTINES | EVENTS_AND_TRIGGERS;

const SECONDS_PER_DAY = 86_400;
const PUBLIC = "PUBLIC";

/** Of mysql.global_priv, and who has which role. @param now seconds since 1970 */
export function parseGlobalPriv(
  rows: readonly Row[],
  mapping: readonly Row[],
  defaultLifetimeDays: number,
  now: number,
): { readonly accounts: readonly Account[]; readonly roles: readonly Role[] } {
  const entries = rows.map((row) => ({
    user: text(row, "User"),
    host: text(row, "Host"),
    priv: privOf(row),
  }));
  const granted = (user: string, host: string): readonly string[] =>
    mapping
      .filter((row) => text(row, "User") === user && text(row, "Host") === host)
      .map((row) => text(row, "Role"));
  const roles = entries
    .filter(({ priv }) => priv["is_role"] === true)
    .map(({ user, priv }) => ({ name: user, mayUseAll: entersAll(priv), grants: granted(user, "") }));
  const ofAll = roles.some(({ name }) => name === PUBLIC) ? [PUBLIC] : [];
  const accounts = entries
    .filter(({ priv }) => priv["is_role"] !== true)
    .map(({ user, host, priv }) => {
      const defaultRole = wordOf(priv, "default_role");
      return {
        user,
        host,
        methods: methodsOf(priv),
        isLocked: priv["account_locked"] === true,
        isExpired: isExpired(priv, defaultLifetimeDays, now),
        tls: tlsOf(priv),
        maxUserConnections: Math.max(0, numberOf(priv, "max_user_connections", 0)),
        mayUseAll: entersAll(priv),
        defaultRoles: [...granted(user, host).filter((role) => role === defaultRole), ...ofAll],
      };
    });
  return { accounts, roles };
}

function privOf(row: Row): Priv {
  const { Priv: priv } = row;
  const value: unknown = typeof priv === "string" || Buffer.isBuffer(priv) ? parsed(String(priv)) : priv;
  return typeof value === "object" && value !== null ? (value as Priv) : {};
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** `auth_or` lists all ways in; an empty entry stands for the one that the document itself tells. */
function methodsOf(priv: Priv): readonly AuthMethod[] {
  const { auth_or: ways } = priv;
  const entries: readonly unknown[] = Array.isArray(ways) ? ways : [priv];
  return entries.map((entry) => {
    const way = typeof entry === "object" && entry !== null && "plugin" in entry ? (entry as Priv) : priv;
    return authMethod(wordOf(way, "plugin"), wordOf(way, "authentication_string"));
  });
}

/** Zero is the moment that PASSWORD EXPIRE sets. */
function isExpired(priv: Priv, defaultLifetimeDays: number, now: number): boolean {
  const changedAt = numberOf(priv, "password_last_changed", -1);
  if (changedAt <= 0) return changedAt === 0;
  const own = numberOf(priv, "password_lifetime", -1);
  const days = own < 0 ? defaultLifetimeDays : own;
  return days > 0 && Math.floor((now - changedAt) / SECONDS_PER_DAY) > days;
}

function tlsOf(priv: Priv): TlsRequirement {
  switch (numberOf(priv, "ssl_type", 0)) {
    case 1:
      return { kind: "any" };
    case 2:
      return { kind: "x509" };
    case 3:
      return {
        kind: "specified",
        cipher: wordOf(priv, "ssl_cipher"),
        issuer: wordOf(priv, "x509_issuer"),
        subject: wordOf(priv, "x509_subject"),
      };
    default:
      return { kind: "none" };
  }
}

/**
 * The bits above 31 are none of those. An account that mariadb-install-db made, root@localhost, has all 64 of them set; as a number
 * that is rounded to 2^64, of which no bit remains.
 */
function entersAll(priv: Priv): boolean {
  const access = numberOf(priv, "access", 0);
  return access > Number.MAX_SAFE_INTEGER || ((access % 2 ** 32) & ENTERS_ALL) !== 0;
}

function wordOf(priv: Priv, name: string): string {
  const value = priv[name];
  return typeof value === "string" ? value : "";
}

function numberOf(priv: Priv, name: string, otherwise: number): number {
  const value = priv[name];
  return typeof value === "number" ? value : otherwise;
}
