import { describe, expect, test } from "bun:test";
import type { KernelBalance, KernelTarget } from "./kernel-service.ts";
import { slotsOf } from "./slots.ts";

const targets = (...weights: readonly number[]): readonly KernelTarget[] =>
  weights.map((weight, i) => ({ server: `db${i + 1}`, address: `10.0.0.${i + 1}`, port: 3306, weight }));

function shares(balance: KernelBalance, ...weights: readonly number[]): readonly number[] {
  const all = targets(...weights);
  const slots = slotsOf(balance, all);
  return all.map((target) => slots.filter((slot) => slot === target).length / slots.length);
}

const WEIGHTS = [[1], [1, 1, 1], [1, 2, 5, 0.5], [0.333333, 0.666667], [1000, 1], [999_999_999, 999_999_998]];

describe.each(["round-robin", "random"] as const)("%s", (balance) => {
  test.each(WEIGHTS)("weights %j are kept", (...weights) => {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (const [i, share] of shares(balance, ...weights).entries())
      expect(Math.abs(share - (weights[i] ?? 0) / total)).toBeLessThan(0.002);
  });

  test("never more than about a thousand slots, and nobody without one", () => {
    for (const weights of [
      [0.000001, 999_999_999],
      [1, 1000, 1_000_000],
      [123.456789, 1],
    ]) {
      const slots = slotsOf(balance, targets(...weights));
      expect(slots.length).toBeLessThanOrEqual(1003);
      expect(new Set(slots).size).toBe(weights.length);
    }
  });
});

describe("source", () => {
  test.each(WEIGHTS)("weights %j are kept within some per cent", (...weights) => {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (const [i, share] of shares("source", ...weights).entries())
      expect(Math.abs(share - (weights[i] ?? 0) / total)).toBeLessThan(0.04);
  });

  test("a server that goes or comes moves its own clients only", () => {
    const all = targets(1, 2, 1, 1);
    const without = all.filter(({ server }) => server !== "db3");
    const before = slotsOf("source", all);
    const after = slotsOf("source", without);
    for (const [i, slot] of before.entries()) if (slot.server !== "db3") expect(after[i]).toBe(slot);
  });

  test("a heavier server takes from the others, and they keep what they have among themselves", () => {
    const before = slotsOf("source", targets(1, 1, 1));
    const after = slotsOf("source", targets(1, 1, 2));
    for (const [i, slot] of before.entries()) expect([slot.server, "db3"]).toContain(after[i]?.server ?? "");
  });
});
