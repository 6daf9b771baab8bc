import { expect, test } from "bun:test";
import { decidingWords } from "./deciding-words.ts";

function decided(text: string, mode = 0): string | undefined {
  const bytes = Buffer.from(text);
  const place = decidingWords(bytes, mode);
  return place && bytes.toString("utf8", place.from, place.to);
}

test("the words that made a statement what it is", () => {
  expect(decided("SELECT * FROM t FOR UPDATE")).toBe("FOR UPDATE");
  expect(decided("SELECT a, f(1), b FROM t")).toBe("f(");
  expect(decided("SELECT a FROM t; SELECT 2")).toBe("; SELECT");
  expect(decided("SELECT REPLACE(a, 'x', 'y') FROM t INTO OUTFILE 'z'")).toBe("t INTO");
  expect(decided("SELECT /*!40001 SQL_NO_CACHE */ a FROM t LOCK IN SHARE MODE")).toBe("t LOCK");
  expect(decided("SELECT ROW_COUNT()")).toBe("ROW_COUNT(");
  expect(decided("SET @a = NOW()")).toBe("= NOW");
});

test("nothing where it was clear from the first word, or is too long to search", () => {
  expect(decided("INSERT INTO t VALUES (1)")).toBeUndefined();
  expect(decided("")).toBeUndefined();
  expect(decided(`SELECT ${"1,".repeat(10_000)} f(1)`)).toBeUndefined();
});
