import { expect, test } from "bun:test";
import { memoryFiles } from "../../../test/support/memory-files.ts";
import { matchAccount, mayUseDatabase } from "../../topology/match-account.ts";
import { readAccountsFile } from "./accounts-file.ts";

const PATH = "/etc/sluice/accounts.json";
const FROM = { address: "10.0.0.1", name: undefined };
const read = (text: string) => readAccountsFile(PATH, memoryFiles({ [PATH]: text }), 1000);

test("accounts of a file, as MaxScale writes them", () => {
  const accounts = read(
    JSON.stringify({
      user: [
        { user: "all", host: "%", global_db_priv: true },
        { user: "app", host: "10.0.0.%", password: "*14E6", default_role: "reader", super_priv: false },
        { user: "", host: "%", plugin: "pam", proxy_priv: true },
        { user: "reader", is_role: true },
      ],
      db: [
        { user: "app", host: "10.0.0.%", db: "sh_p" },
        { user: "reader", db: "reports" },
      ],
      roles_mapping: [{ user: "app", host: "10.0.0.%", role: "reader" }],
    }),
  );
  const app = matchAccount(accounts, "app", FROM);
  expect(app?.methods).toEqual([{ plugin: "mysql_native_password", authentication: "2a31344536" }]);
  const databases = ["shop", "reports", "other"].filter(
    (name) => app && mayUseDatabase(accounts, app, FROM, name),
  );
  expect(databases).toEqual(["shop", "reports"]);
  expect(matchAccount(accounts, "stranger", FROM)?.methods[0]?.plugin).toBe("pam");
});

test("what is wrong with a file is said", () => {
  expect(() => read("no json")).toThrow(PATH);
  expect(() => read('{"user":[{"host":"%"}]}')).toThrow(`${PATH}: user.0.user: `);
  expect(() => readAccountsFile(PATH, memoryFiles({}), 0)).toThrow("there is no /etc/sluice/accounts.json");
});
