// Sessions that split reads and writes, over a real primary and two replicas; the test itself says which server is what.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { type Connection, type ConnectionConfig, createConnection } from "mariadb";
import { readAccounts } from "../../src/probe/accounts/read-accounts.ts";
import type { Accounts } from "../../src/topology/accounts.ts";
import type { SplitRules } from "../../src/topology/routing-table.ts";
import { eventually } from "../eventually.ts";
import { Lab } from "../lab/lab.ts";
import type { MariaDb } from "../lab/maria-db.ts";
import { type Replication, startReplication } from "../lab/replication.ts";
import { SplitRig } from "../support/split-rig.ts";

const PASSWORD = "Kept out of argv 1!";

let lab: Lab;
let replication: Replication;
let primary: MariaDb;
let accounts: Accounts;
const rigs: SplitRig[] = [];
const clients: Connection[] = [];

beforeAll(async () => {
  lab = await Lab.create({ name: "split" });
  replication = await startReplication(lab);
  primary = replication.primary;
  await primary.sql(
    `CREATE USER app@'%' IDENTIFIED BY '${PASSWORD}'; GRANT ALL ON *.* TO app@'%';
     CREATE DATABASE app; CREATE DATABASE other; CREATE TABLE app.t (id INT PRIMARY KEY AUTO_INCREMENT, a LONGTEXT);
     CREATE TABLE other.t (id INT, a TEXT); INSERT INTO other.t VALUES (9, 'other')`,
  );
  await caughtUp();
  accounts = await readAccounts(
    {
      endpoint: { kind: "socket", path: primary.socketPath },
      user: "root",
      password: () => undefined,
      tls: undefined,
      database: undefined,
      checkQuery: undefined,
    },
    "db1",
    10_000,
    () => Date.now(),
  );
}, 120_000);

afterEach(() => {
  for (const connection of clients.splice(0)) connection.destroy();
  for (const one of rigs.splice(0)) one.close();
});
afterAll(async () => {
  await lab?.destroy();
});

async function caughtUp(): Promise<void> {
  for (const replica of replication.replicas) await replication.untilCaughtUp(replica);
}

function rig(rules: Partial<SplitRules> = {}): SplitRig {
  const servers = replication.servers.map(({ host, address, port }) => ({ name: host.name, address, port }));
  const made = new SplitRig(servers, accounts, rules);
  rigs.push(made);
  return made;
}

async function client({ port }: SplitRig, more: ConnectionConfig = {}): Promise<Connection> {
  const connection = await createConnection({
    host: "127.0.0.1",
    port,
    user: "app",
    password: PASSWORD,
    database: "app",
    connectTimeout: 5000,
    bigIntAsNumber: true,
    insertIdAsNumber: true,
    multipleStatements: true,
    ...more,
  });
  connection.on("error", () => {});
  clients.push(connection);
  return connection;
}

/** The number of the server that answers: 1 is the primary. */
async function serverOf(connection: Connection, sql = "SELECT @@server_id AS id"): Promise<number> {
  const [row] = await connection.query<{ id: number }[]>(sql);
  return row?.id ?? 0;
}

describe("statements go where they belong", () => {
  test("reads to both replicas by turns, writes to the primary", async () => {
    const split = rig();
    const [one, two] = [await client(split), await client(split)];
    const ids = [await serverOf(one), await serverOf(two)];
    expect(ids.sort()).toEqual([2, 3]);
    await one.query("INSERT INTO t (a) VALUES ('x')");
    await caughtUp();
    expect(await one.query("SELECT COUNT(*) AS n FROM t")).toMatchObject([{ n: 1 }]);
    expect(await serverOf(one, "SELECT @@server_id AS id FROM t FOR UPDATE")).toBe(1);
  });
});
