import { describe, expect, test } from "bun:test";
import { judgePicture, judgePictures } from "../../../test/support/judge-picture.ts";
import { type MariadbmonOptions, mariadbmon } from "./mariadbmon.ts";

/** Pictures that need no past. */
const PICTURES: Record<string, string> = {
  "a lone server is the primary": `
    db1  rw                    -> Master, Running`,
  "a lone read-only server is not": `
    db1  ro                    -> Running`,
  "a primary and its replicas": `
    db1  rw                    -> Master, Running
    db2  ro <db1               -> Slave, Running
    db3  rw <db1               -> Slave, Running`,
  "MySQL servers likewise": `
    db1  mysql rw              -> Master, Running
    db2  mysql ro <db1         -> Slave, Running`,
  "the one with most replicas is the primary": `
    db1  rw                    -> Running
    db2  rw                    -> Master, Running
    db3  ro <db2               -> Slave, Running`,
  "file order breaks a tie": `
    db1  rw                    -> Master, Running
    db2  rw                    -> Running`,
  "replicas behind a relay count": `
    db1  rw                    -> Running
    db2  ro <db1               -> Running
    db3  rw                    -> Master, Running
    db4  ro <db3               -> Relay Master, Slave, Running
    db5  ro <db4               -> Slave, Running`,
  "replicas behind a relay that is down do not": `
    db1  rw                    -> Master, Running
    db2  ro <db1               -> Slave, Running
    db3  rw                    -> Running
    db4  down                  -> Down
    db5  ro <db4:connecting    -> Running
    db6  ro <db4:connecting    -> Running`,
  "replicas that do not run do not count either": `
    db1  rw                    -> Running
    db2  ro <db1:sql           -> Running
    db3  ro <db1:io            -> Running
    db4  ro <db1:denied        -> Running
    db5  rw                    -> Master, Running
    db6  ro <db5:connecting    -> Slave, Running`,
  "a replica whose threads a person stopped is none": `
    db1  rw                    -> Master, Running
    db2  ro <db1:stopped       -> Running`,
  "a read-only primary is not one, and its replicas still serve": `
    db1  ro                    -> Running
    db2  ro <db1               -> Slave, Running`,
  "a broken replica never becomes the primary, be it writable": `
    db1  down                  -> Down
    db2  rw <db1:sql           -> Running`,
  "two primaries in a ring: the first": `
    db1  rw <db2               -> Master, Running
    db2  rw <db1               -> Slave, Running`,
  "two primaries in a ring: the writable one": `
    db1  ro <db2               -> Slave, Running
    db2  rw <db1               -> Master, Running`,
  "a ring without a writable server": `
    db1  ro <db2               -> Relay Master, Slave, Running
    db2  ro <db1               -> Relay Master, Slave, Running`,
  "a ring with replicas": `
    db1  ro <db2               -> Relay Master, Slave, Running
    db2  rw <db1               -> Master, Running
    db3  ro <db1               -> Slave, Running`,
  "a ring of three": `
    db1  rw <db3               -> Master, Running
    db2  rw <db1               -> Relay Master, Slave, Running
    db3  rw <db2               -> Slave, Running`,
  "a ring that replicates from a server of the fleet": `
    db1  rw <db2 <db3          -> Relay Master, Slave, Running
    db2  rw <db1               -> Relay Master, Slave, Running
    db3  rw                    -> Master, Running`,
  "several sources, one of them the primary": `
    db1  rw                    -> Master, Running
    db2  ro <db1 <elsewhere    -> Slave, Running
    db3  ro <elsewhere <db1:io -> Running`,
  "the primary itself may replicate from outside": `
    db1  rw <elsewhere         -> Master, Running
    db2  ro <db1               -> Slave, Running`,
  "replicas of a primary outside": `
    db1  ro <elsewhere         -> Slave, Running
    db2  ro <elsewhere         -> Slave, Running`,
  "a server that follows another than the primary": `
    db1  rw                    -> Master, Running
    db2  ro <db1               -> Slave, Running
    db3  ro <db1               -> Slave, Running
    db4  ro                    -> Running
    db5  ro <db4               -> Running`,
  "replicas found without their primary": `
    db1  down                  -> Down
    db2  ro <db1:connecting    -> Slave, Running
    db3  ro <db1:connecting    -> Slave, Running`,
  "the account is refused": `
    db1  rw                    -> Master, Running
    db2  down:PROBE_AUTH_DENIED -> Auth Error, Down
    db3  rw no-grant           -> Auth Error, Running`,
  "no choice before all have been asked": `
    db1  unasked               -> Down
    db2  rw                    -> Running
    db3  ro <db1:connecting    -> Slave, Running`,
  "maintenance and drain": `
    db1  rw maint              -> Maintenance, Running
    db2  rw drain              -> Drained, Running
    db3  ro <db4 drain:2       -> Draining, Slave, Running
    db4  rw                    -> Master, Running
    db5  ro <db4 drain         -> Drained, Slave, Running
    db6  down maint            -> Maintenance, Down
    db7  down drain            -> Drained, Down`,
  offline_mode: `
    db1  mysql rw offline      -> Running
    db2  mysql rw              -> Master, Running
    db3  mysql ro <db2 offline -> Running`,
  "a binary log server": `
    db1  rw                    -> Master, Running
    db2  proxy ro <db1         -> Binlog Relay, Running
    db3  ro <db2               -> Slave, Running`,
  "one server under two names is no replica of itself": `
    db1  rw <db1               -> Master, Running
    db2  rw <db1               -> Slave, Running`,
};

