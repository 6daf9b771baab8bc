import { expect, test } from "bun:test";
import { chooseReader, type Reader } from "./choose-reader.ts";

interface Named extends Reader {
  readonly name: string;
}
const reader = (name: string, running: number, weight = 1, lagSeconds = 0): Named => ({
  name,
  running,
  connections: running,
  target: { weight, lagSeconds },
});
const nothing = { hasLegOn: () => false };
const only = (name: string): { hasLegOn(one: Named): boolean } => ({ hasLegOn: (one) => one.name === name });

test("the one with the least under way for its weight", () => {
  const readers = [reader("a", 2), reader("b", 1), reader("c", 4, 4)];
  expect(chooseReader(readers, nothing, "operations", 0)?.name).toBe("c");
  expect(chooseReader(readers.slice(0, 2), nothing, "operations", 0)?.name).toBe("b");
  expect(chooseReader(readers, only("a"), "connections", 0)?.name).toBe("c");
});

test("among equals by turns, but first one that is connected", () => {
  const readers = [reader("a", 1), reader("b", 1), reader("c", 1)];
  expect([0, 1, 2, 3].map((turn) => chooseReader(readers, nothing, "operations", turn)?.name).join("")).toBe(
    "abca",
  );
  expect(
    [0, 1, 2, 3].map((turn) => chooseReader(readers, only("b"), "operations", turn)?.name).join(""),
  ).toBe("bbbb");
});

test("the one least behind", () => {
  expect(chooseReader([reader("a", 0, 1, 5), reader("b", 9, 1, 1)], nothing, "lag", 0)?.name).toBe("b");
});

test("nobody", () => {
  expect(chooseReader([], nothing, "operations", 7)).toBeUndefined();
});
