import type { Account, AuthMethod, TlsRequirement } from "../../topology/accounts.ts";
import { NATIVE_PASSWORD } from "../../wire/auth/native-password.ts";
import type { Row } from "../database/session.ts";
import { isYes, text } from "./raw-accounts.ts";

/** Privileges of mysql.user that let an account enter every database. */
const ENTERS_ALL = [
  "Select_priv",
  "Insert_priv",
  "Update_priv",
  "Delete_priv",
  "Create_priv",
  "Drop_priv",
  "Grant_priv",
  "References_priv",
  "Index_priv",
  "Alter_priv",
  "Create_tmp_table_priv",
  "Lock_tables_priv",
  "Execute_priv",
  "Create_view_priv",
  "Show_view_priv",
  "Create_routine_priv",
  "Alter_routine_priv",
  "Event_priv",
  "Trigger_priv",
];

export const entersAll = (row: Row): boolean => ENTERS_ALL.some((name) => isYes(row, name));

/** A row of mysql.user: MySQL's, and MariaDB's where there is no mysql.global_priv to read. */
export function parseUser(
  row: Row,
  passwordAgeSeconds: number | undefined,
  defaultLifetimeDays: number,
): Account {
  const kept = text(row, "authentication_string") || text(row, "Password");
  return {
    user: text(row, "User"),
    host: text(row, "Host"),
    methods: [authMethod(text(row, "plugin"), kept)],
    isLocked: isYes(row, "account_locked"),
    isExpired: isYes(row, "password_expired") || isTooOld(row, passwordAgeSeconds, defaultLifetimeDays),
    tls: tlsOf(row),
    maxUserConnections: Math.max(0, Number(text(row, "max_user_connections")) || 0),
    mayUseAll: entersAll(row),
    defaultRoles: [],
  };
}

/** Without a plugin's name it is the one that there was before there were plugins. */
export const authMethod = (plugin: string, kept: string): AuthMethod => ({
  plugin: plugin === "" ? NATIVE_PASSWORD : plugin,
  authentication: Buffer.from(kept).toString("hex"),
});

function isTooOld(row: Row, ageSeconds: number | undefined, defaultLifetimeDays: number): boolean {
  const own = text(row, "password_lifetime");
  const days = own === "" ? defaultLifetimeDays : Number(own);
  return ageSeconds !== undefined && days > 0 && ageSeconds > days * 86_400;
}

function tlsOf(row: Row): TlsRequirement {
  switch (text(row, "ssl_type")) {
    case "ANY":
      return { kind: "any" };
    case "X509":
      return { kind: "x509" };
    case "SPECIFIED":
      return {
        kind: "specified",
        cipher: text(row, "ssl_cipher"),
        issuer: text(row, "x509_issuer"),
        subject: text(row, "x509_subject"),
      };
    default:
      return { kind: "none" };
  }
}
