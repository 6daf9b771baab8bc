// A service that splits reads and writes, as it is run: two workers, a monitor, a real primary with two replicas, and what becomes of them.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Connection, ConnectionConfig } from "mariadb";
import { eventually } from "../eventually.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import type { MariaDb } from "../lab/maria-db.ts";
import type { Replication } from "../lab/replication.ts";
import { runSluice } from "../lab/sluice.ts";
import { FLEET_PASSWORD } from "../support/fleet-settings.ts";
import { type SplitFleet, startSplitFleet } from "../support/split-fleet.ts";

const PORT = 4006;
const REPLAYING = 4007;
const ENCRYPTED = 4008;

let lab: Lab;
let fleet: SplitFleet;
let replication: Replication;
let db1: MariaDb;
let db2: MariaDb;
let db3: MariaDb;
let proxy: Host;
const open: Connection[] = [];

beforeAll(async () => {
  lab = await Lab.create({ name: "splitting" });
  fleet = await startSplitFleet(lab, {
    services: [
      { name: "split", port: PORT, tlsPort: ENCRYPTED, more: "master_failure_mode=error_on_write" },
      {
        name: "replaying",
        port: REPLAYING,
        more: "transaction_replay=true\ntransaction_replay_checksum=no_insert_id\ndelayed_retry=true\ndelayed_retry_timeout=20s",
      },
    ],
    sql: "CREATE TABLE app.t (id INT PRIMARY KEY AUTO_INCREMENT, a LONGTEXT)",
    checkTimeoutMs: 2000,
  });
  replication = fleet.replication as Replication;
  [db1, db2, db3] = replication.servers as [MariaDb, MariaDb, MariaDb];
  proxy = fleet.proxy;
}, 120_000);

afterAll(async () => {
  for (const connection of open) connection.destroy();
  await fleet?.sluice.terminate();
  await lab?.destroy();
});

async function client(port = PORT, user = "app", more: ConnectionConfig = {}): Promise<Connection> {
  const connection = await fleet.client(port, { user, ...more });
  open.push(connection);
  return connection;
}

async function serverOf(connection: Connection, sql = "SELECT @@server_id AS id"): Promise<number> {
  const [row] = await connection.query<{ id: number }[]>(sql);
  return row?.id ?? 0;
}

const list = async (what: string): Promise<readonly { id: string; attributes: Record<string, unknown> }[]> =>
  JSON.parse((await runSluice(proxy, ["list", what, "--json"])).stdout).data;

async function stateOf(server: MariaDb): Promise<unknown> {
  return (await list("servers")).find(({ id }) => id === server.host.name)?.attributes["state"];
}

/** Reads in the background until stopped; what failed is kept. */
function keepReading(connection: Connection): { stop(): Promise<readonly string[]> } {
  const failures: string[] = [];
  let isStopped = false;
  const done = (async () => {
    while (!isStopped) await serverOf(connection).catch((error) => failures.push(String(error)));
  })();
  return {
    stop: async () => {
      isStopped = true;
      await done;
      return failures;
    },
  };
}

describe("as it is run", () => {
  test("the client of the guide: select @@server_id is answered by 2 and 3", async () => {
    const argv = ["mariadb", "-h127.0.0.1", `-P${PORT}`, "-uapp", "-N", "-e", "SELECT @@server_id"];
    const seen = new Set<string>();
    for (let i = 0; i < 8; i++)
      seen.add((await proxy.run(argv, { env: { MYSQL_PWD: FLEET_PASSWORD } })).stdout.trim());
    expect([...seen].sort()).toEqual(["2", "3"]);
    const wrong = await proxy.run(argv, { env: { MYSQL_PWD: "wrong" }, mayFail: true });
    expect(wrong.stderr).toContain("Access denied for user 'app'@");
  });

  test("TLS on both sides", async () => {
    const ssl = { ca: readFileSync(fleet.certificate.authority, "utf8") };
    const connection = await client(ENCRYPTED, "app", { ssl, maxAllowedPacket: 1 << 26 });
    const [row] = await connection.query<{ Value: string }[]>("SHOW STATUS LIKE 'Ssl_cipher'");
    expect(row?.Value).not.toBe("");
    const text = "z".repeat(6 << 20);
    const [large] = await connection.query<{ a: string; id: number }[]>(
      `SELECT REPEAT('z', ${6 << 20}) AS a, @@server_id AS id`,
    );
    expect(large?.a === text && large.id > 1).toBe(true);
    await connection.query("BEGIN");
    await connection.query("INSERT INTO t (a) VALUES (?)", [text]);
    expect(await connection.query("SELECT LENGTH(a) AS n FROM t ORDER BY id DESC LIMIT 1")).toMatchObject([
      { n: text.length },
    ]);
    await connection.query("ROLLBACK");
    await expect(client(ENCRYPTED)).rejects.toThrow(/insecure transport/);
  });

  test("an account that is new comes in at once", async () => {
    await db1.sql(
      `CREATE USER late@'%' IDENTIFIED BY '${FLEET_PASSWORD}'; GRANT SELECT ON app.* TO late@'%'`,
    );
    for (const replica of [db2, db3]) await replication.untilCaughtUp(replica);
    expect(await serverOf(await client(PORT, "late"))).not.toBe(1);
  });

  test("sessions are shown with their server connections, services with their figures", async () => {
    const connection = await client();
    await connection.query("INSERT INTO t (a) VALUES ('shown')");
    await serverOf(connection);
    // A worker that does not tell of its sessions within a second is left out.
    const mine = await eventually(async () =>
      (await list("sessions")).find(({ id }) => Number(id) % 2 ** 31 === connection.threadId),
    );
    expect(mine.attributes).toMatchObject({
      user: "app",
      remote: lab.address,
      database: "app",
      state: "idle",
    });
    expect(mine.attributes["connections"]).toHaveLength(2);
    await eventually(async () => {
      const service = (await list("services")).find(({ id }) => id === "split");
      const diagnostics = service?.attributes["router_diagnostics"] as {
        primary: string;
        servers: Record<string, { reads: number; writes: number }>;
      };
      return diagnostics.primary === "db1" && (diagnostics.servers["db1"]?.writes ?? 0) > 0;
    });
    await connection.end();
  });

  test("KILL by the number of the session, whichever worker has it", async () => {
    const admins = [await client(PORT, "admin"), await client(PORT, "admin"), await client(PORT, "admin")];
    for (const admin of admins) {
      const victim = await client();
      await serverOf(victim);
      await admin.query(`KILL ${victim.threadId}`);
      await eventually(() => !victim.isValid());
    }
    const stranger = await client();
    await serverOf(stranger);
    const other = await client(PORT, "late");
    await expect(other.query(`KILL ${stranger.threadId}`)).rejects.toThrow(/not owner/);
    expect(await serverOf(stranger)).not.toBe(1);
  });
});

