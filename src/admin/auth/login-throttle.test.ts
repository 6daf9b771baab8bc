import { beforeEach, describe, expect, test } from "bun:test";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { LoginThrottle } from "./login-throttle.ts";

let clock: FakeClock;
let throttle: LoginThrottle;
const fail = (times: number, address = "10.0.0.9", account = "admin") => {
  for (let i = 0; i < times; i++) throttle.failed(address, account);
};

beforeEach(() => {
  clock = new FakeClock();
  throttle = new LoginThrottle(clock);
});

describe("an address", () => {
  test("may be mistaken five times; then each mistake doubles the pause, up to a minute", () => {
    fail(5);
    expect(throttle.waitMs("10.0.0.9", "admin")).toBe(0);
    const pauses = [1, 2, 3, 4, 5, 6, 7, 8].map(() => {
      throttle.failed("10.0.0.9", `${clock.now()}`); // each time another account
      return throttle.waitMs("10.0.0.9", "x") / 1000;
    });
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  });

  test("waits whatever account it tries, and others do not", () => {
    fail(6);
    expect(throttle.waitMs("10.0.0.9", "other")).toBe(1000);
    expect(throttle.waitMs("10.0.0.8", "other")).toBe(0);
    clock.advance(1000);
    expect(throttle.waitMs("10.0.0.9", "other")).toBe(0);
  });

  test("is forgiven by a login, or by a quarter of an hour", () => {
    fail(6);
    throttle.succeeded("10.0.0.9", "admin");
    fail(5);
    expect(throttle.waitMs("10.0.0.9", "other")).toBe(0);
    fail(1);
    clock.advance(1000 + 15 * 60_000 + 1);
    fail(5);
    expect(throttle.waitMs("10.0.0.9", "other")).toBe(0);
  });
});

describe("an account", () => {
  const fromEverywhere = (times: number) => {
    for (let i = 0; i < times; i++) throttle.failed(`10.0.1.${i}`, "admin");
  };

  test("is slowed when many addresses guess at it, and never for long", () => {
    fromEverywhere(10);
    expect(throttle.waitMs("10.9.9.9", "admin")).toBe(0);
    fromEverywhere(20);
    expect(throttle.waitMs("10.9.9.9", "admin")).toBe(5000);
    expect(throttle.waitMs("10.9.9.9", "other")).toBe(0);
  });

  test("stays open to an address from which it has logged in", () => {
    throttle.succeeded("10.2.2.2", "admin");
    fromEverywhere(30);
    expect(throttle.waitMs("10.2.2.2", "admin")).toBe(0);
  });
});

test("the tables are capped: whoever was in longest is forgotten", () => {
  fail(6);
  for (let i = 0; i < 1000; i++) throttle.failed(`10.1.${i >> 8}.${i & 255}`, `account ${i}`);
  expect(throttle.waitMs("10.0.0.9", "other")).toBe(0);
});
