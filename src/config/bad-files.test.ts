import { describe, expect, test } from "bun:test";
import { fixtureFiles, fixtureFolders } from "../../test/support/fixture-files.ts";
import { memoryFiles } from "../../test/support/memory-files.ts";
import { loadConfiguration } from "./load-configuration.ts";
import { formatProblem } from "./problem.ts";

/** test/fixtures/config/bad/RULE: a file with every form of one mistake, and the exact text of each problem. */
describe("each mistake is told with file, line, what was found and what would be right", () => {
  for (const rule of fixtureFolders("config/bad")) {
    test(rule, () => {
      const { "problems.txt": expected, ...files } = fixtureFiles(`config/bad/${rule}`);
      const result = loadConfiguration("sluice.cnf", memoryFiles(files), {});
      const problems = result.ok ? [] : result.problems;
      expect(problems.map((problem) => `${formatProblem(problem)}\n`).join("")).toBe(expected ?? "");
    });
  }
});
