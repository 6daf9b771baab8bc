import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../eventually.ts";
import { FleetDaemon } from "../lab/fleet-daemon.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import type { MariaDb } from "../lab/maria-db.ts";
import { type Replication, startReplication } from "../lab/replication.ts";
import { lockTable } from "../support/lock-table.ts";
import { PrimaryWatch } from "../support/primary-watch.ts";

// A primary and two GTID replicas in every trouble that changes roles, as one daemon elsewhere sees them.

setDefaultTimeout(60_000);

const PASSWORD = "Kept out of argv 1!";
const MASTER = "Master, Running";
const SLAVE = "Slave, Running";
const RUNNING = "Running";
const DOWN = "Down";

let lab: Lab;
let control: Host;
let replication: Replication;
let one: MariaDb;
let two: MariaDb;
let three: MariaDb;
let daemon: FleetDaemon;
let watch: PrimaryWatch;

beforeAll(async () => {
  lab = await Lab.create({ name: "fleet-replication" });
  [replication, control] = await Promise.all([startReplication(lab), lab.host("control")]);
  [one, two, three] = replication.servers as [MariaDb, MariaDb, MariaDb];
  await one.sql(
    `CREATE USER watcher@'%' IDENTIFIED BY '${PASSWORD}'; GRANT SLAVE MONITOR, READ_ONLY ADMIN ON *.* TO watcher@'%'; CREATE DATABASE app; CREATE TABLE app.t (a INT PRIMARY KEY)`,
  );
  await Promise.all([two, three].map((replica) => replication.untilCaughtUp(replica)));
  await Promise.all([two, three].map((replica) => replica.sql("SET GLOBAL read_only = ON")));
  daemon = await FleetDaemon.start(
    control,
    `[db1]
type=server
address=${one.address}

[db2]
type=server
address=${two.address}

[db3]
type=server
address=${three.address}

[cluster]
type=monitor
module=mariadbmon
servers=db1,db2,db3
user=watcher
password=${PASSWORD}
monitor_interval=200ms
check_timeout=500ms
failcount=3
`,
  );
  await daemon.becomes({ db1: MASTER, db2: SLAVE, db3: SLAVE });
  watch = new PrimaryWatch(daemon);
}, 120_000);

afterAll(async () => {
  await lab.destroy();
});

/** Plays a trouble and its end, and gives back the events of both; never may there have been two primaries. */
async function story(play: () => Promise<void>): Promise<readonly string[]> {
  const events = await watch.during(() => daemon.eventsOf(play));
  expect(watch.mostPrimaries).toBeLessThanOrEqual(1);
  return events;
}

test("the table of list servers", async () => {
  const { stdout, code } = await daemon.command("list", "servers");
  expect(code).toBe(0);
  expect(stdout).toMatch(/│ db1 +│ [\d.]+ +│ 3306 +│ 0 +│ Master, Running +│ 0-1-\d+ +│ cluster/);
  expect(stdout).toMatch(/│ db3 +│ [\d.]+ +│ 3306 +│ 0 +│ Slave, Running +│ 0-1-\d+ +│ cluster/);
});

