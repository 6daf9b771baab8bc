import { beforeEach, expect, test } from "bun:test";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { LoginGuard } from "./login-guard.ts";

let clock: FakeClock;
let guard: LoginGuard;

beforeEach(() => {
  clock = new FakeClock();
  guard = new LoginGuard(clock);
});

test("who guesses wrong waits longer each time, up to a second", () => {
  const delays = Array.from({ length: 9 }, () => guard.failed("10.0.0.1"));
  expect(delays).toEqual([20, 40, 80, 160, 320, 640, 1000, 1000, 1000]);
  expect(guard.failed("10.0.0.2")).toBe(20);
  guard.succeeded("10.0.0.1");
  expect(guard.failed("10.0.0.1")).toBe(20);
});

test("after too many a host is turned away for a minute", () => {
  guard.maxFailures = 3;
  for (let i = 0; i < 3; i++) guard.failed("10.0.0.1");
  expect(guard.isBlocked("10.0.0.1")).toBe(true);
  expect(guard.isBlocked("10.0.0.2")).toBe(false);
  clock.advance(60_000);
  expect(guard.isBlocked("10.0.0.1")).toBe(false);
  guard.maxFailures = 0;
  for (let i = 0; i < 30; i++) guard.failed("10.0.0.1");
  expect(guard.isBlocked("10.0.0.1")).toBe(false);
});

test("hosts without number do not fill the memory", () => {
  for (let i = 0; i < 10_001; i++) guard.failed(`host-${i}`);
  expect(guard.failed("host-0")).toBe(20);
  expect(guard.failed("host-10000")).toBe(40);
});

test("logins under way have a limit for each host", () => {
  for (let i = 0; i < 1000; i++) expect(guard.begin("10.0.0.1")).toBe(true);
  expect(guard.begin("10.0.0.1")).toBe(false);
  expect(guard.begin("10.0.0.2")).toBe(true);
  guard.end("10.0.0.1");
  expect(guard.begin("10.0.0.1")).toBe(true);
});
