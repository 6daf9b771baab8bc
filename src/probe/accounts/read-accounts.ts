/**
 * probe/accounts/: reads who may log in to a server. For the control process; the password of nobody is read, only what the server keeps in
 * its place.
 *
 *   server ─ mysql.global_priv, mysql.user, mysql.db, … ─▶ RawAccounts ─ parseAccounts ─▶ Accounts
 */
import type { Accounts } from "../../topology/accounts.ts";
import { onOneSession } from "../database/one-session.ts";
import type { DatabaseSession, Row } from "../database/session.ts";
import type { DatabaseTarget } from "../database/target.ts";
import { parseAccounts } from "./parse-accounts.ts";
import * as statements from "./statements.ts";

/** Reads them on a connection of its own, within the deadline. Rejects with one sentence that names the server. */
export async function readAccounts(
  target: DatabaseTarget,
  server: string,
  deadlineMs: number,
  now: () => number,
): Promise<Accounts> {
  return await onOneSession(target, deadlineMs, (session) => readAll(session, server, now));
}

/** The table may not be read, or is not there. */
const ER_TABLEACCESS_DENIED = 1142;
const ER_NO_SUCH_TABLE = 1146;
const ER_BAD_FIELD = 1054;
const ER_VIEW_INVALID = 1356;

async function readAll(session: DatabaseSession, server: string, now: () => number): Promise<Accounts> {
  const isMariadb = /mariadb/i.test(session.version);
  const optional = async (statement: string): Promise<readonly Row[] | undefined> => {
    try {
      return await session.query(statement);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  };
  const rows = async (statement: string, isThere: boolean): Promise<readonly Row[]> =>
    isThere ? ((await optional(statement)) ?? []) : [];
  const globalPriv = isMariadb ? await optional(statements.SELECT_GLOBAL_PRIV) : undefined;
  const raw = {
    variables: await session.query(statements.SHOW_ACCOUNT_VARIABLES),
    globalPriv,
    // Without any account to read there is nothing to go by: this one must succeed.
    users: globalPriv === undefined ? await session.query(statements.SELECT_USER) : [],
    passwordAges: await rows(statements.SELECT_PASSWORD_AGES, !isMariadb),
    databaseGrants: await rows(statements.SELECT_DATABASE_GRANTS, true),
    objectGrants: (await Promise.all(statements.SELECT_OBJECT_GRANTS.map((each) => rows(each, true)))).flat(),
    rolesMapping: await rows(statements.SELECT_ROLES_MAPPING, isMariadb),
    roleEdges: await rows(statements.SELECT_ROLE_EDGES, !isMariadb),
    defaultRoles: await rows(statements.SELECT_DEFAULT_ROLES, !isMariadb),
  };
  return parseAccounts(raw, server, now());
}

function isMissing(error: unknown): boolean {
  const errno = typeof error === "object" && error !== null && "errno" in error ? error.errno : undefined;
  return (
    errno === ER_TABLEACCESS_DENIED ||
    errno === ER_NO_SUCH_TABLE ||
    errno === ER_BAD_FIELD ||
    errno === ER_VIEW_INVALID
  );
}
