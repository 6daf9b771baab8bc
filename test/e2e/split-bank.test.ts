// A bank behind a service that splits: servers are killed, hung, cut off and promoted, and no money is made or lost.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../eventually.ts";
import { Lab } from "../lab/lab.ts";
import type { MariaDb } from "../lab/maria-db.ts";
import type { Replication } from "../lab/replication.ts";
import { Banks } from "../support/banks.ts";

let lab: Lab;
let banks: Banks;
let replication: Replication;
let db1: MariaDb;
let db2: MariaDb;
let db3: MariaDb;
let isDb2Primary = false;

beforeAll(async () => {
  lab = await Lab.create({ name: "bank" });
  banks = await Banks.open(lab, {
    tellers: 4,
    // What is committed is on a replica before its client hears of it.
    options: {
      rpl_semi_sync_master_enabled: true,
      rpl_semi_sync_slave_enabled: true,
      rpl_semi_sync_master_wait_point: "AFTER_SYNC",
      rpl_semi_sync_master_timeout: 5000,
      rpl_semi_sync_master_wait_no_slave: false,
      gtid_strict_mode: true,
    },
  });
  replication = banks.fleet.replication as Replication;
  [db1, db2, db3] = replication.servers as [MariaDb, MariaDb, MariaDb];
}, 120_000);

afterAll(async () => {
  await banks?.close();
  await lab?.destroy();
});

/** read_only waits for transactions, which wait for it and for each other: nobody keeps one open. */
async function refuseWrites(server: MariaDb): Promise<void> {
  let isDone = false;
  const done = server.sql("SET GLOBAL read_only = 1", 60_000).finally(() => {
    isDone = true;
  });
  do {
    const rows = await server.sql<{ id: number }>(
      "SELECT id FROM information_schema.processlist WHERE user = 'app'",
    );
    for (const { id } of rows) await server.sql(`KILL ${id}`).catch(() => {});
  } while (!isDone);
  await done;
}

/** What the lost primary has sent last may still be on its way in: only then is it known who has most. */
async function untilCutOff(server: MariaDb): Promise<void> {
  const isCutOff = async (): Promise<boolean> => {
    const [row] = await server.sql<{ Slave_IO_Running: string }>("SHOW SLAVE STATUS");
    return row !== undefined && row.Slave_IO_Running !== "Yes";
  };
  await eventually(isCutOff, {
    within: 20_000,
    what: `${server.host.name} noticing that its primary is gone`,
  });
}

async function promote(next: MariaDb, others: readonly MariaDb[]): Promise<void> {
  await next.sql("STOP ALL SLAVES; RESET SLAVE ALL; SET GLOBAL read_only = 0");
  for (const other of others) await replication.follow(other, next);
}

describe("money moves while", () => {
  test("a replica is killed and comes back", async () => {
    await db2.kill();
    await banks.recovered();
    await db2.start();
    await replication.untilReplicating(db2);
    await banks.recovered();
  }, 90_000);

  test("a replica hangs, and one is cut off", async () => {
    await db3.hang();
    await banks.recovered();
    await db3.resume();
    await db2.host.cut();
    await banks.recovered();
    await db2.host.restore();
    await replication.untilReplicating(db2);
    await banks.recovered();
  }, 90_000);

  test("connections are killed on the servers", async () => {
    await banks.killConnections();
    await banks.recovered();
  }, 90_000);

  test("the primary hangs for a while", async () => {
    await db1.hang();
    await banks.untilRead(20);
    await db1.resume();
    await banks.recovered();
  }, 90_000);

  test("another server is promoted in good order", async () => {
    await refuseWrites(db1);
    await replication.untilCaughtUp(db2, db1);
    await replication.untilCaughtUp(db3, db1);
    await promote(db2, [db3, db1]);
    isDb2Primary = true;
    await banks.recovered();
  }, 90_000);

  test("the primary is killed, and the replica that has most is promoted", async () => {
    expect(isDb2Primary).toBe(true); // else all that follows would be about two primaries
    await eventually(async () => (await db2.status("Rpl_semi_sync_master_status")) === "ON", {
      within: 40_000,
      what: "semi-synchronous replication",
    });
    await db2.kill();
    const received = async (server: MariaDb): Promise<number> => {
      const [row] = await server.sql<{ Gtid_IO_Pos: string }>("SHOW SLAVE STATUS");
      return Number(row?.Gtid_IO_Pos.split("-").at(-1));
    };
    for (const server of [db1, db3]) await untilCutOff(server);
    const [at1, at3] = [await received(db1), await received(db3)];
    const [next, other, position] = at1 > at3 ? [db1, db3, at1] : [db3, db1, at3];
    await eventually(
      async () => Number((await next.variable("gtid_slave_pos")).split("-").at(-1)) >= position,
      { within: 20_000, what: "all that was received being executed" },
    );
    await promote(next, [other]);
    await banks.recovered();
    await banks.stop();
    await replication.untilCaughtUp(other, next);
    for (const server of [next, other])
      expect(await banks.audit(server, async (sql) => await server.sql(sql))).toEqual([]);
  }, 90_000);
});
