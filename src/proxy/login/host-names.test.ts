import { beforeEach, expect, test } from "bun:test";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { HostNames } from "./host-names.ts";

let clock: FakeClock;
let asked: string[];
beforeEach(() => {
  clock = new FakeClock();
  asked = [];
});

test("a name is looked up once a minute", async () => {
  const names = new HostNames(clock, async (address) => {
    asked.push(address);
    return "app.example.com";
  });
  for (const _ of [1, 2, 3]) expect(await names.nameOf("10.0.0.1")).toBe("app.example.com");
  expect(asked).toHaveLength(1);
  clock.advance(60_000);
  await names.nameOf("10.0.0.1");
  expect(asked).toHaveLength(2);
});

test("a name server that says nothing holds up nobody for long, and no second one", async () => {
  const names = new HostNames(clock, (address) => {
    asked.push(address);
    return new Promise(() => {});
  });
  const first = names.nameOf("10.0.0.1");
  clock.advance(2000);
  expect(await first).toBeUndefined();
  expect(await names.nameOf("10.0.0.1")).toBeUndefined();
  expect(asked).toHaveLength(1);
});
