import { expect, test } from "bun:test";
import { aVerdict, JUDGED_AT } from "../../../test/support/fake-fleet.ts";
import { haproxyOrders } from "./haproxy-orders.ts";

const UP = aVerdict();
const DRAINING = aVerdict({ up: false, draining: true, code: "DRAINING" });
const DOWN = aVerdict({ up: false, code: "PROBE_REFUSED" });

test.each([
  ["up", UP, ["agent up", "weight 100%"], ["state ready"]],
  ["draining", DRAINING, ["agent up", "weight 0%"], ["state drain"]],
  ["down", DOWN, ["agent down"], ["state maint"]],
  ["starting", aVerdict({ up: false, known: false, code: "STARTING" }), [], []],
] as const)("%s", (_name, verdict, agent, state) => {
  expect(haproxyOrders(verdict, "agent", JUDGED_AT)).toEqual(agent);
  expect(haproxyOrders(verdict, "state", JUDGED_AT)).toEqual(state);
});

test("an old yes is a no", () => {
  expect(haproxyOrders(UP, "agent", UP.staleAt + 1)).toEqual(["agent down"]);
});
