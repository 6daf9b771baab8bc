import { describe, expect, test } from "bun:test";
import { isSynced, type ServerState, stateDetails, stateString, UNKNOWN_STATE } from "./state.ts";

const running = (state: Partial<ServerState>): ServerState => ({
  ...UNKNOWN_STATE,
  liveness: "running",
  cause: { code: "ROLE_REPLICA", sentence: "replicates from db1" },
  ...state,
});

describe("stateString", () => {
  test.each([
    [UNKNOWN_STATE, "Down"],
    [{ ...UNKNOWN_STATE, authError: true }, "Auth Error, Down"],
    [{ ...UNKNOWN_STATE, admin: "maintenance" }, "Maintenance, Down"],
    [running({}), "Running"],
    [running({ role: "primary" }), "Master, Running"],
    [running({ role: "primary", galera: "synced" }), "Master, Synced, Running"],
    [running({ role: "relay" }), "Relay Master, Slave, Running"],
    [running({ role: "binlog-relay" }), "Binlog Relay, Running"],
    [running({ role: "replica", galera: "donor" }), "Slave, Synced, Running"],
    [running({ galera: "donor" }), "Running"],
    [running({ galera: "joined" }), "Running"],
    [running({ galera: "synced", admin: "maintenance" }), "Maintenance, Running"],
    [running({ role: "replica", admin: "drained" }), "Drained, Slave, Running"],
    [
      running({ role: "replica", admin: "draining", authError: true }),
      "Draining, Slave, Auth Error, Running",
    ],
  ] as const)("%#", (state, text) => {
    expect(stateString(state)).toBe(text);
    expect(isSynced(state)).toBe(text.includes("Synced"));
  });
});

test.each([
  [{ role: "replica", lagSeconds: 0 }, "replicates from db1"],
  [{ role: "replica", lagSeconds: 7 }, "replicates from db1; 7 s behind"],
  [
    { role: "replica", staleReplica: true },
    "replicates from db1; cut off from the primary: reads may be stale",
  ],
] as const)("details of %j", (state, text) => {
  expect(stateDetails(running(state))).toBe(text);
});
