import { describe, expect, test } from "bun:test";
import { channel, facts, galeraFacts } from "../../test/support/facts.ts";
import type { GaleraState, ReplicaChannel, ServerFacts } from "../topology/facts.ts";
import { DEFAULT_POLICY, type Policy } from "./policy.ts";
import { judgeFacts, pickProfile } from "./profiles.ts";

const policy = (changes: Partial<Policy> = {}): Policy => ({
  ...DEFAULT_POLICY,
  staleAfterMs: 3000,
  ...changes,
});
const READ_ONLY = { readOnly: true, superReadOnly: false, innodbReadOnly: false, offlineMode: false };

describe("galera: the first match decides", () => {
  const donor = { localState: 2, localStateComment: "Donor/Desynced" };
  const cases: readonly [
    string,
    Partial<GaleraState>,
    Partial<ServerFacts>,
    Partial<Policy>,
    string,
    string,
  ][] = [
    ["synced", {}, {}, {}, "up GALERA_SYNCED", "synced"],
    ["wsrep off", { wsrepOn: false }, {}, {}, "down GALERA_OFF", "unknown"],
    [
      "off wins over all",
      { wsrepOn: false, clusterStatus: "x", ready: false },
      {},
      {},
      "down GALERA_OFF",
      "unknown",
    ],
    ["non-primary", { clusterStatus: "non-Primary" }, {}, {}, "down GALERA_NON_PRIMARY", "synced"],
    [
      "disconnected",
      { clusterStatus: "Disconnected", ready: false, localState: 0 },
      {},
      {},
      "down GALERA_NON_PRIMARY",
      "unknown",
    ],
    ["PRIMARY in capitals", { clusterStatus: "PRIMARY" }, {}, {}, "up GALERA_SYNCED", "synced"],
    ["not ready", { ready: false }, {}, {}, "down GALERA_NOT_READY", "synced"],
    ["PXC maintenance", { pxcMaintMode: "MAINTENANCE" }, {}, {}, "drain GALERA_PXC_MAINTENANCE", "synced"],
    ["PXC shutdown", { pxcMaintMode: "SHUTDOWN" }, {}, {}, "drain GALERA_PXC_MAINTENANCE", "synced"],
    ["PXC disabled", { pxcMaintMode: "DISABLED" }, {}, {}, "up GALERA_SYNCED", "synced"],
    ["rejects all", { rejectQueries: "ALL" }, {}, {}, "down GALERA_REJECTS_QUERIES", "synced"],
    ["donor, never", donor, {}, {}, "down GALERA_DONOR", "donor"],
    [
      "donor by rsync, nonblocking",
      donor,
      {},
      { availableWhenDonor: "nonblocking" },
      "down GALERA_DONOR",
      "donor",
    ],
    [
      "donor by rsync, always",
      donor,
      {},
      { availableWhenDonor: "always" },
      "up GALERA_DONOR_ACCEPTED",
      "donor",
    ],
    ...["mariabackup", "xtrabackup", "xtrabackup-v2", "clone"].map(
      (sstMethod): [string, Partial<GaleraState>, Partial<ServerFacts>, Partial<Policy>, string, string] => [
        `donor by ${sstMethod}, nonblocking`,
        { ...donor, sstMethod },
        {},
        { availableWhenDonor: "nonblocking" },
        "up GALERA_DONOR_ACCEPTED",
        "donor",
      ],
    ),
    [
      "donor that rejects, always",
      { ...donor, sstDonorRejectsQueries: true },
      {},
      { availableWhenDonor: "always" },
      "down GALERA_DONOR",
      "donor",
    ],
    ["joining", { localState: 1, localStateComment: "Joining" }, {}, {}, "down GALERA_NOT_SYNCED", "joining"],
    [
      "joined",
      { localState: 3, localStateComment: "Joined" },
      {},
      { availableWhenDonor: "always" },
      "down GALERA_NOT_SYNCED",
      "joined",
    ],
    ["undefined state", { localState: 0 }, {}, {}, "down GALERA_NOT_SYNCED", "unknown"],
    ["read-only", {}, { readOnly: READ_ONLY }, {}, "down GALERA_READ_ONLY", "synced"],
    [
      "super read-only",
      {},
      { readOnly: { ...READ_ONLY, readOnly: false, superReadOnly: true } },
      {},
      "down GALERA_READ_ONLY",
      "synced",
    ],
    [
      "innodb read-only",
      {},
      { readOnly: { ...READ_ONLY, readOnly: false, innodbReadOnly: true } },
      {},
      "down GALERA_READ_ONLY",
      "synced",
    ],
    [
      "read-only accepted",
      {},
      { readOnly: READ_ONLY },
      { availableWhenReadonly: true },
      "up GALERA_SYNCED",
      "synced",
    ],
    [
      "accepted donor is still read-only",
      donor,
      { readOnly: READ_ONLY },
      { availableWhenDonor: "always" },
      "down GALERA_READ_ONLY",
      "donor",
    ],
    [
      "queue at the limit",
      { recvQueue: 10 },
      {},
      { maxTransactionsBehind: 10 },
      "up GALERA_SYNCED",
      "synced",
    ],
    [
      "queue above the limit",
      { recvQueue: 11 },
      {},
      { maxTransactionsBehind: 10 },
      "down GALERA_LAGGING",
      "synced",
    ],
    ["queue without limit", { recvQueue: 100_000 }, {}, {}, "up GALERA_SYNCED", "synced"],
  ];
  test.each(cases)("%s", (_name, state, rest, changes, expected, role) => {
    const { decision, rules } = judgeFacts(galeraFacts(state, rest), policy(changes));
    expect(`${decision.up ? "up" : decision.draining ? "drain" : "down"} ${decision.code}`).toBe(expected);
    expect(decision.role as string).toBe(role);
    expect(rules.filter(({ outcome }) => outcome === "decides")).toHaveLength(1);
  });
});

