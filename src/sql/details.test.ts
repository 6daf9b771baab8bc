import { describe, expect, test } from "bun:test";
import { killTarget } from "./kill-target.ts";
import {
  ANSI_QUOTES,
  IGNORE_SPACE,
  MYSQL,
  modeOfCharacterSet,
  modeOfServer,
  modeOfSqlMode,
  NO_BACKSLASH_ESCAPES,
  ORACLE,
  RECENT_MARIADB,
  UNSAFE_CHARSET,
} from "./lexer-mode.ts";
import { routingHints } from "./routing-hints.ts";
import { executedName, sessionChanges } from "./session-changes.ts";
import { userVariables } from "./user-variables.ts";

type Details<T> = (bytes: Uint8Array, from: number, to: number, mode: number) => T;
const of = <T>(details: Details<T>, text: string, mode = 0): T => {
  const bytes = Buffer.from(text);
  return details(bytes, 0, bytes.length, mode);
};
const changes = (text: string, mode = 0) => of(sessionChanges, text, mode);
const variable = (name: string, value?: string) => ({ kind: "variable", name, value });

describe("what a session statement changes", () => {
  test("variables, in whatever way they are written", () => {
    const expected = [variable("sql_mode", "ANSI")];
    for (const text of [
      "SET sql_mode = 'ANSI'",
      "set SQL_MODE='ANSI';",
      "SET SESSION sql_mode := ANSI",
      'SET @@sql_mode = "ANSI"',
      "SET @@session.sql_mode = 'ANSI'",
      "SET LOCAL `sql_mode` = 'ANSI'",
      "/*!40101 SET SQL_MODE='ANSI' */",
    ])
      expect(changes(text)).toEqual(expected as never);
  });

  test("only a literal has a value", () => {
    expect(
      changes("SET a = 5, b = DEFAULT, c = CONCAT('x', 'y'), d = 1 + 1, e = ON, f = -1, g = @x, h = (1)"),
    ).toEqual([
      variable("a", "5"),
      variable("b"),
      variable("c"),
      variable("d"),
      variable("e", "ON"),
      variable("f"),
      variable("g"),
      variable("h"),
    ] as never);
  });

  test("names, roles, isolation, user variables; not what is global or for one transaction", () => {
    expect(changes("SET NAMES 'utf8mb4' COLLATE utf8mb4_bin, CHARACTER SET latin1, NAMES DEFAULT")).toEqual([
      { kind: "names", characterSet: "utf8mb4", collation: "utf8mb4_bin" },
      { kind: "character-set", characterSet: "latin1", collation: undefined },
      { kind: "names", characterSet: undefined, collation: undefined },
    ]);
    expect(changes("SET @A = (1, 2), @`b c` = 'x', ROLE admin")).toEqual([
      { kind: "user-variable", name: "a" },
      { kind: "user-variable", name: "b c" },
      { kind: "role" },
    ]);
    expect(changes("SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY")).toEqual([
      { kind: "transaction" },
    ]);
    for (const none of [
      "SET GLOBAL a = 1",
      "SET @@global.a = 1, @@persist.b = 2",
      "SET TRANSACTION READ ONLY",
      "SET PASSWORD = 'x'",
      "SET STATEMENT a = 1 FOR SELECT 1",
      "SELECT @a := 1",
    ])
      expect(changes(none)).toEqual([]);
  });

  test("database, prepared statements; all of several statements", () => {
    expect(changes("USE `a``b`; SET x = 1; DROP PREPARE `S`;")).toEqual([
      { kind: "database", name: "a`b" },
      { kind: "variable", name: "x", value: "1" },
      { kind: "deallocate", name: "s" },
    ]);
    expect(changes("PREPARE S FROM @x")).toEqual([{ kind: "prepare", name: "s", text: undefined }]);
    expect(changes("PREPARE S FROM 'a' 'b'")).toEqual([{ kind: "prepare", name: "s", text: undefined }]);
  });

  test("the text of a prepared statement is without its quotes and escapes", () => {
    const textOf = (text: string, mode = 0): string => {
      const [change] = changes(`PREPARE s FROM ${text}`, mode);
      return change?.kind === "prepare" && change.text ? Buffer.from(change.text).toString() : "";
    };
    expect(textOf("'SELECT ''a'', \"b\", \\'c\\\\'")).toBe("SELECT 'a', \"b\", 'c\\");
    expect(textOf("'x\\n\\t\\0\\%\\_\\q'")).toBe("x\n\t\0\\%\\_q");
    expect(textOf("'a\\b'", NO_BACKSLASH_ESCAPES)).toBe("a\\b");
    expect(textOf("'naïve'")).toBe("naïve");
  });

  test("EXECUTE names a statement in any case, quoted or not", () => {
    expect(of(executedName, "EXECUTE `S` USING @a")).toBe("s");
    expect(of(executedName, "/* x */ execute s;")).toBe("s");
    expect(of(executedName, "SELECT 1")).toBeUndefined();
  });
});

