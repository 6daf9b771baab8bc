// A bank behind a service that splits: servers are killed, hung, cut off and promoted, and no money is made or lost.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../eventually.ts";
import { Lab } from "../lab/lab.ts";
import type { MariaDb } from "../lab/maria-db.ts";
import type { Replication } from "../lab/replication.ts";
import { BANK_SQL, Bank } from "../support/bank.ts";
import { type SplitFleet, startSplitFleet } from "../support/split-fleet.ts";

const PORT = 4006;
const REPLAYING = 4007;
const RECOVERY = { within: 40_000, what: "every client going on" };

let lab: Lab;
let fleet: SplitFleet;
let replication: Replication;
let db1: MariaDb;
let db2: MariaDb;
let db3: MariaDb;
let banks: Bank[];
let isDb2Primary = false;

beforeAll(async () => {
  lab = await Lab.create({ name: "bank" });
  fleet = await startSplitFleet(lab, {
    services: [
      { name: "split", port: PORT, more: "master_failure_mode=error_on_write\n" },
      {
        name: "replaying",
        port: REPLAYING,
        more: "transaction_replay=true\ntransaction_replay_checksum=no_insert_id\ndelayed_retry=true\ndelayed_retry_timeout=15s\n",
      },
    ],
    server: "persistpoolmax=4\npersistmaxtime=60s\n",
    // What is committed survives kill -9, and is on a replica before its client hears of it.
    options: {
      innodb_flush_log_at_trx_commit: 2,
      rpl_semi_sync_master_enabled: true,
      rpl_semi_sync_slave_enabled: true,
      rpl_semi_sync_master_wait_point: "AFTER_SYNC",
      rpl_semi_sync_master_timeout: 5000,
      rpl_semi_sync_master_wait_no_slave: false,
      gtid_strict_mode: true,
    },
    sql: BANK_SQL,
  });
  replication = fleet.replication as Replication;
  [db1, db2, db3] = replication.servers as [MariaDb, MariaDb, MariaDb];
  banks = [PORT, REPLAYING].map(
    (port, i) => new Bank(async () => await fleet.client(port, { socketTimeout: 20_000 }), 4, 3, `bank${i}-`),
  );
  await recovered();
}, 120_000);

afterAll(async () => {
  await Promise.all((banks ?? []).map(async (bank) => await bank.stop()));
  await fleet?.sluice.terminate();
  await lab?.destroy();
});

/** Every client does something again. */
async function recovered(): Promise<void> {
  const goOn = banks.map((bank) => bank.progress());
  await eventually(() => goOn.every((isDone) => isDone()), RECOVERY);
}

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
    await recovered();
    await db2.start();
    await replication.untilReplicating(db2);
    await recovered();
  }, 90_000);

  test("a replica hangs, and one is cut off", async () => {
    await db3.hang();
    await recovered();
    await db3.resume();
    await db2.host.cut();
    await recovered();
    await db2.host.restore();
    await replication.untilReplicating(db2);
    await recovered();
  }, 90_000);

  test("connections are killed on the servers", async () => {
    for (let i = 0; i < 10; i++) {
      for (const server of [db1, db2, db3]) {
        const rows = await server.sql<{ id: number }>(
          "SELECT id FROM information_schema.processlist WHERE user = 'app' ORDER BY RAND() LIMIT 3",
        );
        for (const { id } of rows) await server.sql(`KILL ${id}`).catch(() => {});
      }
    }
    await recovered();
  }, 90_000);

  test("the primary hangs for a while", async () => {
    await db1.hang();
    const before = banks.map((bank) => bank.reads.reduce((sum, count) => sum + count, 0));
    await eventually(
      () => banks.every((bank, i) => bank.reads.reduce((sum, n) => sum + n, 0) > (before[i] ?? 0) + 20),
      { within: 20_000, what: "reads without a primary" },
    );
    await db1.resume();
    await recovered();
  }, 90_000);

  test("another server is promoted in good order", async () => {
    await refuseWrites(db1);
    await replication.untilCaughtUp(db2, db1);
    await replication.untilCaughtUp(db3, db1);
    await promote(db2, [db3, db1]);
    isDb2Primary = true;
    await recovered();
  }, 90_000);

  test("the primary is killed, and the replica that has most is promoted", async () => {
    expect(isDb2Primary).toBe(true); // else all that follows would be about two primaries
    await eventually(async () => (await db2.status("Rpl_semi_sync_master_status")) === "ON", RECOVERY);
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
    await recovered();
    await Promise.all(banks.map(async (bank) => await bank.stop()));
    await replication.untilCaughtUp(other, next);
    for (const server of [next, other]) {
      const tokens = (await server.sql("SELECT token FROM app.ledger")).length;
      expect(tokens).toBeGreaterThan(50);
      for (const bank of banks)
        expect([server.host.name, ...(await bank.audit(async (sql) => await server.sql(sql)))]).toEqual([
          server.host.name,
        ]);
    }
  }, 90_000);
});
