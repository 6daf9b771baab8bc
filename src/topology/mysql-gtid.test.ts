import { describe, expect, test } from "bun:test";
import { compareMysqlGtids, formatMysqlGtids, parseMysqlGtids } from "./mysql-gtid.ts";

const A = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
const B = "4e11fa47-71ca-11e1-9e33-c80aa9429562";

const read = (text: string) => {
  const parsed = parseMysqlGtids(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.value;
};

describe("MySQL GTID sets", () => {
  test.each([
    ["", ""],
    [`${A}:1`, `${A}:1`],
    [`${B}:1-3,\n${A}:1-5:7`, `${A}:1-5:7,${B}:1-3`],
    [`${A.toUpperCase()}:7:1-3:4-5:2-3`, `${A}:1-5:7`],
    [`${A}:1-2,${A}:3`, `${A}:1-3`],
    [`${A}:1-5:blue:1-3:7`, `${A}:1-5:blue:1-3:7`],
    [`${A}:green:1:1-5`, `${A}:green:1-5`],
    [`${A}:green:1,${A}:5`, `${A}:5:green:1`],
  ])("%j is read and printed as %j", (text, printed) => {
    expect(formatMysqlGtids(read(text))).toBe(printed);
  });

  test.each([
    ["nonsense", '"nonsense" is no server UUID'],
    [A, `"${A}" names no transaction`],
    [`${A}:blue`, `"${A}:blue" names no transaction`],
    [`${A}:5-1`, '"5-1" is no interval; it should look like 5 or 1-5'],
    [`${A}:0`, '"0" is no interval; it should look like 5 or 1-5'],
    [`${A}:9223372036854775807`, '"9223372036854775807" is no interval; it should look like 5 or 1-5'],
  ])("%j is refused", (text, problem) => {
    expect(parseMysqlGtids(text)).toEqual({ ok: false, problem });
  });

  test.each([
    [`${A}:1-5`, `${A}:1-5`, "equal"],
    [`${A}:1-5`, `${A}:1-3:5`, "ahead"],
    [`${A}:2-3`, `${A}:1-5`, "behind"],
    [`${A}:1-5`, `${A}:4-7`, "diverged"],
    [`${A}:1-5`, `${B}:1`, "diverged"],
    [`${A}:1-5,${B}:1`, `${A}:1-5`, "ahead"],
    [`${A}:1-5:blue:1`, `${A}:1-5`, "ahead"],
    ["", `${A}:1`, "behind"],
  ] as const)("%j to %j is %s", (a, b, overall) => {
    expect(compareMysqlGtids(read(a), read(b)).overall).toBe(overall);
  });
});
