import { describe, expect, test } from "bun:test";
import { failed, galeraFacts, reached } from "../../test/support/facts.ts";
import type { Observation } from "../topology/observation.ts";
import { initialState, type JudgeState, judge, NO_OVERLAY, type Overlay, retell } from "./judge.ts";
import { DEFAULT_POLICY, type Policy } from "./policy.ts";

const POLICY: Policy = { ...DEFAULT_POLICY, staleAfterMs: 3000 };
const GOOD = reached(galeraFacts());
const LAGGING = reached(galeraFacts({ recvQueue: 99 }));
const REFUSED = failed("PROBE_REFUSED");
const FULL = failed("PROBE_TOO_MANY_CONNECTIONS");

/** Judges the observations one second apart; returns `up`/`down CODE` after each. */
function run(
  observations: readonly Observation[],
  policy: Policy = POLICY,
  overlay: Overlay = NO_OVERLAY,
): string[] {
  let state: JudgeState = initialState(policy, 0);
  return observations.map((observation, i) => {
    state = judge(state, observation, overlay, policy, (i + 1) * 1000);
    return `${state.verdict.up ? "up" : state.verdict.draining ? "drain" : "down"} ${state.verdict.code}`;
  });
}

describe("rise and fall", () => {
  const limited = { ...POLICY, maxTransactionsBehind: 10 };

  test("the first verdict acts at once, whatever rise says", () => {
    expect(run([GOOD], { ...POLICY, rise: 3 })).toEqual(["up GALERA_SYNCED"]);
  });

  test("a soft failure needs fall in a row, and one good tick forgives", () => {
    expect(run([GOOD, LAGGING, GOOD, LAGGING, LAGGING], { ...limited, fall: 2 })).toEqual([
      "up GALERA_SYNCED",
      "up GALERA_SYNCED",
      "up GALERA_SYNCED",
      "up GALERA_SYNCED",
      "down GALERA_LAGGING",
    ]);
  });

  test("a hard failure acts at once", () => {
    expect(run([GOOD, REFUSED], { ...POLICY, fall: 5 })).toEqual(["up GALERA_SYNCED", "down PROBE_REFUSED"]);
  });

  test("the way up needs rise in a row", () => {
    expect(run([REFUSED, GOOD, GOOD, GOOD], { ...POLICY, rise: 3 })).toEqual([
      "down PROBE_REFUSED",
      "down PROBE_REFUSED",
      "down PROBE_REFUSED",
      "up GALERA_SYNCED",
    ]);
  });

  test("tells what is pending", () => {
    let state = judge(initialState(limited, 0), GOOD, NO_OVERLAY, { ...limited, fall: 2 }, 1);
    state = judge(state, LAGGING, NO_OVERLAY, { ...limited, fall: 2 }, 2);
    expect(state.verdict.sentence).toBe(
      "the Galera node is synced (fall 1 of 2: 99 write sets wait to be applied, 10 may)",
    );
  });
});

describe("error 1040", () => {
  test("keeps the last verdict for busy_grace, then is down", () => {
    const policy = { ...POLICY, busyGraceMs: 2000 };
    expect(run([GOOD, FULL, FULL, FULL], policy)).toEqual([
      "up GALERA_SYNCED",
      "up GALERA_SYNCED",
      "up GALERA_SYNCED",
      "down PROBE_TOO_MANY_CONNECTIONS",
    ]);
  });

  test("keeps a no as well, and is a no where nothing is known", () => {
    expect(run([REFUSED, FULL])).toEqual(["down PROBE_REFUSED", "down PROBE_REFUSED"]);
    expect(run([FULL])).toEqual(["down PROBE_TOO_MANY_CONNECTIONS"]);
  });

  test("the grace begins anew after an answer", () => {
    const policy = { ...POLICY, busyGraceMs: 1500 };
    expect(run([GOOD, FULL, GOOD, FULL, FULL], policy).every((word) => word === "up GALERA_SYNCED")).toBe(
      true,
    );
  });
});

describe("taken out by hand", () => {
  test.each([
    [{ admin: "maintenance", offSwitch: undefined }, GOOD, "down MAINTENANCE"],
    [{ admin: "maintenance", offSwitch: undefined }, REFUSED, "down MAINTENANCE"],
    [{ admin: "drain", offSwitch: undefined }, GOOD, "drain DRAINING"],
    [{ admin: "drain", offSwitch: undefined }, REFUSED, "down PROBE_REFUSED"],
    [{ admin: "drain", offSwitch: "/off" }, GOOD, "down OFF_SWITCH"],
    [{ admin: "maintenance", offSwitch: "/off" }, GOOD, "down OFF_SWITCH"],
  ] as const)("%o", (overlay, observation, expected) => {
    expect(run([observation], POLICY, overlay)).toEqual([expected]);
  });

  test("acts between ticks and leaves the age of the observation alone", () => {
    const state = judge(initialState(POLICY, 0), GOOD, NO_OVERLAY, POLICY, 1000);
    const drained = retell(state, { admin: "drain", offSwitch: undefined }, 1500);
    expect(drained.verdict).toMatchObject({
      up: false,
      draining: true,
      since: 1500,
      at: 1000,
      staleAt: 4000,
    });
    const back = retell(drained, NO_OVERLAY, 1600);
    expect(back.verdict).toMatchObject({ up: true, code: "GALERA_SYNCED", since: 1600, at: 1000 });
    expect(back.verdict.rules).toEqual(state.verdict.rules);
  });
});

test("since stays while nothing changes, and the verdict carries its deadline", () => {
  let state = judge(initialState(POLICY, 0), GOOD, NO_OVERLAY, POLICY, 1000);
  state = judge(state, GOOD, NO_OVERLAY, POLICY, 2000);
  expect(state.verdict).toMatchObject({ since: 1000, at: 2000, staleAt: 5000 });
});

test("before the first probe the answer is no", () => {
  expect(initialState(POLICY, 0).verdict).toMatchObject({ up: false, code: "STARTING", known: false });
});