test("whom a KILL is for", () => {
  const hard = { isSoft: false, isQueryOnly: false };
  expect(of(killTarget, "KILL 5")).toEqual({ ...hard, kind: "connection", id: 5 });
  expect(of(killTarget, "KILL SOFT CONNECTION 5;")).toEqual({
    ...hard,
    isSoft: true,
    kind: "connection",
    id: 5,
  });
  expect(of(killTarget, "kill hard query 5")).toEqual({
    ...hard,
    isQueryOnly: true,
    kind: "connection",
    id: 5,
  });
  expect(of(killTarget, "KILL QUERY ID 7")).toEqual({ ...hard, isQueryOnly: true, kind: "query-id", id: 7 });
  expect(of(killTarget, "KILL USER 'it''s'@'10.%'")).toEqual({
    ...hard,
    kind: "user",
    user: "it's",
    host: "10.%",
  });
  expect(of(killTarget, "KILL USER bob")).toEqual({ ...hard, kind: "user", user: "bob", host: undefined });
  for (const text of [
    "KILL",
    "KILL 5 + 1",
    "KILL CONNECTION_ID()",
    "KILL @x",
    "KILL USER CURRENT_USER()",
    "KILL 1e99",
    "SELECT 5",
  ])
    expect(of(killTarget, text)).toBeUndefined();
});

describe("hints", () => {
  const route = (to: "master" | "slave" | "last") => ({ kind: "route" as const, to });

  test("route to a role or a server", () => {
    expect(of(routingHints, "-- maxscale route to master\nSELECT 1 /* sluice route to replica */")).toEqual([
      route("master"),
      route("slave"),
    ]);
    expect(of(routingHints, "SELECT 1 # maxscale route to server db1")).toEqual([
      { kind: "route", to: "server", server: "db1" },
    ]);
  });

  test("begin, end, prepare and parameters", () => {
    expect(of(routingHints, "/* maxscale begin route to last */")).toEqual([
      { kind: "begin", name: undefined, hint: route("last") },
    ]);
    expect(of(routingHints, "/* maxscale end */")).toEqual([{ kind: "end" }]);
    expect(of(routingHints, "/* maxscale a prepare route to slave *//* maxscale a begin */")).toEqual([
      { kind: "prepare", name: "a", hint: route("slave") },
      { kind: "begin", name: "a", hint: undefined },
    ]);
    expect(of(routingHints, "/* maxscale b begin max_replication_lag = 10 */")).toEqual([
      { kind: "begin", name: "b", hint: { kind: "parameter", name: "max_replication_lag", value: "10" } },
    ]);
  });

  test("what is none is left out", () => {
    for (const text of [
      "is fine",
      "route to",
      "route to nowhere",
      "route to server",
      "begin",
      "route to master now",
    ])
      expect(of(routingHints, `SELECT 1 /* maxscale ${text} */`)).toEqual([]);
    expect(of(routingHints, "SELECT '/* maxscale route to master */'")).toEqual([]);
  });
});

test("modes from what servers say", () => {
  expect(modeOfSqlMode("STRICT_TRANS_TABLES,ANSI_QUOTES")).toBe(ANSI_QUOTES);
  expect(modeOfSqlMode("ansi, no_backslash_escapes")).toBe(ANSI_QUOTES | IGNORE_SPACE | NO_BACKSLASH_ESCAPES);
  expect(modeOfSqlMode("ORACLE") & ORACLE).toBe(ORACLE);
  expect(modeOfSqlMode("")).toBe(0);
  expect(modeOfCharacterSet("utf8mb4")).toBe(0);
  expect(modeOfCharacterSet("latin1_swedish_ci")).toBe(0);
  for (const unsafe of ["gbk", "SJIS", "big5_chinese_ci", "cp932", "gb18030", "utf32", "no_such"])
    expect(modeOfCharacterSet(unsafe)).toBe(UNSAFE_CHARSET);
  expect(modeOfServer("10.11.6-MariaDB-log")).toBe(0);
  expect(modeOfServer("5.5.5-10.6.18-MariaDB")).toBe(0);
  expect(modeOfServer("11.8.2-MariaDB")).toBe(RECENT_MARIADB);
  expect(modeOfServer("12.0.1-MariaDB")).toBe(RECENT_MARIADB);
  expect(modeOfServer("8.4.2")).toBe(MYSQL);
});

test("the user variables that a text names", () => {
  expect(of(userVariables, "SELECT @A, @a := 1, @`b ``c`, @'d', @e.f, @@g INTO @h -- @i")).toEqual([
    "a",
    "b `c",
    "d",
    "e.f",
    "h",
  ]);
});