describe("mariadbmon at first sight", () => {
  test.each(Object.entries(PICTURES))("%s", (_name, picture) => {
    judgePicture(mariadbmon, picture);
  });
});

const UP = `
  db1  rw                      -> Master, Running
  db2  ro <db1                 -> Slave, Running
  db3  ro <db1                 -> Slave, Running`;

/** Three intervals of a second until a primary counts as failed. */
const OPTIONS = { failcount: 3, monitorIntervalMs: 1000 };

const STORIES: Record<string, readonly string[]> = {
  "a primary that is down stays chosen while replicas wait": [
    UP,
    ...Array(5).fill(`
      db1  down                -> Down
      db2  ro <db1:connecting  -> Slave, Running
      db3  rw                  -> Running`),
    UP,
  ],
  "without replicas, another follows after failcount": [
    `
      db1  rw                  -> Master, Running
      db2  rw                  -> Running`,
    `
      db1  down                -> Down
      db2  rw                  -> Running`,
    `
      db1  down                -> Down
      db2  rw                  -> Running`,
    `
      db1  down                -> Down
      db2  rw                  -> Master, Running`,
    `
      db1  rw                  -> Running
      db2  rw                  -> Master, Running`,
  ],
  "a replica behind a relay that is down counts as waiting": [
    `
      db1  rw                  -> Master, Running
      db2  ro <db1             -> Relay Master, Slave, Running
      db3  ro <db2             -> Slave, Running
      db4  rw                  -> Running`,
    ...Array(4).fill(`
      db1  down                -> Down
      db2  down                -> Down
      db3  ro <db2:connecting  -> Slave, Running
      db4  rw                  -> Running`),
  ],
  "more replicas elsewhere do not move the choice": [
    `
      db1  rw                  -> Master, Running
      db2  rw                  -> Running
      db3  ro                  -> Running`,
    `
      db1  rw                  -> Master, Running
      db2  rw                  -> Running
      db3  ro <db2             -> Running`,
  ],
  "a primary that turns read-only is replaced, if another can be": [
    UP,
    `
      db1  ro                  -> Running
      db2  ro <db1             -> Slave, Running
      db3  ro <db1             -> Slave, Running`,
    UP,
    `
      db1  ro                  -> Running
      db2  rw                  -> Master, Running
      db3  ro <db1             -> Running`,
    `
      db1  ro <db2             -> Slave, Running
      db2  rw                  -> Master, Running
      db3  ro <db2             -> Slave, Running`,
  ],
  "while nobody takes writes, replicas of any server serve": [
    UP,
    `
      db1  ro                  -> Running
      db2  ro                  -> Running
      db3  ro <db2             -> Slave, Running`,
  ],
  "who follows next is decided by replicas that can be reached": [
    `
      db1  rw                  -> Master, Running
      db2  ro <db1             -> Slave, Running
      db3  ro <db1             -> Slave, Running
      db4  ro <db1             -> Slave, Running
      db5  rw                  -> Running
      db6  ro <db5             -> Running
      db7  rw                  -> Running
      db8  ro <db7             -> Running
      db9  ro <db8             -> Running
      dba  ro <db8             -> Running`,
    `
      db1  ro                  -> Running
      db2  down                -> Down
      db3  down                -> Down
      db4  down                -> Down
      db5  rw                  -> Master, Running
      db6  ro <db5             -> Slave, Running
      db7  rw                  -> Running
      db8  down                -> Down
      db9  ro <db8:connecting  -> Running
      dba  ro <db8:connecting  -> Running`,
  ],
  "a primary that starts to replicate from the fleet is none": [
    UP,
    `
      db1  rw <db2             -> Slave, Running
      db2  ro                  -> Running
      db3  ro <db2             -> Slave, Running`,
    `
      db1  rw <db2             -> Slave, Running
      db2  rw                  -> Master, Running
      db3  ro <db2             -> Slave, Running`,
  ],
  "a primary in maintenance keeps its place while replicas follow it": [
    UP,
    `
      db1  rw maint            -> Maintenance, Running
      db2  rw                  -> Running
      db3  ro <db1             -> Slave, Running`,
    `
      db1  rw maint            -> Maintenance, Running
      db2  rw                  -> Master, Running
      db3  ro <db2             -> Slave, Running`,
  ],
  "a primary that is drained stays the primary": [
    UP,
    `
      db1  rw drain:4          -> Draining, Master, Running
      db2  rw                  -> Running
      db3  ro <db1             -> Slave, Running`,
  ],
  "a primary whose replication may no longer be seen keeps its role": [
    UP,
    `
      db1  rw no-grant         -> Master, Auth Error, Running
      db2  ro <db1             -> Slave, Running
      db3  ro <db1             -> Slave, Running`,
  ],
  "a server added to the fleet does not disturb the choice": [
    UP,
    `
      db0  unasked             -> Down
      db1  rw                  -> Master, Running
      db2  ro <db1             -> Slave, Running`,
  ],
  "a primary taken out of the fleet is forgotten": [
    UP,
    `
      db2  rw                  -> Master, Running
      db3  ro <db2             -> Slave, Running`,
  ],
  "stale replicas, at each way of being cut off": [
    UP,
    `
      db1  rw                  -> Master, Running
      db2  ro <db1:connecting  -> Slave, Running
      db3  ro <db1             -> Slave, Running`,
    `
      db1  down                -> Down
      db2  ro <db1:connecting  -> Slave, Running
      db3  ro <db1             -> Slave, Running`,
  ],
};