describe("what dies", () => {
  test("a replica that is killed costs no read, and is used again once it is back", async () => {
    const readers = [await client(), await client(), await client()].map(keepReading);
    await db2.kill();
    await db2.start();
    await replication.untilReplicating(db2);
    for (const reader of readers) expect(await reader.stop()).toEqual([]);
    await eventually(async () => (await serverOf(await client())) === 2, { within: 10_000 });
  }, 60_000);

  test("a replica that hangs holds up reads until the monitor knows, and fails none", async () => {
    const readers = [await client(), await client()].map(keepReading);
    await db3.hang();
    await eventually(async () => (await stateOf(db3)) === "Down");
    await db3.resume();
    for (const reader of readers) expect(await reader.stop()).toEqual([]);
    await eventually(async () => (await stateOf(db3)) === "Slave, Running");
  }, 60_000);

  test("drain: its reads go elsewhere at once, without an error", async () => {
    const connection = await client();
    await runSluice(proxy, ["maintenance", "drain", "--server", "db2"]);
    // The worker hears of it a moment after the command has ended.
    for (let i = 0; i < 100; i++) if ((await serverOf(connection)) === 3) break;
    for (let i = 0; i < 10; i++) expect(await serverOf(connection)).toBe(3);
    await runSluice(proxy, ["maintenance", "off", "--server", "db2"]);
    await eventually(async () => (await serverOf(await client())) === 2);
  });

  test("the primary: reads go on, writes are refused until another is promoted; a transaction is done again there", async () => {
    const connection = await client();
    await connection.query("SET @x = 8");
    const transaction = await client(REPLAYING);
    await transaction.query("BEGIN");
    await transaction.query("INSERT INTO t (a) VALUES ('again')");
    await replication.untilCaughtUp(db2);
    await db1.kill();
    const waiting = transaction.query("SELECT COUNT(*) AS n FROM t WHERE a = 'again'");
    await eventually(async () => (await stateOf(db1)) === "Down");
    expect(await serverOf(connection)).toBeGreaterThan(1);
    const refusal = async (): Promise<string> =>
      await connection.query("INSERT INTO t (a) VALUES ('no')").then(() => "none", String);
    // The worker hears of it a moment after the others; until then the primary cannot be reached.
    await eventually(async () => /has no primary: db1 is down/.test(await refusal()));
    await db2.sql("STOP SLAVE; RESET SLAVE ALL; SET GLOBAL read_only = 0");
    await replication.follow(db3, db2);
    expect(await waiting).toMatchObject([{ n: 1 }]);
    await transaction.query("COMMIT");
    // In another worker, perhaps, which hears of the new primary a moment later.
    const kept = await eventually(
      async () => await connection.query("SELECT @x AS x, @@server_id AS id FROM t LIMIT 1 FOR UPDATE"),
    );
    expect(kept).toMatchObject([{ x: 8, id: 2 }]);
    expect(await db2.sql("SELECT COUNT(*) AS n FROM app.t WHERE a = 'again'")).toEqual([{ n: 1 }]);
  }, 60_000);

  test("a worker: its sessions, and no other", async () => {
    const { stdout } = await proxy.run(["pgrep", "-f", "^sluice worker "]);
    const [victim] = stdout.trim().split("\n");
    await proxy.run([
      "sh",
      "-c",
      `kill -9 ${victim}; while kill -0 ${victim} 2>/dev/null; do sleep 0.02; done`,
    ]);
    for (let i = 0; i < 6; i++) expect(await serverOf(await client())).not.toBe(0);
  });
});
