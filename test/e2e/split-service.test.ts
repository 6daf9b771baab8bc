// A service that splits reads and writes, as it is run: two workers, a monitor, a real primary with two replicas, and what becomes of them.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { type Connection, type ConnectionConfig, createConnection } from "mariadb";
import { eventually } from "../eventually.ts";
import type { Certificate } from "../lab/certificates.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import type { MariaDb } from "../lab/maria-db.ts";
import type { Process } from "../lab/process.ts";
import { type Replication, startReplication } from "../lab/replication.ts";
import { runSluice, startSluice } from "../lab/sluice.ts";

const PASSWORD = "Kept out of argv 1!";
const PORT = 4006;
const REPLAYING = 4007;
const ENCRYPTED = 4008;

let lab: Lab;
let replication: Replication;
let db1: MariaDb;
let db2: MariaDb;
let db3: MariaDb;
let proxy: Host;
let sluice: Process;
let certificate: Certificate;
const open: Connection[] = [];

beforeAll(async () => {
  lab = await Lab.create({ name: "splitting" });
  replication = await startReplication(lab, { hasTls: true });
  [db1, db2, db3] = replication.servers as [MariaDb, MariaDb, MariaDb];
  await db1.sql(
    `CREATE USER monitor@'%' IDENTIFIED BY '${PASSWORD}';
     GRANT REPLICATION CLIENT, SLAVE MONITOR, REPLICA MONITOR ON *.* TO monitor@'%';
     CREATE USER service@'%' IDENTIFIED BY '${PASSWORD}'; GRANT SELECT ON mysql.* TO service@'%'; GRANT SHOW DATABASES ON *.* TO service@'%';
     CREATE USER app@'%' IDENTIFIED BY '${PASSWORD}'; GRANT ALL ON app.* TO app@'%';
     CREATE USER admin@'%' IDENTIFIED BY '${PASSWORD}'; GRANT ALL ON *.* TO admin@'%';
     CREATE DATABASE app; CREATE TABLE app.t (id INT PRIMARY KEY AUTO_INCREMENT, a LONGTEXT)`,
  );
  for (const replica of [db2, db3]) await replication.untilCaughtUp(replica);
  proxy = await lab.host("proxy");
  certificate = await lab.certificate("proxy", { names: ["proxy", proxy.address] });
  proxy.write("/etc/sluice.cnf", configuration(), 0o600);
  sluice = await startSluice(proxy, ["run", "--config", proxy.path("/etc/sluice.cnf")], {
    ports: [PORT, REPLAYING, ENCRYPTED],
  });
  await eventually(async () => (await serverOf(await client())) !== 0, { within: 20_000, what: "a login" });
}, 120_000);

afterAll(async () => {
  for (const connection of open) connection.destroy();
  await sluice?.terminate();
  await lab?.destroy();
});

function configuration(): string {
  const servers = replication.servers.map(
    ({ host, address, port }) =>
      `[${host.name}]\ntype=server\naddress=${address}\nport=${port}\nssl=true\nssl_ca=${certificate.authority}\nssl_verify_peer_certificate=true\nssl_verify_peer_host=true\n`,
  );
  const service = (name: string, more: string): string => `[${name}]
type=service
router=readwritesplit
cluster=fleet
user=service
password=${PASSWORD}
connect_timeout=2s
${more}`;
  return `[sluice]
threads=2
users_refresh_time=0s
datadir=${proxy.folder}/data
persistdir=${proxy.folder}/data/sluice.cnf.d

${servers.join("\n")}
[fleet]
type=monitor
module=mariadbmon
servers=db1,db2,db3
user=monitor
password=${PASSWORD}
monitor_interval=200ms
check_timeout=400ms
failcount=2

${service("split", "master_failure_mode=error_on_write\n")}
${service("replaying", "transaction_replay=true\ntransaction_replay_checksum=no_insert_id\ndelayed_retry=true\ndelayed_retry_timeout=20s\n")}
[split-listener]
type=listener
service=split
port=${PORT}

[replaying-listener]
type=listener
service=replaying
port=${REPLAYING}

[encrypted-listener]
type=listener
service=split
port=${ENCRYPTED}
ssl=true
ssl_cert=${certificate.certificate}
ssl_key=${certificate.key}
`;
}

async function client(port = PORT, user = "app", more: ConnectionConfig = {}): Promise<Connection> {
  const connection = await createConnection({
    host: proxy.address,
    port,
    user,
    password: PASSWORD,
    database: "app",
    connectTimeout: 10_000,
    bigIntAsNumber: true,
    insertIdAsNumber: true,
    ...more,
  });
  connection.on("error", () => {});
  open.push(connection);
  return connection;
}

async function serverOf(connection: Connection, sql = "SELECT @@server_id AS id"): Promise<number> {
  const [row] = await connection.query<{ id: number }[]>(sql);
  return row?.id ?? 0;
}

const list = async (what: string): Promise<readonly { id: string; attributes: Record<string, unknown> }[]> =>
  JSON.parse((await runSluice(proxy, ["list", what, "--json"])).stdout).data;

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
      seen.add((await proxy.run(argv, { env: { MYSQL_PWD: PASSWORD } })).stdout.trim());
    expect([...seen].sort()).toEqual(["2", "3"]);
    const wrong = await proxy.run(argv, { env: { MYSQL_PWD: "wrong" }, mayFail: true });
    expect(wrong.stderr).toContain("Access denied for user 'app'@");
  });

  test("TLS on both sides", async () => {
    const ssl = { ca: readFileSync(certificate.authority, "utf8") };
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
    await db1.sql(`CREATE USER late@'%' IDENTIFIED BY '${PASSWORD}'; GRANT SELECT ON app.* TO late@'%'`);
    for (const replica of [db2, db3]) await replication.untilCaughtUp(replica);
    expect(await serverOf(await client(PORT, "late"))).not.toBe(1);
  });

  test("sessions are shown with their server connections, services with their figures", async () => {
    const connection = await client();
    await connection.query("INSERT INTO t (a) VALUES ('shown')");
    await serverOf(connection);
    const sessions = await list("sessions");
    const mine = sessions.find(({ id }) => Number(id) % 2 ** 31 === connection.threadId);
    expect(mine?.attributes).toMatchObject({
      user: "app",
      remote: lab.address,
      database: "app",
      state: "idle",
    });
    expect(mine?.attributes["connections"]).toHaveLength(2);
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
    await eventually(
      async () => (await list("servers")).find(({ id }) => id === "db3")?.attributes["state"] === "Down",
    );
    await db3.resume();
    for (const reader of readers) expect(await reader.stop()).toEqual([]);
  }, 60_000);

  test("drain: its reads go elsewhere at once, without an error", async () => {
    const connection = await client();
    await runSluice(proxy, ["maintenance", "drain", "--server", "db2"]);
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
    await eventually(
      async () => (await list("servers")).find(({ id }) => id === "db1")?.attributes["state"] === "Down",
    );
    expect(await serverOf(connection)).toBeGreaterThan(1);
    await expect(connection.query("INSERT INTO t (a) VALUES ('no')")).rejects.toThrow(
      /has no primary: db1 is down/,
    );
    await db2.sql("STOP SLAVE; RESET SLAVE ALL; SET GLOBAL read_only = 0");
    await replication.follow(db3, db2);
    expect(await waiting).toMatchObject([{ n: 1 }]);
    await transaction.query("COMMIT");
    expect(
      await connection.query("SELECT @x AS x, @@server_id AS id FROM t LIMIT 1 FOR UPDATE"),
    ).toMatchObject([{ x: 8, id: 2 }]);
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
