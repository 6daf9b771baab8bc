import { expect, test } from "bun:test";
import { statementTable } from "../../test/support/statement-table.ts";
import { classify, SCAN_LIMIT } from "./classify.ts";
import { flagNames } from "./flag-names.ts";
import { READ, WRITE } from "./statement-flags.ts";

const flagsOf = (bytes: Buffer, mode = 0): string =>
  flagNames(classify(bytes, 0, bytes.length, mode))
    .toSorted()
    .join(" ");

test("every statement of the table", () => {
  const table = statementTable();
  expect(table.length).toBeGreaterThan(400);
  const wrong = table
    .map(({ heading, expected, mode, statement }) => ({
      statement: `${heading}: ${statement}`,
      flags: flagsOf(statement, mode),
      expected,
    }))
    .filter(({ flags, expected }) => flags !== expected);
  expect(wrong).toEqual([]);
});

test("only what lies between from and to counts", () => {
  const bytes = Buffer.from("DELETE SELECT 1 FOR UPDATE");
  expect(classify(bytes, 7, 15, 0)).toBe(READ);
  expect(classify(bytes, 7, bytes.length, 0)).toBe(WRITE);
});

test("a long statement is read to a limit: beyond it anything may stand", () => {
  const list = Buffer.alloc(SCAN_LIMIT - 100, "1,");
  const short = Buffer.concat([Buffer.from("SELECT a IN ("), list, Buffer.from("1)")]);
  expect(classify(short, 0, short.length, 0)).toBe(READ);
  const long = Buffer.concat([Buffer.from("SELECT a IN ("), list, list, Buffer.from("1)")]);
  expect(classify(long, 0, long.length, 0)).toBe(WRITE);
});
