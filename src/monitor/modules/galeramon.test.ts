import { describe, expect, test } from "bun:test";
import { judgePicture, judgePictures } from "../../../test/support/judge-picture.ts";
import { type GaleramonOptions, galeramon } from "./galeramon.ts";

const PICTURES: Record<string, string> = {
  "the lowest wsrep_local_index is the primary": `
    db1  synced@2              -> Slave, Synced, Running
    db2  synced@0              -> Master, Synced, Running
    db3  synced@1              -> Slave, Synced, Running`,
  "joining, joined and donor nodes have no role": `
    db1  joining@0             -> Running
    db2  joined@1              -> Running
    db3  donor@2               -> Running
    db4  synced@3              -> Master, Synced, Running`,
  "a node outside the primary component has neither role nor state": `
    db1  synced@0 nonprimary   -> Running
    db2  synced@1              -> Master, Synced, Running`,
  "nodes that refuse queries": `
    db1  synced@0 notready     -> Running
    db2  synced@1 rejects      -> Running
    db3  synced@2 pxc          -> Running
    db4  synced@3 desync       -> Running
    db5  synced@4              -> Master, Synced, Running`,
  "a read-only node is no primary": `
    db1  synced@0 ro           -> Slave, Synced, Running
    db2  synced@1              -> Master, Synced, Running`,
  "a node without an index is no primary": `
    db1  synced@-1             -> Slave, Synced, Running
    db2  synced@1              -> Master, Synced, Running`,
  "the most common cluster UUID is the cluster": `
    db1  synced@0 uuid=B       -> Running
    db2  synced@1 uuid=A       -> Master, Synced, Running
    db3  synced@2 uuid=A       -> Slave, Synced, Running`,
  "an empty UUID does not vote": `
    db1  synced@0 uuid=empty   -> Running
    db2  synced@1 uuid=empty   -> Running
    db3  synced@2              -> Master, Synced, Running`,
  "nodes that are not joined do not vote": `
    db1  joining@0 uuid=B      -> Running
    db2  donor@1 uuid=B        -> Running
    db3  synced@2 uuid=A       -> Master, Synced, Running`,
  "a tie without a past: the first node's cluster": `
    db1  synced@0 uuid=B       -> Master, Synced, Running
    db2  synced@1 uuid=A       -> Running`,
  "a replica of a synced node": `
    db1  synced@0              -> Master, Synced, Running
    db2  synced@1              -> Slave, Synced, Running
    db3  ro <db2 lag=3         -> Slave, Running`,
  "what is no replica of a synced node": `
    db1  synced@0              -> Master, Synced, Running
    db2  donor@1               -> Running
    db3  ro <db2               -> Running
    db4  ro <db1:connecting    -> Running
    db5  ro <db1:sql           -> Running
    db6  rw                    -> Running
    db7  ro <elsewhere         -> Running`,
  "a replica of nodes that share one server_id": `
    db1  synced@0 id=9         -> Master, Synced, Running
    db2  synced@1 id=9         -> Slave, Synced, Running
    db3  ro <10.0.0.1#9        -> Slave, Running`,
  "maintenance and drain": `
    db1  synced@0 maint        -> Maintenance, Running
    db2  synced@1 drain:2      -> Draining, Slave, Synced, Running
    db3  synced@2              -> Master, Synced, Running
    db4  synced@3 drain        -> Drained, Slave, Synced, Running`,
  "no choice before all have been asked": `
    db1  unasked               -> Down
    db2  synced@1              -> Slave, Synced, Running`,
  "the login is denied": `
    db1  down:PROBE_AUTH_DENIED -> Auth Error, Down
    db2  synced@1              -> Master, Synced, Running`,
};

describe("galeramon at first sight", () => {
  test.each(Object.entries(PICTURES))("%s", (_name, picture) => {
    judgePicture(galeramon, picture);
  });
});

describe("available_when_donor", () => {
  const cases: readonly (readonly [GaleramonOptions["availableWhenDonor"], string, string])[] = [
    ["never", "donor@0 sst=mariabackup", "Running"],
    ["nonblocking", "donor@0 sst=mariabackup", "Master, Synced, Running"],
    ["nonblocking", "donor@0 sst=rsync", "Running"],
    ["nonblocking", "donor@0 sst=mariabackup desync", "Running"],
    ["always", "donor@0 sst=rsync", "Master, Synced, Running"],
    ["always", "donor@0 desync", "Master, Synced, Running"],
    ["always", "donor@0 donor-rejects", "Running"],
  ];
  test.each(cases)("%s: %s is %s", (availableWhenDonor, words, state) => {
    judgePicture(galeramon, `db1 ${words} -> ${state}`, { options: { availableWhenDonor } });
  });
});

