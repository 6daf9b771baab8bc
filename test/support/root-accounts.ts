import { readAccounts } from "../../src/probe/accounts/read-accounts.ts";
import type { Accounts } from "../../src/topology/accounts.ts";
import type { DatabaseServer } from "../lab/database-server.ts";

/** The accounts of a server of the lab, as an account without a password reads them over its socket. */
export async function accountsOf(
  { socketPath: path }: Pick<DatabaseServer, "socketPath">,
  user = "root",
): Promise<Accounts> {
  const account = {
    user,
    password: () => undefined,
    tls: undefined,
    database: undefined,
    checkQuery: undefined,
  };
  const target = { endpoint: { kind: "socket", path } as const, ...account };
  return await readAccounts(target, "db1", 10_000, () => Date.now());
}
