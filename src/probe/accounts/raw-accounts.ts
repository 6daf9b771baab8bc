import type { Row } from "../database/session.ts";

/** What the server answered, statement by statement; a table that may not be read, or is not there, is empty. */
export interface RawAccounts {
  readonly variables: readonly Row[];
  /** Rows of mysql.global_priv; undefined: the server has none, or it may not be read. */
  readonly globalPriv: readonly Row[] | undefined;
  /** Rows of mysql.user, where there is nothing better. */
  readonly users: readonly Row[];
  readonly passwordAges: readonly Row[];
  readonly databaseGrants: readonly Row[];
  readonly objectGrants: readonly Row[];
  readonly rolesMapping: readonly Row[];
  readonly roleEdges: readonly Row[];
  readonly defaultRoles: readonly Row[];
}

/** A field as text; columns of some versions are binary. */
export function text(row: Row, name: string): string {
  const value = row[name] ?? row[name.toLowerCase()];
  return value === undefined || value === null ? "" : String(value);
}

export const isYes = (row: Row, name: string): boolean => text(row, name) === "Y";

export function variable(rows: readonly Row[], name: string): string {
  const row = rows.find((candidate) => text(candidate, "Variable_name") === name);
  return row === undefined ? "" : text(row, "Value");
}
