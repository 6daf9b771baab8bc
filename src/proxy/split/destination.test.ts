import { describe, expect, test } from "bun:test";
import { classify } from "../../sql/classify.ts";
import { type Destination, destinationOf } from "./destination.ts";
import type { ServerLeg } from "./server-leg.ts";
import { SessionFacts } from "./session-facts.ts";

const RULES = { readVariablesOnPrimary: false };
const where = (sql: string, facts = new SessionFacts(), rules = RULES): Destination => {
  const bytes = Buffer.from(sql);
  return destinationOf(classify(bytes, 0, bytes.length, facts.mode), facts, rules);
};
const facts = (change: Partial<SessionFacts>): SessionFacts => Object.assign(new SessionFacts(), change);

test.each<[string, Destination]>([
  ["SELECT 1", "reader"],
  ["START TRANSACTION READ ONLY", "reader"],
  ["BEGIN", "primary"],
  ["INSERT INTO t VALUES (1)", "primary"],
  ["SELECT * FROM t FOR UPDATE", "primary"],
  ["SELECT LAST_INSERT_ID()", "primary"],
  ["CALL p()", "primary"],
  ["SET TRANSACTION READ ONLY", "primary"],
  ["SET NAMES utf8mb4", "everywhere"],
  ["SET @x = 1", "everywhere"],
  ["USE app", "everywhere"],
  ["PREPARE s FROM 'SELECT 1'", "everywhere"],
  ["SHOW WARNINGS", "last"],
  ["SELECT FOUND_ROWS()", "last"],
  ["SELECT 1 -- maxscale route to master", "primary"],
  ["SELECT 1 -- maxscale route to server db3", "named"],
  ["INSERT INTO t VALUES (1) -- maxscale route to slave", "primary"],
])("%s: %s", (sql, destination) => {
  expect(where(sql)).toBe(destination);
});

describe("what the session is", () => {
  test("a transaction holds all but what every server is told", () => {
    const inside = facts({ transaction: {} as ServerLeg });
    for (const sql of ["SELECT 1", "INSERT INTO t VALUES (1)", "COMMIT", "SHOW WARNINGS"])
      expect(where(sql, inside)).toBe("transaction");
    expect(where("SET @x = 1", inside)).toBe("everywhere");
  });

  test.each<Partial<SessionFacts>>([
    { isAutocommit: false },
    { isPinned: true },
    { hasTemporaryTables: true },
    { hasLockedTables: true },
  ])("%p: reads go to the primary", (change) => {
    expect(where("SELECT 1", facts(change))).toBe("primary");
  });

  test("what is pinned needs no other server", () => {
    expect(where("SET @x = 1", facts({ isPinned: true }))).toBe("primary");
    expect(where("SET @x = 1", facts({ isAutocommit: false }))).toBe("everywhere");
  });

  test("user variables: where they are known, or where it was asked for", () => {
    expect(where("SELECT @x")).toBe("reader");
    expect(where("SELECT @x", facts({ hasPrimaryVariables: true }))).toBe("primary");
    expect(where("SELECT @x", new SessionFacts(), { readVariablesOnPrimary: true })).toBe("primary");
  });

  test("SET TRANSACTION holds for the next transaction, wherever that would have gone", () => {
    expect(where("START TRANSACTION READ ONLY", facts({ isNextPrepared: true }))).toBe("primary");
  });
});

describe("what statements leave behind", () => {
  const after = (...statements: readonly string[]): SessionFacts => {
    const left = new SessionFacts();
    for (const sql of statements) {
      const bytes = Buffer.from(sql);
      left.executed(classify(bytes, 0, bytes.length, 0));
    }
    return left;
  };

  test.each<[string, Partial<SessionFacts>]>([
    ["CREATE TEMPORARY TABLE t (i INT)", { hasTemporaryTables: true, isBound: true }],
    ["LOCK TABLES t READ", { hasLockedTables: true, isBound: true }],
    ["SELECT GET_LOCK('x', 1)", { isHeld: true, isBound: true, needsPrimary: false }],
    ["SET TRANSACTION READ ONLY", { isNextPrepared: true }],
    ["COMMIT RELEASE", { isReleasing: true }],
    ["INSERT INTO t VALUES (1)", { isBound: false, needsPrimary: false }],
    ["SELECT 1", { isBound: false, needsPrimary: false }],
  ])("%s", (sql, left) => {
    expect(after(sql)).toMatchObject(left);
  });

  test("UNLOCK TABLES lets go", () => {
    expect(after("LOCK TABLES t READ", "UNLOCK TABLES")).toMatchObject({ hasLockedTables: false });
  });
});
