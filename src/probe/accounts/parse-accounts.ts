import type { Account, Accounts, DatabaseGrant, Role } from "../../topology/accounts.ts";
import { compareAccounts } from "../../topology/match-account.ts";
import type { Row } from "../database/session.ts";
import { parseGlobalPriv } from "./parse-mariadb.ts";
import { entersAll, parseUser } from "./parse-user.ts";
import { isYes, type RawAccounts, text, variable } from "./raw-accounts.ts";

/** Everybody may name them; what they see there is another thing. */
const OPEN_DATABASES = ["information_schema", "performance_schema"];

/** @param readAt ms since 1970 */
export function parseAccounts(raw: RawAccounts, server: string, readAt: number): Accounts {
  const { variables } = raw;
  const isMariadb = /mariadb/i.test(variable(variables, "version"));
  const { accounts, roles } = isMariadb ? mariadbAccounts(raw, readAt) : mysqlAccounts(raw);
  return Object.freeze({
    readAt,
    server,
    flavour: isMariadb ? ("mariadb" as const) : ("mysql" as const),
    ignoresCase: variable(variables, "lower_case_table_names") !== "0",
    resolvesNames: !/^(on|1)$/i.test(variable(variables, "skip_name_resolve")),
    sandboxesAll: /^(off|0)$/i.test(variable(variables, "disconnect_on_expired_password")),
    accounts: [...accounts].sort(compareAccounts),
    grants: grantsOf(raw, isMariadb ? new Set() : new Set(roles.map(({ name }) => name))),
    roles,
    openDatabases: OPEN_DATABASES,
  });
}

interface Parsed {
  readonly accounts: readonly Account[];
  readonly roles: readonly Role[];
}

const lifetimeDays = ({ variables }: RawAccounts): number =>
  Number(variable(variables, "default_password_lifetime")) || 0;

function mariadbAccounts(raw: RawAccounts, readAt: number): Parsed {
  const { globalPriv, rolesMapping, users } = raw;
  const now = Math.floor(readAt / 1000);
  if (globalPriv !== undefined) return parseGlobalPriv(globalPriv, rolesMapping, lifetimeDays(raw), now);
  const grantsTo = (user: string, host: string): readonly string[] =>
    rolesMapping
      .filter((row) => text(row, "User") === user && text(row, "Host") === host)
      .map((row) => text(row, "Role"));
  const roles = users
    .filter((row) => isYes(row, "is_role"))
    .map((row) => ({
      name: text(row, "User"),
      mayUseAll: entersAll(row),
      grants: grantsTo(text(row, "User"), ""),
    }));
  const accounts = users
    .filter((row) => !isYes(row, "is_role"))
    .map((row) => {
      const account = parseUser(row, undefined, 0);
      const role = text(row, "default_role");
      return {
        ...account,
        defaultRoles: grantsTo(account.user, account.host).filter((name) => name === role),
      };
    });
  return { accounts, roles };
}

/** In MySQL a role is an account that is granted to another; its name here is `user@host`. */
function mysqlAccounts(raw: RawAccounts): Parsed {
  const { users, roleEdges, defaultRoles, passwordAges, variables } = raw;
  const nameOf = (row: Row): string => `${text(row, "User")}@${text(row, "Host")}`;
  const roleOf = (row: Row): string => `${text(row, "RoleUser")}@${text(row, "RoleHost")}`;
  const mandatory = variable(variables, "mandatory_roles")
    .split(",")
    .flatMap((role) => mandatoryRole(role));
  const isAllActive = /^(on|1)$/i.test(variable(variables, "activate_all_roles_on_login"));
  const roleNames = new Set([...roleEdges.map(roleOf), ...defaultRoles.map(roleOf), ...mandatory]);
  const ages = new Map(passwordAges.map((row) => [nameOf(row), Number(text(row, "age"))]));
  const accounts = users.map((row) => {
    const name = nameOf(row);
    const active = (isAllActive ? roleEdges : defaultRoles).filter((edge) => nameOf(edge) === name);
    return {
      ...parseUser(row, ages.get(name), lifetimeDays(raw)),
      defaultRoles: [...active.map(roleOf), ...(isAllActive ? mandatory : [])],
    };
  });
  const roles = users
    .filter((row) => roleNames.has(nameOf(row)))
    .map((row) => ({
      name: nameOf(row),
      mayUseAll: entersAll(row),
      grants: roleEdges.filter((edge) => nameOf(edge) === nameOf(row)).map(roleOf),
    }));
  return { accounts, roles };
}

function mandatoryRole(role: string): readonly string[] {
  const [, user = "", host = "%"] =
    /^\s*[`'"]?([^`'"@]+)[`'"]?(?:@[`'"]?([^`'"]*)[`'"]?)?\s*$/.exec(role) ?? [];
  return user === "" ? [] : [`${user.trim()}@${host}`];
}

/** @param rolesWithHost MySQL's roles: what is granted to them is granted to whoever has them */
function grantsOf(
  { databaseGrants, objectGrants }: RawAccounts,
  rolesWithHost: ReadonlySet<string>,
): readonly DatabaseGrant[] {
  const all = [
    ...databaseGrants.map((row) => ({ row, isPattern: true })),
    ...objectGrants.map((row) => ({ row, isPattern: false })),
  ];
  const seen = new Map<string, DatabaseGrant>();
  for (const { row, isPattern } of all) {
    const [user, host, database] = [text(row, "User"), text(row, "Host"), text(row, "Db")];
    const name = `${user}@${host}`;
    const grant = rolesWithHost.has(name)
      ? { user: name, host: "", database, isPattern }
      : { user, host, database, isPattern };
    seen.set(JSON.stringify(grant), grant);
  }
  return [...seen.values()];
}
