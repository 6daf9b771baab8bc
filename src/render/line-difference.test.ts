import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { lineDifference } from "./line-difference.ts";

const difference = (before: string, after: string) => lineDifference(before, after, "a", "b");

describe("lineDifference", () => {
  test("is empty where nothing differs", () => {
    expect(difference("one\ntwo\n", "one\ntwo\n")).toBe("");
  });

  test("shows a changed line between three lines on either side", () => {
    const before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
    expect(difference(before, before.replace("5", "five"))).toBe(
      "--- a\n+++ b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n",
    );
  });

  test("a new file is all additions", () => {
    expect(difference("", "one\n")).toBe("--- a\n+++ b\n@@ -0,0 +1,1 @@\n+one\n");
  });

  test("what it shows makes the one from the other", () => {
    const lines = fc.array(fc.constantFrom("a", "b", "c", "", "d e"), { maxLength: 25 });
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        const shown = difference(textOf(before), textOf(after));
        expect(applied(before, shown)).toEqual([...after]);
      }),
      { numRuns: 300 },
    );
  });
});

const textOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");

/** What patch(1) does, without its guessing: every line must be where the hunk says. */
function applied(before: readonly string[], shown: string): readonly string[] {
  const result: string[] = [];
  let at = 0;
  for (const line of shown.split("\n").slice(2, -1)) {
    const [, start, count] = /^@@ -(\d+),(\d+) /.exec(line) ?? [];
    if (start !== undefined) {
      const first = count === "0" ? Number(start) : Number(start) - 1;
      result.push(...before.slice(at, first));
      at = first;
    } else if (line.startsWith("+")) result.push(line.slice(1));
    else {
      expect(before[at]).toBe(line.slice(1));
      if (line.startsWith(" ")) result.push(line.slice(1));
      at++;
    }
  }
  return [...result, ...before.slice(at)];
}