describe("mariadbmon over time", () => {
  test.each(Object.entries(STORIES))("%s", (_name, pictures) => {
    judgePictures(mariadbmon, pictures, OPTIONS);
  });
});

describe("master_conditions and slave_conditions", () => {
  const relay = (db1: string, db2: string, db3: string) => `
    db1  rw                    -> ${db1}
    db2  ro <db1:connecting    -> ${db2}
    db3  ro <db2               -> ${db3}`;
  const down = (db2: string) => `
    db1  down                  -> Down
    db2  ro <db1:connecting    -> ${db2}`;
  const cases: readonly (readonly [Partial<MariadbmonOptions>, string])[] = [
    [{}, relay("Master, Running", "Relay Master, Slave, Running", "Slave, Running")],
    [{ slaveConditions: ["linked_master"] }, relay("Master, Running", "Running", "Running")],
    [
      { slaveConditions: ["running_master"] },
      relay("Master, Running", "Relay Master, Slave, Running", "Slave, Running"),
    ],
    [
      { masterConditions: ["connecting_slave"] },
      relay("Master, Running", "Relay Master, Slave, Running", "Slave, Running"),
    ],
    [
      { masterConditions: ["connected_slave"] },
      relay("Slave, Running", "Relay Master, Slave, Running", "Slave, Running"),
    ],
    [
      { masterConditions: ["connected_slave"], slaveConditions: ["writable_master"] },
      relay("Running", "Running", "Running"),
    ],
    [{}, down("Slave, Running")],
    [{ slaveConditions: ["running_master"] }, down("Running")],
    [{ slaveConditions: ["writable_master"] }, down("Running")],
  ];
  test.each(cases)("%j", (options, picture) => {
    judgePicture(mariadbmon, picture, { options });
  });

  test("connecting_slave takes a replica's word from before it went down, running_slave does not", () => {
    const stories = (primary: string) => [
      `
        db1  rw                -> Master, Running
        db2  ro <db1           -> Slave, Running`,
      `
        db1  rw                -> ${primary}
        db2  down              -> Down`,
    ];
    judgePictures(mariadbmon, stories("Master, Running"), { masterConditions: ["connecting_slave"] });
    judgePictures(mariadbmon, stories("Slave, Running"), { masterConditions: ["running_slave"] });
  });
});

