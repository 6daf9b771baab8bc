import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

  test("what it shows, patch can apply", () => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-difference-"));
    const text = fc.array(fc.constantFrom("a", "b", "c", "", "d e"), { maxLength: 25 });
    try {
      fc.assert(
        fc.property(text, text, (before, after) => {
          const [from, to] = [before, after].map((lines) => lines.map((line) => `${line}\n`).join(""));
          const shown = difference(from ?? "", to ?? "");
          if (from === to) return shown === "";
          writeFileSync(join(folder, "file"), from ?? "");
          const patched = spawnSync("patch", ["--quiet", "--output=-", join(folder, "file")], {
            input: shown,
          });
          return patched.status === 0 && patched.stdout.toString() === to;
        }),
        { numRuns: 60 },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
