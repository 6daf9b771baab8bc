import { expect, test } from "bun:test";
import { LatencyWeights } from "./latency-weights.ts";

const probed = (at: number, ...took: readonly number[]) =>
  took.map((tookMs, i) => ({ server: `db${i + 1}`, probe: { at, tookMs } }));

test("the slowest counts once, the others by how much faster they are", () => {
  const weights = new LatencyWeights(4);
  expect([...weights.update(probed(1, 10, 5, 1)).values()]).toEqual([1, 2, 10]);
});

test("a probe counts once, and as one of many", () => {
  const weights = new LatencyWeights(4);
  weights.update(probed(1, 10, 5));
  for (let i = 0; i < 10; i++) expect(weights.update(probed(1, 10, 5)).get("db2")).toBe(2);
  // (10 + 5 * 4) / 5 = 6
  expect(weights.update(probed(2, 10, 10)).get("db2")).toBeCloseTo(10 / 6);
});

test("small differences change nothing", () => {
  const weights = new LatencyWeights(0);
  weights.update(probed(1, 10, 5));
  expect(weights.update(probed(2, 10, 4.9)).get("db2")).toBe(2);
  expect(weights.update(probed(3, 10, 4)).get("db2")).toBe(2.5);
});

test("noise far below a millisecond is none, and an unknown server counts once", () => {
  const weights = new LatencyWeights(0);
  expect([...weights.update(probed(1, 0.09, 0.01)).values()]).toEqual([1, 1]);
  expect(new LatencyWeights(1).update([{ server: "db1", probe: undefined }]).get("db1")).toBe(1);
});
