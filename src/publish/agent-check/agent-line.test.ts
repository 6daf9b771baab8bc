import { describe, expect, test } from "bun:test";
import { channel } from "../../../test/support/facts.ts";
import { aVerdict, aVerdictWith, JUDGED_AT } from "../../../test/support/fake-fleet.ts";
import type { Verdict } from "../../topology/verdict.ts";
import { agentLine, downLine } from "./agent-line.ts";

const replica = (lagSeconds: number | undefined) =>
  aVerdictWith({ channels: [channel({ lagSeconds })] }, { role: "replica", code: "REPLICA_HEALTHY" });
const down = (code: string, changes: Partial<Verdict> = {}) =>
  aVerdict({ up: false, code, sentence: "Why.", ...changes });

test.each([
  ["up", aVerdict(), "up ready 100%"],
  ["down", down("GALERA_DONOR"), "down #GALERA_DONOR: Why."],
  ["draining", down("DRAINING", { draining: true }), "drain"],
  ["in maintenance", down("MAINTENANCE"), "maint"],
  ["off by file", down("OFF_SWITCH"), "maint"],
  ["not known yet", down("STARTING", { known: false }), ""],
])("a server that is %s", (_state, verdict, line) =>
  expect(agentLine(verdict, undefined, JUDGED_AT)).toBe(line),
);

test("a stale yes, drain or maint is down", () => {
  for (const verdict of [aVerdict(), down("DRAINING", { draining: true }), down("MAINTENANCE")]) {
    expect(agentLine(verdict, undefined, verdict.staleAt + 1)).toStartWith(
      "down #STALE: nothing is known since",
    );
  }
});

describe("weight by lag", () => {
  test.each([
    [0, 100],
    [1, 90],
    [5, 51],
    [10, 1],
    [3600, 1],
    [undefined, 1],
  ])("%p s of 10 s", (lagSeconds, percent) => {
    expect(agentLine(replica(lagSeconds), { limitSeconds: 10 }, JUDGED_AT)).toBe(`up ready ${percent}%`);
  });

  test("without it, and for whoever is no replica, the weight is whole", () => {
    expect(agentLine(replica(9), undefined, JUDGED_AT)).toBe("up ready 100%");
    expect(agentLine(aVerdictWith({}), { limitSeconds: 10 }, JUDGED_AT)).toBe("up ready 100%");
  });
});

test("a reason is one short line, with the blank before the # that HAProxy needs", () => {
  expect(downLine("two\nlines, and a # é")).toBe("down #two lines, and a # ?");
  expect(downLine("x".repeat(1000)).length).toBe("down #".length + 200);
});
