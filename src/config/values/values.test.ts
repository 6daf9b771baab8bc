import { describe, expect, test } from "bun:test";
import { host, hostPort, network } from "./address.ts";
import { flag, oneOf, tlsSwitch } from "./choice.ts";
import { duration } from "./duration.ts";
import { countOrShare, integer, orAuto, weight } from "./number.ts";
import { size } from "./size.ts";
import { list, path, secret, text } from "./text.ts";
import type { ValueType } from "./value-type.ts";

/** The value of a text, or the words of its refusal. */
function read<T>(type: ValueType<T>, written: string): T | string {
  const parsed = type.parse(written);
  return parsed.ok ? parsed.value : parsed.wrong;
}

describe("durations", () => {
  const seconds = duration();
  test.each([
    ["500ms", 500],
    ["1s", 1000],
    ["2min", 120_000],
    ["2m", 120_000],
    ["1h", 3_600_000],
    ["1H", 3_600_000],
    ["1.5s", 1500],
    ["1.1min", 66_000],
    ["0.25 h", 900_000],
    ["10", 10_000],
    ["0", 0],
    ["-0s", 0],
    ["0.5ms", "not a whole number of milliseconds"],
    ["-1s", "too short"],
    ["1 day", "not a duration"],
    ["1e3", "not a duration"],
    ["", "not a duration"],
    ["99999999h", "too long"],
  ])("%j is %p", (written, expected) => {
    expect(read(seconds, written)).toBe(expected);
    expect(Object.is(read(seconds, written), -0)).toBe(false);
  });

  test("a bare number of milliseconds is an old form", () => {
    expect(duration({ bare: "ms" }).parse("10000")).toEqual({
      ok: true,
      value: 10_000,
      deprecated: { name: "a number without unit", instead: "10000ms, or the unit that was meant" },
    });
  });

  test("negative may mean off", () => {
    expect(read(duration({ bare: "s", negativeIsOff: true, minMs: -1 }), "-5")).toBe(-1);
  });

  test.each([
    [500, "500ms"],
    [1500, "1500ms"],
    [90_000, "90s"],
    [120_000, "2min"],
    [7_200_000, "2h"],
    [0, "0s"],
  ])("%p prints as %p", (ms, printed) => {
    expect(seconds.print(ms)).toBe(printed);
  });
});

test.each([
  ["65536", 65_536],
  ["16Mi", 16_777_216],
  ["16mi", 16_777_216],
  ["1k", 1000],
  ["1G", 1e9],
  ["2Ti", 2 * 1024 ** 4],
  ["1KB", "not a size"],
  ["-1", "not a size"],
  ["99999999999T", "too large"],
])("the size %j is %p", (written, expected) => {
  expect(read(size(), written)).toBe(expected);
});

test("words are read in any letter case, old ones with the present form", () => {
  expect(read(flag(), "YES")).toBe(true);
  expect(read(flag(), "0")).toBe(false);
  expect(read(flag(), "2")).toBe("neither true nor false");
  expect(tlsSwitch().parse("Required")).toEqual({
    ok: true,
    value: true,
    deprecated: { name: "ssl=required", instead: "ssl=true" },
  });
  const colour = oneOf(["Red", "Green"], { also: { verde: "Green" } });
  expect(read(colour, "red")).toBe("Red");
  expect(read(colour, "VERDE")).toBe("Green");
  expect(read(colour, "constructor")).toBe("not one of the possible words");
});

test("numbers, shares and automatic values", () => {
  expect(read(integer(0, 9), "10")).toBe("out of range");
  expect(read(integer(-5, 9), "-5")).toBe(-5);
  expect(read(integer(0, 9), "1.0")).toBe("not a whole number");
  expect(read(weight(), "0.5")).toBe(0.5);
  expect(read(countOrShare(255), "50%")).toEqual({ percent: 50 });
  expect(read(countOrShare(255), "7")).toEqual({ count: 7 });
  expect(read(orAuto(integer(0, 9)), "AUTO")).toBe("auto");
});

test.each([
  ["db1", "db1"],
  ["db-1.example.com.", "db-1.example.com."],
  ["my_db", "my_db"],
  ["10.0.0.1", "10.0.0.1"],
  ["fd00::1", "fd00::1"],
  ["[fd00::1]", "fd00::1"],
  ["10.0.0", "neither a name nor an address"],
  ["-db", "neither a name nor an address"],
  ["a b", "neither a name nor an address"],
  ["", "neither a name nor an address"],
])("the host %j is %p", (written, expected) => {
  expect(read(host(), written)).toBe(expected);
});

test("hosts with ports, and networks", () => {
  expect(read(hostPort(), "10.0.0.1:80")).toEqual({ host: "10.0.0.1", port: 80 });
  expect(read(hostPort(), "[fd00::1]:80")).toEqual({ host: "fd00::1", port: 80 });
  expect(read(hostPort(), "80")).toEqual({ host: "127.0.0.1", port: 80 });
  expect(read(hostPort(), "fd00::1:80")).toBe("an IPv6 address needs brackets");
  expect(read(hostPort(), "db1")).toBe("no port from 1 to 65535 at its end");
  expect(hostPort().print({ host: "fd00::1", port: 80 })).toBe("[fd00::1]:80");
  expect(read(network(), "fd00::/8")).toBe("fd00::/8");
  expect(read(network(), "10.0.0.0/33")).toBe("the prefix length is not from 0 to 32");
  expect(read(network(), "db1")).toBe("not a network");
});

test("lists, paths and secrets", () => {
  expect(read(list(text()), " a, b ,,c ")).toEqual(["a", "b", "c"]);
  expect(read(list(text()), "")).toEqual([]);
  expect(read(list(integer(1, 5)), "1,9")).toBe("9: out of range");
  expect(read(list(text()), "a,a")).toBe("a is there twice");
  expect(read(path(), "x")).toBe("not an absolute path");
  const parsed = secret().parse("geheim");
  expect(`${Bun.inspect(parsed)}${JSON.stringify(parsed)}`).not.toContain("geheim");
  expect(parsed.ok && parsed.value.reveal()).toBe("geheim");
});
