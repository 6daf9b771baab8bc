import { expect, test } from "bun:test";
import { parseShellVariables } from "./shell-variables.ts";

test.each([
  ["A=1", { A: "1" }],
  ["export A=1\n  B=2", { A: "1", B: "2" }],
  ["A=1\r\nB=2\r\n", { A: "1", B: "2" }],
  ["A=1\nA=2", { A: "2" }],
  ["A=", { A: "" }],
  ["A='it''s' # words", { A: "its" }],
  [`A="p#q w"`, { A: "p#q w" }],
  [`A="a \\"b\\" \\\\ \\$c \\d"`, { A: `a "b" \\ $c \\d` }],
  ["A='$(rm -rf /)'", { A: "$(rm -rf /)" }],
  ["A=p\\ q", { A: "p q" }],
  ["A=p#q", { A: "p#q" }],
  ["A=1; B=2", { A: "1" }],
  ["A='open", { A: "" }],
  ["# A=1\nif true; then\n[ -f x ] && A=2\nfi\n: $A\nA = 4", {}],
])("%j", (text, variables) => {
  expect(Object.fromEntries(parseShellVariables(text))).toEqual(variables as Record<string, string>);
});
