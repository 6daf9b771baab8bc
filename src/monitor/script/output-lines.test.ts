import { describe, expect, test } from "bun:test";
import { OutputLines } from "./output-lines.ts";

function told(chunks: readonly string[]): readonly string[] {
  const lines: string[] = [];
  const output = new OutputLines((level, line) => lines.push(`${level} ${line}`));
  for (const chunk of chunks) output.write(chunk);
  output.end();
  return lines;
}

test("lines are whole, however they arrive", () => {
  const text = "one\ntwo\r\n\n  three\nlast";
  const lines = ["info one", "info two", "info   three", "info last"];
  expect(told([text])).toEqual(lines);
  expect(told([...text])).toEqual(lines);
});

test.each([
  ["error: no", "error no"],
  ["  Alert : no", "error no"],
  ["WARNING:no", "warn no"],
  ["notice: yes", "info yes"],
  ["info: yes", "info yes"],
  ["debug:  yes", "debug yes"],
  ["errors: 3", "info errors: 3"],
  ["the error: no", "info the error: no"],
  ["\u001b[31mred\u0007\u0085", "info  [31mred"],
])("%p", (line, expected) => {
  expect(told([`${line}\n`])).toEqual([expected]);
});

describe("caps", () => {
  test("a line of 1,000 characters is whole, a longer one is cut", () => {
    expect(told([`${"x".repeat(1000)}\n`])).toEqual([`info ${"x".repeat(1000)}`]);
    expect(told([..."x".repeat(5000)])).toEqual([`info ${"x".repeat(1000)}…`]);
  });

  test("200 lines, and the number of the rest", () => {
    const lines = told(["line\n".repeat(1234)]);
    expect(lines).toHaveLength(201);
    expect(lines.at(-1)).toBe("info (1034 more lines)");
  });
});