describe("a replica", () => {
  test("killed, and started again", async () => {
    const events = await story(async () => {
      await three.kill();
      await daemon.becomes({ db1: MASTER, db2: SLAVE, db3: DOWN });
      await three.start();
      await daemon.becomes({ db1: MASTER, db2: SLAVE, db3: SLAVE });
    });
    expect(events).toEqual(["db3 server_down", "db3 lost_replica", "db3 server_up", "db3 new_replica"]);
    await three.sql("SET GLOBAL read_only = ON");
  });

  test("whose replication is broken by a row that is there already", async () => {
    const events = await story(async () => {
      await three.sql("SET sql_log_bin=0; INSERT INTO app.t VALUES (1)");
      await one.sql("INSERT INTO app.t VALUES (1)");
      await daemon.becomes({ db1: MASTER, db2: SLAVE, db3: RUNNING });
      await three.sql("SET sql_log_bin=0; DELETE FROM app.t WHERE a = 1; START SLAVE");
      await daemon.becomes({ db3: SLAVE });
    });
    expect(events).toEqual(["db3 lost_replica", "db3 new_replica"]);
  });

  test("stopped by hand, and explained", async () => {
    const events = await story(async () => {
      await two.sql("STOP SLAVE");
      await daemon.becomes({ db2: RUNNING });
      const { stdout } = await daemon.command("explain", "db2");
      expect(stdout).toContain("db2");
      await two.sql("START SLAVE");
      await daemon.becomes({ db2: SLAVE });
    });
    expect(events).toEqual(["db2 lost_replica", "db2 new_replica"]);
  });

  test("that lags behind a locked table tells its lag", async () => {
    await story(async () => {
      const release = await lockTable(two, "app.t");
      await one.sql("INSERT INTO app.t VALUES (2)");
      const lag = await eventually(
        async () => {
          const { body } = await daemon.rest("/v1/servers/db2");
          const { replication_lag } = JSON.parse(body).data.attributes;
          return replication_lag >= 2 && replication_lag;
        },
        { within: 20_000, what: "a lag of two seconds" },
      );
      expect(lag).toBeLessThan(60);
      await release();
      await replication.untilCaughtUp(two);
      await daemon.becomes({ db1: MASTER, db2: SLAVE, db3: SLAVE });
    });
  });

  test("cut off from the network", async () => {
    const events = await story(async () => {
      await three.host.cut();
      await daemon.becomes({ db1: MASTER, db2: SLAVE, db3: DOWN });
      await three.host.restore();
      // Its threads may not have noticed anything yet, and connect anew a moment later.
      await one.sql("INSERT INTO app.t VALUES (3)");
      await Promise.all([two, three].map((replica) => replication.untilCaughtUp(replica)));
      await daemon.becomes({ db3: SLAVE });
    });
    expect(events.filter((event) => !event.startsWith("db3 "))).toEqual([]);
    expect(events.slice(0, 2)).toEqual(["db3 server_down", "db3 lost_replica"]);
    expect(events.at(-1)).toBe("db3 new_replica");
  });
});

describe("the primary", () => {
  test("stopped and started again is the primary again, and no other was meanwhile", async () => {
    const events = await story(async () => {
      await one.stop();
      await daemon.becomes({ db1: DOWN });
      await one.start();
      await daemon.becomes({ db1: MASTER, db2: SLAVE, db3: SLAVE });
    });
    expect(events).toContain("db1 server_down");
    expect(events).toContain("db1 lost_primary");
    expect(events).toContain("db1 new_primary");
    expect(events.filter((event) => /db[23] new_primary/.test(event))).toEqual([]);
  });

  test("hung, and back", async () => {
    const events = await story(async () => {
      await one.hang();
      await daemon.becomes({ db1: DOWN });
      await one.resume();
      await daemon.becomes({ db1: MASTER, db2: SLAVE, db3: SLAVE });
    });
    expect(events.filter((event) => /db[23] new_primary/.test(event))).toEqual([]);
  });

  test("made read-only loses the role, and gets it back", async () => {
    const events = await story(async () => {
      await one.sql("SET GLOBAL read_only = ON");
      await daemon.becomes({ db1: RUNNING });
      await one.sql("SET GLOBAL read_only = OFF");
      await daemon.becomes({ db1: MASTER, db2: SLAVE, db3: SLAVE });
    });
    expect(events).toContain("db1 lost_primary");
    expect(events).toContain("db1 new_primary");
  });

  test("put away by a person needs force, and stays away over a restart", async () => {
    const refused = await daemon.command("set", "server", "db1", "maintenance");
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("--force");
    await story(async () => {
      expect((await daemon.command("set", "server", "db1", "maintenance", "--force")).code).toBe(0);
      await daemon.becomes({ db1: "Maintenance, Running" });
      await daemon.restart();
      await daemon.becomes({ db1: "Maintenance, Running" });
      expect((await daemon.command("clear", "server", "db1", "maintenance")).code).toBe(0);
      await daemon.becomes({ db1: MASTER, db2: SLAVE, db3: SLAVE });
    });
  });

  test("dead, a replica promoted by hand is the primary; the old one rejoins as its replica", async () => {
    const events = await story(async () => {
      await one.kill();
      await daemon.becomes({ db1: DOWN });
      await two.sql("STOP SLAVE; RESET SLAVE ALL; SET GLOBAL read_only = OFF");
      await replication.follow(three, two);
      await daemon.becomes({ db1: DOWN, db2: MASTER, db3: SLAVE });
      await one.start();
      await daemon.becomes({ db1: RUNNING, db2: MASTER, db3: SLAVE });
      await one.sql("SET GLOBAL gtid_slave_pos = @@gtid_binlog_pos; SET GLOBAL read_only = ON");
      await replication.follow(one, two);
      await daemon.becomes({ db1: SLAVE, db2: MASTER, db3: SLAVE });
    });
    const roles = events.filter((event) => /primary|db1 new_replica/.test(event));
    expect(roles).toEqual(["db1 lost_primary", "db2 new_primary", "db1 new_replica"]);
  });
});