describe("choice of the primary", () => {
  const THREE = `
    db1  synced@0 prio=2       -> DB1
    db2  synced@1 prio=1       -> DB2
    db3  synced@2              -> DB3`;
  const three = (db1: string, db2: string, db3: string) =>
    THREE.replace("DB1", `${db1}, Synced, Running`)
      .replace("DB2", `${db2}, Synced, Running`)
      .replace("DB3", `${db3}, Synced, Running`);

  test("priority counts only with use_priority", () => {
    judgePicture(galeramon, three("Master", "Slave", "Slave"));
    judgePicture(galeramon, three("Slave", "Master", "Slave"), { options: { usePriority: true } });
  });

  test("priority 0 is a fallback, a negative one never", () => {
    const options = { usePriority: true };
    judgePicture(
      galeramon,
      `
      db1  synced@0 prio=-1    -> Slave, Synced, Running
      db2  synced@1 prio=0     -> Slave, Synced, Running
      db3  synced@2 prio=9     -> Master, Synced, Running`,
      { options },
    );
    judgePicture(
      galeramon,
      `
      db1  synced@0 prio=-1    -> Slave, Synced, Running
      db2  synced@1 prio=0     -> Master, Synced, Running
      db3  down     prio=9     -> Down`,
      { options },
    );
    judgePicture(galeramon, "db1 synced@0 prio=-1 -> Slave, Synced, Running", { options });
  });

  test("root_node_as_master: only the node with index 0", () => {
    const picture = `
      db1  synced@1            -> Slave, Synced, Running
      db2  donor@0             -> Running`;
    judgePicture(galeramon, picture, { options: { rootNodeAsMaster: true } });
  });

  test("disable_master_role_setting: synced, and nothing else", () => {
    const picture = `
      db1  synced@0            -> Synced, Running
      db2  synced@1            -> Synced, Running
      db3  ro <db1             -> Slave, Running`;
    judgePicture(galeramon, picture, { options: { disableMasterRoleSetting: true } });
  });

  test("the role goes back to a node that returns, unless disable_master_failback", () => {
    const stories = (db1: string, db2: string) => [
      `
        db1  synced@0          -> Master, Synced, Running
        db2  synced@1          -> Slave, Synced, Running`,
      `
        db1  down              -> Down
        db2  synced@1          -> Master, Synced, Running`,
      `
        db1  synced@0          -> ${db1}, Synced, Running
        db2  synced@1          -> ${db2}, Synced, Running`,
    ];
    judgePictures(galeramon, stories("Master", "Slave"));
    judgePictures(galeramon, stories("Slave", "Master"), { disableMasterFailback: true });
  });

  test("a primary that is drained or in maintenance hands over, if somebody can take it", () => {
    judgePictures(galeramon, [
      `
        db1  synced@0          -> Master, Synced, Running
        db2  synced@1          -> Slave, Synced, Running`,
      `
        db1  synced@0 drain:3  -> Draining, Slave, Synced, Running
        db2  synced@1          -> Master, Synced, Running`,
    ]);
    judgePictures(galeramon, [
      `
        db1  synced@0          -> Master, Synced, Running
        db2  down              -> Down`,
      `
        db1  synced@0 drain:3  -> Draining, Master, Synced, Running
        db2  down              -> Down`,
      `
        db1  synced@0 maint    -> Maintenance, Running
        db2  down              -> Down`,
    ]);
  });

  test("a tie of two clusters keeps the one before", () => {
    judgePictures(galeramon, [
      `
        db1  synced@1 uuid=B   -> Running
        db2  synced@0 uuid=A   -> Master, Synced, Running
        db3  synced@1 uuid=A   -> Slave, Synced, Running`,
      `
        db1  synced@0 uuid=B   -> Running
        db2  synced@0 uuid=A   -> Master, Synced, Running
        db3  down              -> Down`,
      `
        db1  synced@0 uuid=B   -> Master, Synced, Running
        db2  down              -> Down
        db3  down              -> Down`,
    ]);
  });

  test("two halves of one split cluster: the primary stays where it was, and the diagnosis says so", () => {
    const { diagnosis } = judgePictures(galeramon, [
      `
        db1  synced@1          -> Slave, Synced, Running
        db2  synced@0          -> Master, Synced, Running`,
      `
        db1  synced@0          -> Slave, Synced, Running
        db2  synced@0          -> Master, Synced, Running`,
    ]);
    expect(diagnosis).toBe(
      "db1 and db2 have the same wsrep_local_index: one cluster may be running as two halves apart (split brain)",
    );
  });
});

test("the reason for each role, and for none", () => {
  const { servers, diagnosis } = judgePicture(
    galeramon,
    `
    db1  synced@0
    db2  synced@1
    db3  donor@2
    db4  donor@3 desync
    db5  joined@4
    db6  synced@5 nonprimary
    db7  synced@6 uuid=B
    db8  ro <db1
    db9  ro`,
  );
  expect([...servers].map(([name, { cause }]) => `${name} ${cause.code}: ${cause.sentence}`)).toEqual([
    "db1 ROLE_PRIMARY: takes the writes of 2 synced nodes (wsrep_local_index 0)",
    "db2 GALERA_SYNCED: the Galera node is synced",
    "db3 GALERA_DONOR: the node is donor or desynced",
    "db4 GALERA_DONOR: the node is donor or desynced",
    "db5 GALERA_NOT_SYNCED: the node is not synced: wsrep_local_state is 3 (Joined)",
    "db6 GALERA_NON_PRIMARY: the node is not in the primary component (wsrep_cluster_status is non-Primary)",
    "db7 GALERA_FOREIGN_CLUSTER: the node belongs to another cluster (B) than most (A)",
    "db8 ROLE_REPLICA: replicates from db1",
    "db9 GALERA_OFF: wsrep_on is OFF: no Galera node; and it replicates from no synced one",
  ]);
  expect(diagnosis).toBe("db1 is the primary of 2 synced nodes");
});

test.each([
  ["db1 down", "no primary: no Galera node answers"],
  ["db1 synced@0 ro", "no primary: no synced node is writable and free to be it"],
  [
    "db1 synced@0 nonprimary\ndb2 joining@1",
    "no primary: db1: the node is not in the primary component (wsrep_cluster_status is non-Primary); " +
      "db2: the node is not synced: wsrep_local_state is 1 (Joining)",
  ],
])("the cluster in one sentence: %j", (picture, diagnosis) => {
  expect(judgePicture(galeramon, picture).diagnosis).toBe(diagnosis);
});
