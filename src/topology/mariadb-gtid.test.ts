import { describe, expect, test } from "bun:test";
import { compareMariadbGtids, formatMariadbGtids, parseMariadbGtids } from "./mariadb-gtid.ts";

const read = (text: string) => {
  const parsed = parseMariadbGtids(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.value;
};

describe("MariaDB GTID lists", () => {
  test.each([
    ["", ""],
    ["  ", ""],
    ["0-1-100", "0-1-100"],
    ["2-3-4, 0-1-18446744073709551615", "0-1-18446744073709551615,2-3-4"],
  ])("%j is read and printed as %j", (text, printed) => {
    expect(formatMariadbGtids(read(text))).toBe(printed);
  });

  test.each([
    ["0-1", '"0-1" is no GTID; it should look like 0-1-100'],
    ["0-1-2,", '"" is no GTID; it should look like 0-1-100'],
    ["0-4294967296-2", '"0-4294967296-2" is no GTID; it should look like 0-1-100'],
    ["0-1-18446744073709551616", '"0-1-18446744073709551616" is no GTID; it should look like 0-1-100'],
    ["0-1-5,0-2-6", 'domain 0 occurs twice in "0-1-5,0-2-6"'],
  ])("%j is refused", (text, problem) => {
    expect(parseMariadbGtids(text)).toEqual({ ok: false, problem });
  });

  test.each([
    ["0-1-5", "0-1-5", "equal"],
    ["0-1-6", "0-1-5", "ahead"],
    ["0-2-6", "0-1-5", "ahead"],
    ["0-1-5", "0-1-5,1-2-3", "behind"],
    ["", "0-1-5", "behind"],
    ["", "", "equal"],
    ["0-1-5", "0-2-5", "diverged"],
    ["0-1-6,1-1-1", "0-1-5,1-1-2", "diverged"],
    ["0-1-6,1-1-1", "0-1-5,1-1-1", "ahead"],
  ] as const)("%j to %j is %s", (a, b, overall) => {
    expect(compareMariadbGtids(read(a), read(b)).overall).toBe(overall);
  });

  test("a comparison tells each domain", () => {
    const { parts } = compareMariadbGtids(read("0-1-6,1-1-1"), read("0-1-5,2-1-2"));
    expect([...parts]).toEqual([
      ["0", "ahead"],
      ["1", "ahead"],
      ["2", "behind"],
    ]);
  });
});
