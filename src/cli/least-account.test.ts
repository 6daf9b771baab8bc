import { describe, expect, test } from "bun:test";
import { SluiceError } from "../errors/sluice-error.ts";
import { accountSql, leastPrivilege, parseAccount, parseServerKind } from "./least-account.ts";

describe("leastPrivilege", () => {
  test.each([
    ["galera", "10.11.6-MariaDB-log", "USAGE"],
    ["standalone", "8.0.36", "USAGE"],
    ["connector", "8.0.36-Tungsten", "USAGE"],
    ["replica", "10.4.32-MariaDB", "REPLICATION CLIENT"],
    ["replica", "5.5.5-10.4.32-MariaDB", "REPLICATION CLIENT"],
    ["replica", "10.5.2-MariaDB", "REPLICATION SLAVE ADMIN"],
    ["replica", "10.5.8-MariaDB", "REPLICATION SLAVE ADMIN"],
    ["replica", "10.5.9-MariaDB", "SLAVE MONITOR"],
    ["auto", "11.4.2-MariaDB-ubu2404", "SLAVE MONITOR"],
    ["replica", "12.0.2", "SLAVE MONITOR"],
    ["replica", "5.7.44-log", "REPLICATION CLIENT"],
    ["auto", "8.0.36-28", "REPLICATION CLIENT"],
    ["replica", "9.1", "REPLICATION CLIENT"],
  ] as const)("%s on %s", (profile, version, privilege) => {
    expect(leastPrivilege(profile, parseServerKind(version))).toBe(privilege);
  });

  test.each(["", "MariaDB", "ten.eleven"])("%j is no version", (text) => {
    expect(() => parseServerKind(text)).toThrow(SluiceError);
  });
});

describe("parseAccount", () => {
  test.each([
    ["'sluice'@'localhost'", "sluice", "localhost"],
    ["sluice@10.0.0.%", "sluice", "10.0.0.%"],
    ["sluice", "sluice", "localhost"],
    ["`a@b`@`%`", "a@b", "%"],
    ["o'neil@db1", "o'neil", "db1"],
  ])("%s", (text, user, host) => {
    expect(parseAccount(text)).toEqual({ user, host });
  });

  test.each(["", "@localhost", "''@'%'", "sluice@"])("%j is no account", (text) => {
    expect(() => parseAccount(text)).toThrow(SluiceError);
  });
});

describe("accountSql", () => {
  const sql = (version: string, password?: string) =>
    accountSql({ user: "o'neil\\", host: "%" }, "SLAVE MONITOR", parseServerKind(version), password);

  test("without a password it is no valid SQL, so that nobody gets an account with a password of ours", () => {
    expect(sql("10.11.6-MariaDB")).toEqual([
      "CREATE USER IF NOT EXISTS 'o''neil\\\\'@'%' IDENTIFIED BY <password in quotes>;",
      "GRANT SLAVE MONITOR ON *.* TO 'o''neil\\\\'@'%';",
    ]);
  });

  test.each(["5.7.44", "8.4.0", "10.1.3-MariaDB"])("%s knows CREATE USER IF NOT EXISTS", (version) => {
    expect(sql(version, "p'w")[0]).toBe("CREATE USER IF NOT EXISTS 'o''neil\\\\'@'%' IDENTIFIED BY 'p''w';");
  });

  test.each(["5.6.51", "10.0.38-MariaDB"])("%s does not", (version) => {
    expect(sql(version, "pw")).toEqual([
      "GRANT SLAVE MONITOR ON *.* TO 'o''neil\\\\'@'%' IDENTIFIED BY 'pw';",
    ]);
  });
});
