import type { Account, Accounts } from "../../topology/accounts.ts";
import { compareAccounts } from "../../topology/match-account.ts";

/** All accounts that any of them has; where two have the same, the first one counts. undefined: there is none of them. */
export function mergeAccounts(all: readonly Accounts[]): Accounts | undefined {
  const [first, ...others] = all;
  if (first === undefined || others.length === 0) return first;
  const accounts = new Map<string, Account>();
  for (const account of all.flatMap((one) => one.accounts)) {
    const key = JSON.stringify([account.user, account.host]);
    if (!accounts.has(key)) accounts.set(key, account);
  }
  return {
    ...first,
    server: all.map(({ server }) => server).join(", "),
    accounts: [...accounts.values()].sort(compareAccounts),
    grants: all.flatMap(({ grants }) => grants),
    roles: all.flatMap(({ roles }) => roles),
  };
}
