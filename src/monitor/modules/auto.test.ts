import { expect, test } from "bun:test";
import { judgePicture, judgePictures } from "../../../test/support/judge-picture.ts";
import { auto } from "./auto.ts";
import { INITIAL_STATE } from "./monitor-module.ts";

const GALERA = `
  db1  synced@0                -> Master, Synced, Running
  db2  synced@1                -> Slave, Synced, Running
  db3  ro <db1                 -> Slave, Running`;
const REPLICATION = `
  db1  rw                      -> Master, Running
  db2  ro <db1                 -> Slave, Running`;
const STANDALONE = `
  db1  rw                      -> Master, Running
  db2  rw                      -> Running`;

test.each([
  ["galera", GALERA],
  ["galera", "db1 synced@0 wsrep-off -> Running\ndb2 rw -> Running"],
  ["replication", REPLICATION],
  ["replication", "db1 ro <elsewhere -> Slave, Running"],
  ["replication", "db1 rw\ndb2 ro <db1:stopped -> Running"],
  ["standalone", STANDALONE],
  ["standalone", "db1 down -> Down"],
] as const)("finds %s", (kind, picture) => {
  expect(judgePicture(auto, picture).state.kind).toBe(kind);
});

test("an outage is no evidence for another kind", () => {
  const stories: readonly (readonly [string, string])[] = [
    ["galera", "db1 down -> Down\ndb2 down -> Down\ndb3 ro <db1:connecting -> Running"],
    ["galera", "db1 down -> Down\ndb2 unasked -> Down\ndb3 rw -> Running"],
  ];
  for (const [kind, picture] of stories) {
    expect(judgePictures(auto, [GALERA, picture]).state.kind).toBe(kind as "galera");
  }
  const { state } = judgePictures(auto, [REPLICATION, "db1 rw -> Master, Running\ndb2 down -> Down"]);
  expect(state.kind).toBe("replication");
});

test("once every server says otherwise, it is otherwise", () => {
  const replicating =
    "db1 rw -> Master, Running\ndb2 ro <db1 -> Slave, Running\ndb3 ro <db1 -> Slave, Running";
  expect(judgePictures(auto, [GALERA, replicating]).state.kind).toBe("replication");
  expect(judgePictures(auto, [REPLICATION, STANDALONE]).state.kind).toBe("standalone");
});

test("evidence for Galera counts at once", () => {
  expect(
    judgePictures(auto, [STANDALONE, "db1 synced@0 -> Master, Synced, Running\ndb2 down"]).state.kind,
  ).toBe("galera");
});

test("a fleet without servers", () => {
  expect(judgePicture(auto, "", { previous: INITIAL_STATE }).primary).toBeNull();
});
