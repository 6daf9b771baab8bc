import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REAL_FILES } from "./file-access.ts";
import { loadConfiguration } from "./load-configuration.ts";
import { formatProblem } from "./problem.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-files-"));
afterAll(() => rmSync(folder, { recursive: true }));

function problemsOf(main: string): readonly string[] {
  const result = loadConfiguration(main, REAL_FILES, {});
  return result.ok ? [] : result.problems.map((problem) => formatProblem(problem).replaceAll(folder, ""));
}

describe("real files", () => {
  test("text and mode; a missing file, a dangling link and /dev/null", () => {
    const path = join(folder, "a");
    writeFileSync(path, "text");
    chmodSync(path, 0o640);
    symlinkSync("/nowhere", join(folder, "dangling"));
    expect(REAL_FILES.read(path)).toEqual({ text: "text", mode: 0o640 });
    expect(REAL_FILES.read(join(folder, "none"))).toBeUndefined();
    expect(REAL_FILES.read(join(folder, "dangling"))).toBeUndefined();
    expect(REAL_FILES.read("/dev/null")?.text).toBe("");
    expect(REAL_FILES.list(join(folder, "none"))).toBeUndefined();
  });

  test("what would block or fill the memory is refused", () => {
    expect(() => REAL_FILES.read("/dev/zero")).toThrow("is not a regular file");
    expect(() => REAL_FILES.read(folder)).toThrow("is not a regular file");
    writeFileSync(join(folder, "large"), "x".repeat(4 * 1024 ** 2 + 1));
    expect(() => REAL_FILES.read(join(folder, "large"))).toThrow("at most 4194304 are read");
  });
});

describe("a configuration that cannot be read as a whole says so", () => {
  test("a link to nowhere, a persistdir that is a file", () => {
    writeFileSync(join(folder, "m.cnf"), `[sluice]\npersistdir=${folder}/m.cnf\n`);
    mkdirSync(join(folder, "m.cnf.d"));
    symlinkSync("/nowhere", join(folder, "m.cnf.d/gone.cnf"));
    const [gone, ...more] = problemsOf(join(folder, "m.cnf"));
    expect(gone).toBe("/m.cnf.d/gone.cnf does not exist; name an existing file");
    expect(more).toHaveLength(1);
    expect(more[0]).toContain("ENOTDIR");
  });

  test("directories that lead back to themselves end", () => {
    writeFileSync(join(folder, "l.cnf"), "[sluice]\npersistdir=/nowhere\n");
    mkdirSync(join(folder, "l.cnf.d"));
    for (const name of ["a", "b"]) symlinkSync(".", join(folder, "l.cnf.d", name));
    const problems = problemsOf(join(folder, "l.cnf"));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain("see whether a link leads back to where it is");
  });
});
