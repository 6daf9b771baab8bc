import { expect, test } from "bun:test";
import type { GtidState } from "./facts.ts";
import { compareGtidStates } from "./gtid-position.ts";

const none: GtidState = {
  currentPos: undefined,
  binlogPos: undefined,
  slavePos: undefined,
  domainId: undefined,
  executed: undefined,
};
const mariadb = (currentPos: string): GtidState => ({ ...none, currentPos });
const mysql = (executed: string): GtidState => ({ ...none, executed });
const UUID = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

test("positions are compared in the dialect both servers speak", () => {
  expect(compareGtidStates(mariadb("0-1-7"), mariadb("0-1-5"))).toBe("ahead");
  expect(compareGtidStates(mysql(`${UUID}:1-5`), mysql(`${UUID}:1-7`))).toBe("behind");
});

test("no answer where there is nothing to compare", () => {
  expect(compareGtidStates(none, none)).toBeUndefined();
  expect(compareGtidStates(mariadb("0-1-7"), mysql(`${UUID}:1`))).toBeUndefined();
  expect(compareGtidStates(mariadb("0-1-7"), mariadb("rubbish"))).toBeUndefined();
  expect(compareGtidStates(mysql("rubbish"), mysql(""))).toBeUndefined();
});
