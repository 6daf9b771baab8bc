import { expect, test } from "bun:test";
import fc from "fast-check";
import { safeLine } from "./safe-line.ts";

test.each([
  ["plain text", "plain text"],
  ["two\r\nlines\tand  tabs ", "two lines and tabs"],
  ["caf\u00e9 \u{1f600} \x1b[31mred\x00", "caf? ? ?[31mred?"],
  ["", ""],
])("%j becomes %j", (text, line) => expect(safeLine(text, 100)).toBe(line));

test("a long one is cut, and says so", () => {
  expect(safeLine("abcdefghij", 10)).toBe("abcdefghij");
  expect(safeLine("abcdefghijk", 10)).toBe("abcdefg...");
});

test("whatever comes in, one short line of printable ASCII comes out", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
      expect(safeLine(text, 50)).toMatch(/^[\x20-\x7e]{0,50}$/);
    }),
  );
});
