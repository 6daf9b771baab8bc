import type { Account, Accounts } from "./accounts.ts";
import { type ClientHost, compareHosts, compareNetworks, matchesHost } from "./host-pattern.ts";
import { matchesPattern } from "./sql-pattern.ts";

/** The order of Accounts.accounts: the more specific host first, and of hosts alike the named before the anonymous. */
export function compareAccounts(
  a: Pick<Account, "user" | "host">,
  b: Pick<Account, "user" | "host">,
): number {
  return (
    compareHosts(a.host, b.host) ||
    Number(a.user === "") - Number(b.user === "") ||
    compareNetworks(a.host, b.host)
  );
}

/** The account of a client of this name from there, as the server would choose. */
export function matchAccount({ accounts }: Accounts, user: string, host: ClientHost): Account | undefined {
  return accounts.find(
    (account) => (account.user === user || account.user === "") && matchesHost(account.host, host),
  );
}

/** Whether a client may begin in that database; whether there is such a database is the server's to say. */
export function mayUseDatabase(
  accounts: Accounts,
  account: Account,
  host: ClientHost,
  database: string,
): boolean {
  const fold = (name: string): string => (accounts.ignoresCase ? name.toLowerCase() : name);
  const wanted = fold(database);
  if (account.mayUseAll || accounts.openDatabases.includes(database.toLowerCase())) return true;
  const roles = activeRoles(accounts, account);
  if (accounts.roles.some(({ name, mayUseAll }) => mayUseAll && roles.has(name))) return true;
  return accounts.grants.some((grant) => {
    const isMine =
      grant.host === "" ? roles.has(grant.user) : grant.user === account.user || grant.user === "";
    if (!isMine) return false;
    const name = fold(grant.database);
    if (!(grant.isPattern ? matchesPattern(name, wanted) : name === wanted)) return false;
    return grant.host === "" || matchesHost(grant.host, host);
  });
}

/** The default roles, those that they are granted, and so on. */
function activeRoles({ roles }: Accounts, { defaultRoles }: Account): ReadonlySet<string> {
  const active = new Set<string>(defaultRoles);
  // A Set's iteration also reaches what is added meanwhile.
  for (const name of active)
    for (const role of roles) if (role.name === name) for (const granted of role.grants) active.add(granted);
  return active;
}
