import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../eventually.ts";
import { Lab } from "./lab.ts";
import type { MariaDb } from "./maria-db.ts";
import { type Replication, startReplication } from "./replication.ts";
import type { Row } from "./sql.ts";

let lab: Lab;
let replication: Replication;
let primary: MariaDb;
let one: MariaDb;
let two: MariaDb;

beforeAll(async () => {
  lab = await Lab.create({ name: "replication" });
  replication = await startReplication(lab);
  [primary, one, two] = replication.servers as [MariaDb, MariaDb, MariaDb];
});
afterAll(async () => {
  await lab.destroy();
});

async function rows(server: MariaDb): Promise<number> {
  const [row] = await server.sql<{ n: number }>("SELECT COUNT(*) AS n FROM lab.t");
  return row?.n ?? 0;
}

describe("a primary and two replicas", () => {
  test("carry what the primary writes", async () => {
    await primary.sql(
      "CREATE DATABASE lab; CREATE TABLE lab.t (a INT PRIMARY KEY); INSERT INTO lab.t VALUES (1)",
    );
    for (const replica of replication.replicas) {
      await replication.untilCaughtUp(replica);
      expect(await rows(replica)).toBe(1);
    }
  });

  test("a replica notices that its primary died, and goes on when it returns", async () => {
    await primary.kill();
    await eventually(async () => {
      const [status] = await one.sql<Row>("SHOW SLAVE STATUS");
      return status?.["Slave_IO_Running"] === "Connecting";
    });
    await primary.start();
    await replication.untilReplicating(one);
    await replication.untilReplicating(two);
  });

  test("a replica can be made the primary, and the old one its replica", async () => {
    await primary.sql("SET GLOBAL read_only = ON");
    await replication.untilCaughtUp(one);
    await one.sql("STOP SLAVE; RESET SLAVE ALL");
    await replication.follow(two, one);
    await primary.sql("SET GLOBAL gtid_slave_pos = @@gtid_binlog_pos");
    await replication.follow(primary, one);
    await one.sql("INSERT INTO lab.t VALUES (2)");
    await replication.untilCaughtUp(two, one);
    await replication.untilCaughtUp(primary, one);
    expect(await Promise.all(replication.servers.map(rows))).toEqual([2, 2, 2]);
  });
});