describe("who replicates from whom", () => {
  test("ignore_external_masters: what comes from outside makes no replica", () => {
    const picture = `
      db1  ro <elsewhere       -> Running`;
    judgePicture(mariadbmon, picture, { options: { ignoreExternalMasters: true } });
  });

  test("a source known by another address is found by its server_id", () => {
    judgePictures(mariadbmon, [
      `
      db1  rw id=77            -> Master, Running
      db2  ro <10.0.0.1#77     -> Slave, Running`,
      `
      db1  down                -> Down
      db2  ro <10.0.0.1#77:connecting -> Slave, Running`,
    ]);
  });

  test("a server_id is not believed before the replica has been connected to that very source", () => {
    judgePicture(
      mariadbmon,
      `
      db1  rw id=77            -> Master, Running
      db2  ro <10.0.0.1#77:connecting -> Running`,
    );
  });

  test("two servers with one server_id are still told apart by address", () => {
    judgePicture(
      mariadbmon,
      `
      db1  rw id=1             -> Master, Running
      db2  ro id=1 <db1        -> Relay Master, Slave, Running
      db3  ro id=1 <db2        -> Slave, Running`,
    );
  });

  test("assume_unique_hostnames=false: by server_id alone", () => {
    const picture = `
      db1  rw                  -> Master, Running
      db2  ro <db1             -> Slave, Running`;
    judgePicture(mariadbmon, picture, { options: { assumeUniqueHostnames: false } });
  });
});

describe("what else a state tells", () => {
  test("lag is that of the link; unknown where the replica is cut off", () => {
    const { servers } = judgePicture(
      mariadbmon,
      `
      db1  rw                  -> Master, Running
      db2  ro <db1 lag=7       -> Slave, Running
      db3  ro <db1 lag=?       -> Slave, Running
      db4  ro <db1:connecting  -> Relay Master, Slave, Running
      db5  ro <db4 lag=0       -> Slave, Running`,
    );
    const told = [...servers.values()].map(({ lagSeconds, staleReplica }) => [lagSeconds, staleReplica]);
    expect(told).toEqual([
      [0, false],
      [7, false],
      [undefined, false],
      [undefined, true],
      [undefined, true],
    ]);
  });

  test("the reason for each role, and for none", () => {
    const { servers } = judgePicture(
      mariadbmon,
      `
      db1  rw gtid=0-1-9
      db2  ro <db1
      db3  ro <db1:sql
      db4  rw gtid=0-4-9
      db5  rw gtid=0-1-8
      db6  ro
      db7  ro <db6
      db8  down
      db9  rw no-grant
      dba  ro <db1:connecting
      dbb  ro <dba`,
    );
    expect([...servers].map(([name, { cause }]) => `${name} ${cause.code}: ${cause.sentence}`)).toEqual([
      "db1 ROLE_PRIMARY: takes writes and replicates from no server of this monitor; db2, dba, dbb replicate from it",
      "db2 ROLE_REPLICA: replicates from db1",
      "db3 ROLE_REPLICATION_BROKEN: replication from db1 is broken: Duplicate entry '1' for key 'PRIMARY'",
      "db4 ROLE_NOT_CHOSEN: takes writes and replicates from nobody, but db1 is the chosen primary; it has transactions that db1 lacks",
      "db5 ROLE_NOT_CHOSEN: takes writes and replicates from nobody, but db1 is the chosen primary; it lacks transactions that db1 has",
      "db6 READ_ONLY: replicates from nobody, and is read-only, so it cannot be the primary",
      "db7 ROLE_WRONG_SOURCE: replicates from db6, not from db1: its data is not the primary's",
      "db8 PROBE_REFUSED: connection refused by db8:3306",
      "db9 ROLE_REPLICATION_UNKNOWN: the account may not see whether it replicates, so it can be neither primary nor replica",
      "dba ROLE_REPLICA_STALE: tries to connect to db1, from which it replicates: Can't connect to the source",
      "dbb ROLE_REPLICA_STALE: replicates from dba, which is itself cut off from the primary",
    ]);
  });

  test.each([
    ["db1 rw", "db1 is the primary"],
    ["db1 rw\ndb2 ro <db1", "db1 is the primary; db2 follows it"],
    [
      "db1 rw\ndb2 rw",
      "db1 is the primary, and db2 would take writes too: nothing but this monitor keeps clients off",
    ],
    ["db1 ro\ndb2 ro <db1", "no primary: db1 is read-only, db2 replicates from another server"],
    ["", "no primary: the monitor has no servers"],
  ])("the cluster in one sentence: %j", (picture, diagnosis) => {
    expect(judgePicture(mariadbmon, picture).diagnosis).toBe(diagnosis);
  });

  test("the cluster in one sentence while its primary is away", () => {
    const down = "db1 down\ndb2 ro <db1:connecting\ndb3 ro <db1:connecting";
    expect(judgePictures(mariadbmon, [UP, down]).diagnosis).toBe(
      "no primary: db1 is down; db2, db3 wait for it",
    );
  });
});
