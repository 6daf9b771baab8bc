import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { anAccount } from "../../test/support/an-account.ts";
import type { Account, Accounts } from "./accounts.ts";
import { isHostName, matchesHost } from "./host-pattern.ts";
import { compareAccounts, matchAccount, mayUseDatabase } from "./match-account.ts";
import { matchesPattern } from "./sql-pattern.ts";

const ACCOUNT = anAccount("app");
const accountsOf = (more: Partial<Accounts>): Accounts => ({
  readAt: 0,
  server: "db1",
  flavour: "mariadb",
  ignoresCase: false,
  resolvesNames: true,
  sandboxesAll: false,
  accounts: [],
  grants: [],
  roles: [],
  openDatabases: ["information_schema"],
  ...more,
});
const from = (address: string | undefined, name?: string) => ({ address, name });

describe("patterns", () => {
  test.each([
    ["shop", "shop", true],
    ["shop", "shops", false],
    ["sh_p", "shop", true],
    ["sh\\_p", "shop", false],
    ["sh\\_p", "sh_p", true],
    ["%", "", true],
    ["a%b%c", "aXXbYYbZc", true],
    ["a%b%c", "aXXbYYbZ", false],
    ["\\%", "%", true],
    ["%%_", "x", true],
    ["%\\", "a\\", true],
  ])("%s fits %s: %p", (pattern, text, fits) => {
    expect(matchesPattern(pattern, text)).toBe(fits);
  });

  test("as a regular expression would", () => {
    const letters = fc
      .array(fc.constantFrom("a", "b", "%", "_"), { maxLength: 8 })
      .map((all) => all.join(""));
    const text = fc.array(fc.constantFrom("a", "b"), { maxLength: 10 }).map((all) => all.join(""));
    fc.assert(
      fc.property(letters, text, (pattern, subject) => {
        const expected = new RegExp(`^${pattern.replaceAll("%", ".*").replaceAll("_", ".")}$`).test(subject);
        expect(matchesPattern(pattern, subject)).toBe(expected);
      }),
    );
  });

  test("a pattern made to be slow is not", () => {
    expect(matchesPattern(`${"%a".repeat(60)}b`, "a".repeat(5000))).toBe(false);
  });
});

describe("hosts", () => {
  test.each([
    ["%", from("10.0.0.1"), true],
    ["", from("10.0.0.1"), true],
    ["10.0.0.1", from("10.0.0.1"), true],
    ["10.0.%", from("10.0.0.1"), true],
    ["10.0.0.0/255.255.255.0", from("10.0.0.77"), true],
    ["10.0.0.0/255.255.255.0", from("10.0.1.77"), false],
    ["10.0.0.0/24", from("10.0.0.77"), true],
    ["0.0.0.0/0", from("10.0.0.77"), true],
    ["10.0.0.1/255.255.255.0", from("10.0.0.1"), false],
    ["10.0.0.0/24", from("fd00::1"), false],
    ["localhost", from("127.0.0.1"), false],
    ["localhost", from(undefined, "localhost"), true],
    ["App%.Example.com", from("10.0.0.1", "app7.example.COM"), true],
    ["fd00::%", from("fd00::17"), true],
  ])("%s means %p: %p", (pattern, host, isMeant) => {
    expect(matchesHost(pattern, host)).toBe(isMeant);
  });

  test("names are looked up for patterns that could be names", () => {
    const names = ["app.example.com", "%.example.com", "localhost"];
    const others = ["%", "10.%", "10.0.0.0/255.0.0.0", "fd00::%", "1__.%"];
    expect([...names, ...others].filter(isHostName)).toEqual(names);
  });
});

test("the most specific host comes first, and of it the named account", () => {
  const ordered = [
    ["app", "10.0.0.1"],
    ["app", "10.0.0.0/255.255.255.0"],
    ["app", "10.0.0.0/255.0.0.0"],
    ["", "10.0.0.1"],
    ["app", "10.0.0._"],
    ["app", "10.0.0.%"],
    ["app", "10.%"],
    ["", "10.%"],
    ["app", "%"],
    ["", "%"],
  ].map(([user = "", host = ""]) => ({ ...ACCOUNT, user, host }));
  for (const seed of [1, 2, 3]) {
    const mixed = [...ordered].sort(
      (a, b) => ((a.host.length * seed * 7 + a.user.length) % 5) - (b.host.length % 3),
    );
    expect(mixed.sort(compareAccounts)).toEqual(ordered);
  }
  const accounts = accountsOf({ accounts: ordered });
  expect(matchAccount(accounts, "app", from("10.0.0.2"))?.host).toBe("10.0.0.0/255.255.255.0");
  expect(matchAccount(accounts, "stranger", from("10.9.9.9"))?.host).toBe("10.%");
  expect(matchAccount(accounts, "app", from("192.0.2.1"))?.user).toBe("app");
});

describe("databases", () => {
  const grant = (user: string, host: string, database: string, isPattern = true) => ({
    user,
    host,
    database,
    isPattern,
  });
  const accounts = accountsOf({
    grants: [
      grant("app", "10.%", "shop\\_%"),
      grant("app", "192.0.2.1", "far"),
      grant("app", "%", "x_y", false),
      grant("", "%", "everybodys"),
      grant("reader", "", "reports"),
      grant("inner", "", "deep"),
    ],
    roles: [
      { name: "reader", mayUseAll: false, grants: ["inner"] },
      { name: "inner", mayUseAll: false, grants: ["reader"] },
      { name: "all", mayUseAll: true, grants: [] },
    ],
  });
  const may = (database: string, account: Partial<Account> = {}, all = accounts): boolean =>
    mayUseDatabase(all, { ...ACCOUNT, ...account }, from("10.0.0.1"), database);

  test("by its own grants, from where they hold", () => {
    expect(
      ["shop_1", "shopX1", "far", "x_y", "xzy", "everybodys", "reports"].filter((name) => may(name)),
    ).toEqual(["shop_1", "x_y", "everybodys"]);
  });

  test("by the default role, and roles of the role", () => {
    const withRole = { defaultRoles: ["reader"] };
    expect(["reports", "deep", "far"].filter((name) => may(name, withRole))).toEqual(["reports", "deep"]);
    expect(may("anything", { defaultRoles: ["all"] })).toBe(true);
  });

  test("by a privilege on all, and those that are everybody's", () => {
    expect(may("anything", { mayUseAll: true })).toBe(true);
    expect(may("INFORMATION_SCHEMA")).toBe(true);
  });

  test("without regard to case where the server has none", () => {
    expect(may("SHOP_1")).toBe(false);
    expect(may("SHOP_1", {}, { ...accounts, ignoresCase: true })).toBe(true);
  });
});