describe("replica", () => {
  const stopped = { errno: 1062, message: "Duplicate entry" };
  const cases: readonly [string, readonly Partial<ReplicaChannel>[] | "denied", Partial<Policy>, string][] = [
    ["healthy", [{}], {}, "up REPLICA_HEALTHY"],
    ["no channel", [], {}, "down REPLICA_NOT_REPLICATING"],
    ["not told", "denied", {}, "down PROBE_PRIVILEGE_MISSING"],
    ["IO thread stopped", [{ ioRunning: "No" }], {}, "down REPLICA_IO_STOPPED"],
    [
      "IO thread cannot log in",
      [{ ioRunning: "Connecting", ioError: stopped }],
      {},
      "down REPLICA_IO_STOPPED",
    ],
    ["SQL thread stopped", [{ sqlRunning: "No", sqlError: stopped }], {}, "down REPLICA_SQL_STOPPED"],
    ["lag unknown", [{ lagSeconds: undefined }], {}, "down REPLICA_LAG_UNKNOWN"],
    [
      "source away: lag unknown",
      [{ ioRunning: "Connecting", lagSeconds: undefined }],
      {},
      "down REPLICA_LAG_UNKNOWN",
    ],
    ["at the limit", [{ lagSeconds: 5 }], { maxReplicationLagSeconds: 5 }, "up REPLICA_HEALTHY"],
    ["above the limit", [{ lagSeconds: 6 }], { maxReplicationLagSeconds: 5 }, "down REPLICA_LAGGING"],
    ["no limit", [{ lagSeconds: 9999 }], {}, "up REPLICA_HEALTHY"],
    [
      "two sources, one broken",
      [{ name: "a" }, { name: "b", sqlRunning: "No" }],
      {},
      "down REPLICA_SQL_STOPPED",
    ],
    [
      "two sources, the slower counts",
      [{ name: "a" }, { name: "b", lagSeconds: 9 }],
      { maxReplicationLagSeconds: 5 },
      "down REPLICA_LAGGING",
    ],
  ];
  test.each(cases)("%s", (_name, channels, changes, expected) => {
    const found = facts({ channels: channels === "denied" ? channels : channels.map((c) => channel(c)) });
    const { decision } = judgeFacts(found, policy({ profile: "replica", ...changes }));
    expect(`${decision.up ? "up" : "down"} ${decision.code}`).toBe(expected);
  });

  test("names the channel that is broken", () => {
    const found = facts({
      channels: [channel({ name: "a" }), channel({ name: "b", sqlRunning: "No", sqlError: stopped })],
    });
    expect(judgeFacts(found, policy({ profile: "replica" })).decision.sentence).toBe(
      "the replication SQL thread does not run (No, error 1062: Duplicate entry) on channel b",
    );
  });
});

describe("standalone and connector", () => {
  test.each([
    ["standalone", {}, "up STANDALONE_HEALTHY"],
    ["standalone", { rows: 0 }, "down NO_ROWS"],
    ["standalone", { readOnly: { ...READ_ONLY, offlineMode: true } }, "down OFFLINE_MODE"],
    ["standalone", { readOnly: READ_ONLY }, "up STANDALONE_HEALTHY"],
    ["connector", { flavour: "proxy" }, "up CONNECTOR_HEALTHY"],
    ["connector", { flavour: "proxy", rows: 0 }, "down NO_ROWS"],
  ] as const)("%s %o", (profile, changes, expected) => {
    const { decision } = judgeFacts(facts(changes), policy({ profile }));
    expect(`${decision.up ? "up" : "down"} ${decision.code}`).toBe(expected);
  });
});

describe("auto picks by what the server is", () => {
  test.each([
    ["a Galera node", galeraFacts(), "galera"],
    ["a Galera node switched off", galeraFacts({ wsrepOn: false }), "galera"],
    [
      "a server with wsrep compiled in",
      galeraFacts({ wsrepOn: false, provider: "none" }, { channels: [] }),
      "standalone",
    ],
    ["a replica", facts({ channels: [channel()] }), "replica"],
    ["a server on its own", facts(), "standalone"],
    ["a server that does not tell", facts({ channels: "denied" }), "standalone"],
    ["a connector", facts({ flavour: "proxy" }), "connector"],
  ] as const)("%s", (_name, found, expected) => {
    expect(pickProfile(found, policy())).toBe(expected);
  });
});
