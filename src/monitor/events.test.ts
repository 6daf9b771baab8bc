import { describe, expect, test } from "bun:test";
import { type ServerState, UNKNOWN_STATE } from "../topology/state.ts";
import { fleetEvents, MAXSCALE_EVENT_NAMES } from "./events.ts";

const up = (state: Partial<ServerState> = {}): ServerState => ({
  ...UNKNOWN_STATE,
  liveness: "running",
  ...state,
});
const down = UNKNOWN_STATE;

/** `event(maxscale event)` of one server's change, in order. */
function change(from: ServerState, to: ServerState): string {
  const events = fleetEvents(new Map([["db1", from]]), new Map([["db1", to]]), 0);
  return events.map(({ event, maxscaleEvent }) => `${event}(${maxscaleEvent ?? ""})`).join(" ");
}

describe("the events of one server, each change with one name of MaxScale's", () => {
  const primary = up({ role: "primary" });
  const replica = up({ role: "replica" });
  const node = up({ role: "replica", galera: "synced" });
  const donor = up({ galera: "donor" });
  test.each([
    ["nothing changed", replica, replica, ""],
    ["came up", down, up(), "server_up(server_up)"],
    ["went down", up(), down, "server_down(server_down)"],
    ["primary came up", down, primary, "server_up(master_up) new_primary()"],
    ["primary went down", primary, down, "server_down(master_down) lost_primary()"],
    ["replica went down", replica, down, "server_down(slave_down) lost_replica()"],
    ["promoted", replica, primary, "lost_replica() new_primary(new_master)"],
    ["demoted", primary, replica, "lost_primary() new_replica(new_slave)"],
    ["lost its role", primary, up(), "lost_primary(lost_master)"],
    ["relay or replica: both replicate", replica, up({ role: "relay" }), ""],
    ["Galera node came up", down, node, "server_up(slave_up) new_synced() new_replica()"],
    [
      "Galera primary moved here",
      node,
      up({ role: "primary", galera: "synced" }),
      "lost_replica() new_primary(new_master)",
    ],
    ["became a donor", node, donor, "lost_replica(lost_slave) lost_synced() new_donor()"],
    ["a donor that may serve", node, up({ role: "replica", galera: "donor" }), "new_donor(new_donor)"],
    ["a node that joins serves as donor", up(), donor, "new_donor(new_donor)"],
    ["donor no more", donor, up(), "lost_donor(lost_donor)"],
    ["donor synced again", donor, node, "lost_donor() new_synced() new_replica(new_slave)"],
    ["donor went down", donor, down, "server_down(donor_down) lost_donor()"],
    ["maintenance", replica, up({ admin: "maintenance" }), "lost_replica(lost_slave) maintenance()"],
    ["maintenance of nobody", up(), up({ admin: "maintenance" }), "maintenance()"],
    ["maintenance over", up({ admin: "maintenance" }), replica, "maintenance() new_replica(new_slave)"],
    ["drain", replica, up({ role: "replica", admin: "draining" }), "drain()"],
    ["drained: the last connection is gone", up({ admin: "draining" }), up({ admin: "drained" }), ""],
    ["drain over", up({ admin: "drained" }), up(), "drain()"],
    [
      "drain turned into maintenance",
      up({ admin: "drained" }),
      up({ admin: "maintenance" }),
      "maintenance() drain()",
    ],
  ])("%s", (_name, from, to, events) => {
    expect(change(from, to)).toBe(events);
  });
});

test("what was lost is told before what is new, and servers in their order", () => {
  const cause = { code: "PROBE_REFUSED", sentence: "connection refused by db1:3306" };
  const before = new Map([
    ["db1", up({ role: "primary" })],
    ["db2", up({ role: "replica" })],
    ["db3", up({ role: "replica" })],
  ]);
  const after = new Map([
    ["db1", { ...down, cause }],
    ["db2", up({ role: "primary" })],
    ["db3", up()],
    ["db4", up({ role: "replica" })],
  ]);
  const events = fleetEvents(before, after, 1234);
  expect(events.map(({ server, event }) => `${server} ${event}`)).toEqual([
    "db1 server_down",
    "db1 lost_primary",
    "db2 lost_replica",
    "db3 lost_replica",
    "db4 server_up",
    "db2 new_primary",
    "db4 new_replica",
  ]);
  expect(events[0]).toEqual({
    time: 1234,
    server: "db1",
    event: "server_down",
    from: "Master, Running",
    to: "Down",
    cause,
    maxscaleEvent: "master_down",
  });
});

test("a server taken out of the fleet has no event", () => {
  expect(fleetEvents(new Map([["db1", up()]]), new Map(), 0)).toEqual([]);
});

test("MaxScale's names", () => {
  const documented =
    "master_down,master_up,slave_down,slave_up,server_down,server_up,synced_down,synced_up,donor_down,donor_up," +
    "lost_master,lost_slave,lost_synced,lost_donor,new_master,new_slave,new_synced,new_donor";
  expect([...MAXSCALE_EVENT_NAMES].sort()).toEqual(
    documented.split(",").sort() as (typeof MAXSCALE_EVENT_NAMES)[number][],
  );
});
