import { expect, test } from "bun:test";
import { isObjectName } from "../object-name.ts";
import { destinationName, parseDestination } from "./destination.ts";

test.each([
  ["10.0.0.1:3307:0.5", { host: "10.0.0.1", port: 3307, weight: 0.5 }],
  ["10.0.0.1:3307", { host: "10.0.0.1", port: 3307, weight: 1 }],
  ["db1", { host: "db1", port: 3306, weight: 1 }],
  ["db1::2", { host: "db1", port: 3306, weight: 2 }],
  ["db1:0:2", { host: "db1", port: 3306, weight: 2 }],
  ["db1:3307:-1", { host: "db1", port: 3307, weight: -1 }],
  ["db1:3307:-0", { host: "db1", port: 3307, weight: 0 }],
  ["db1:3307:.25", { host: "db1", port: 3307, weight: 0.25 }],
  ["db1:3307:2.", { host: "db1", port: 3307, weight: 2 }],
  ["[fd00::1]:3307:1", { host: "fd00::1", port: 3307, weight: 1 }],
])("%s", (text, destination) => {
  expect(parseDestination(text, 3306)).toEqual(destination);
  expect(isObjectName(destinationName(destination))).toBe(true);
});

test.each([
  "",
  ":3306",
  "10.0.0:3306",
  "db1:x",
  "db1:70000",
  "db1:3306:x",
  "db1:3306:1:2",
  "db 1",
  "fd00::1:3306:1",
  "db1:3306:1e9",
  "db1:1:9999999999",
])("%p is none", (text) => {
  expect(parseDestination(text, 3306)).toBeUndefined();
});

test("without a port to fall back on, one has to be given", () => {
  expect(parseDestination("db1", undefined)).toBeUndefined();
  expect(parseDestination("db1:1", undefined)).toMatchObject({ port: 1 });
});

test("a long host makes a name all the same", () => {
  expect(isObjectName(destinationName({ host: `${"a".repeat(60)}.${"b".repeat(60)}`, port: 65_535 }))).toBe(
    true,
  );
});
