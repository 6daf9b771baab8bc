import { describe, expect, test } from "bun:test";
import { anEvent } from "../../../test/support/some-events.ts";
import { changesIn, isSelected } from "./server-change.ts";

const EVENTS = [
  anEvent({ server: "db1", event: "server_down", maxscaleEvent: "master_down" }),
  anEvent({ server: "db1", event: "lost_primary", maxscaleEvent: null }),
  anEvent({ server: "db3", event: "maintenance", maxscaleEvent: null }),
  anEvent({ server: "db2", event: "lost_replica", maxscaleEvent: null }),
  anEvent({ server: "db2", event: "new_primary", maxscaleEvent: "new_master" }),
];

test("one change for each server, under MaxScale's name where it has one", () => {
  expect(changesIn(EVENTS).map(({ server, name }) => [server, name])).toEqual([
    ["db1", "master_down"],
    ["db3", "maintenance"],
    ["db2", "new_master"],
  ]);
});

describe("events=", () => {
  test.each([
    ["all", ["db1", "db3", "db2"]],
    ["master_down", ["db1"]],
    ["server_down", ["db1"]],
    ["lost_primary", ["db1"]],
    ["new_master", ["db2"]],
    ["new_primary", ["db2"]],
    ["lost_replica", ["db2"]],
    ["lost_slave", []],
    ["maintenance", ["db3"]],
    ["drain", []],
    ["slave_down,new_primary,lost_replica,master_down", ["db1", "db2"]],
    ["", []],
  ])("%s", (words, servers) => {
    const selected = changesIn(EVENTS).filter((change) => isSelected(change, words.split(",")));
    expect(selected.map(({ server }) => server)).toEqual(servers);
  });
});
