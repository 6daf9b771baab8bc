import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { classify, SCAN_LIMIT } from "./classify.ts";
import { flagNames } from "./flag-names.ts";
import * as modes from "./lexer-mode.ts";
import { READ, WRITE } from "./statement-flags.ts";

interface Case {
  readonly heading: string;
  readonly expected: string;
  readonly mode: number;
  readonly statement: string;
}

const MODES: ReadonlyMap<string, unknown> = new Map(Object.entries(modes));

function cases(): readonly Case[] {
  const [, ...sections] = readFileSync(join(import.meta.dir, "statements.txt"), "utf8").split(/^= /m);
  return sections.flatMap((section) => {
    const [heading = "", ...lines] = section.split("\n");
    return lines.filter((line) => line !== "").map((line) => caseOf(heading, line));
  });
}

function caseOf(heading: string, line: string): Case {
  const parts = /^([A-Z_ ]+?) \| ?(?:\[([A-Z_ ]+)\] )?(.*)$/.exec(line);
  if (!parts) throw new Error(`not a case: ${line}`);
  const [, expected = "", names = "", statement = ""] = parts;
  const mode = names
    .split(" ")
    .filter(Boolean)
    .reduce((bits, name) => bits | modeBit(name), 0);
  return { heading, expected: expected.split(" ").sort().join(" "), mode, statement };
}

function modeBit(name: string): number {
  const bit = MODES.get(name);
  if (typeof bit !== "number") throw new Error(`no mode: ${name}`);
  return bit;
}

function bytesOf(statement: string): Buffer {
  const parts = statement.replaceAll("⏎", "\n").split(/«([0-9A-F]{2})»/);
  return Buffer.concat(parts.map((part, i) => (i % 2 === 0 ? Buffer.from(part) : Buffer.from(part, "hex"))));
}

const flagsOf = (bytes: Buffer, mode = 0): string =>
  flagNames(classify(bytes, 0, bytes.length, mode))
    .toSorted()
    .join(" ");

test("every statement of the table", () => {
  const table = cases();
  expect(table.length).toBeGreaterThan(400);
  const wrong = table
    .map(({ heading, expected, mode, statement }) => ({
      statement: `${heading}: ${statement}`,
      flags: flagsOf(bytesOf(statement), mode),
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
