import { beforeEach, describe, expect, test } from "bun:test";
import { FakeClock } from "../../../../test/support/fake-clock.ts";
import { SluiceError } from "../../../errors/sluice-error.ts";
import type { GatePlan } from "../gate-plan.ts";
import { Guard, type GuardedRules } from "./guard.ts";

const PLAN: GatePlan = { mirrorPort: 3308, realPort: 3306, sources: "all", protectExcept: undefined };

let clock: FakeClock;
let done: string[];
let found: boolean;
let hasEnded: boolean;
let guard: Guard;

beforeEach(() => {
  clock = new FakeClock();
  done = [];
  found = false;
  hasEnded = false;
  guard = new Guard({ createRules: () => rules, clock, onEnd: () => (hasEnded = true) });
});

const note = (what: string) => async (): Promise<void> => {
  done.push(what);
};
const rules: GuardedRules = {
  name: "iptables",
  prepare: async () => found,
  open: note("open"),
  close: note("close"),
  renew: async () => false,
  remove: note("remove"),
  leave: note("leave"),
  withdraw: note("withdraw"),
};
const prepare = () => guard.answer({ say: "prepare", plan: PLAN, ttlMs: 3000 });

describe("an open gate", () => {
  test("stays while it is renewed, and is taken back when it is not", async () => {
    await prepare();
    await guard.answer({ say: "open", ttlMs: 3000 });
    await clock.advanceSettling(2900);
    await guard.answer({ say: "renew", ttlMs: 3000 });
    await clock.advanceSettling(2900);
    expect(done).toEqual(["open"]);
    await clock.advanceSettling(200);
    expect(done).toEqual(["open", "withdraw"]);
    expect(hasEnded).toBe(false);
  });

  test("outlives the agent for as long as it was opened; then the guard ends", async () => {
    await prepare();
    await guard.answer({ say: "open", ttlMs: 3000 });
    guard.agentGone();
    await clock.advanceSettling(2900);
    expect([done, hasEnded]).toEqual([["open"], false]);
    await clock.advanceSettling(200);
    expect([done, hasEnded]).toEqual([["open", "withdraw"], true]);
  });

  test("is taken back at once when the guard is ended, but not while the agent is there to decide", async () => {
    await prepare();
    await guard.answer({ say: "open", ttlMs: 3000 });
    guard.terminate();
    await clock.advanceSettling(0);
    expect(done).toEqual(["open"]);
    guard.agentGone();
    await clock.advanceSettling(0);
    expect([done, hasEnded]).toEqual([["open", "withdraw"], true]);
  });

  test("that was found has the time of a new one, and no more", async () => {
    found = true;
    expect(await prepare()).toEqual({ ok: true, isSo: true });
    guard.agentGone();
    await clock.advanceSettling(3100);
    expect(hasEnded).toBe(true);
  });
});

test("a closed gate needs no guard once the agent is gone", async () => {
  await prepare();
  await guard.answer({ say: "open", ttlMs: 3000 });
  await guard.answer({ say: "close" });
  guard.agentGone();
  await clock.advanceSettling(0);
  expect([done, hasEnded, clock.pending]).toEqual([["open", "close"], true, 0]);
});

test("what goes wrong is answered, with its code", async () => {
  expect(await guard.answer({ say: "close" })).toMatchObject({ ok: false, code: "INTERNAL" });
  const denied = new SluiceError("FIREWALL_DENIED", "no");
  guard = new Guard({
    createRules: () => ({ ...rules, prepare: () => Promise.reject(denied) }),
    clock,
    onEnd: () => {},
  });
  expect(await prepare()).toEqual({ ok: false, code: "FIREWALL_DENIED", message: "no" });
});
