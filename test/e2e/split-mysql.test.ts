// MySQL 9 behind a service that splits reads and writes: a primary, its replica by GTID, and accounts of caching_sha2_password.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import {
  type Connection,
  type ConnectionOptions,
  createConnection,
  type RowDataPacket,
} from "mysql2/promise";
import { eventually } from "../eventually.ts";
import type { Certificate } from "../lab/certificates.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { HAS_MYSQL, MySql } from "../lab/my-sql.ts";
import type { Process } from "../lab/process.ts";
import { runSluice, startSluice } from "../lab/sluice.ts";
import { accountsOf } from "../support/root-accounts.ts";
import { SplitRig } from "../support/split-rig.ts";

setDefaultTimeout(60_000);

const PASSWORD = "Kept out of argv 1!";
const PORTS = { split: 4006, local: 4007, global: 4008, fast: 4009, encrypted: 4010 } as const;
type Service = keyof typeof PORTS;

let lab: Lab;
let primary: MySql;
let replica: MySql;
let proxy: Host;
let certificate: Certificate;
let sluice: Process;
const open: Connection[] = [];

const SETUP = [
  "CREATE USER replication@'%' IDENTIFIED BY 'replication'",
  "GRANT REPLICATION SLAVE ON *.* TO replication@'%'",
  `CREATE USER monitor@'%' IDENTIFIED BY '${PASSWORD}'`,
  "GRANT REPLICATION CLIENT, REPLICATION SLAVE, PROCESS ON *.* TO monitor@'%'",
  "GRANT SELECT ON performance_schema.* TO monitor@'%'",
  `CREATE USER service@'%' IDENTIFIED BY '${PASSWORD}'`,
  "GRANT SELECT ON mysql.* TO service@'%'",
  "GRANT SHOW DATABASES ON *.* TO service@'%'",
  `CREATE USER app@'%' IDENTIFIED BY '${PASSWORD}'`,
  "GRANT ALL ON app.* TO app@'%'",
  `CREATE USER other@'%' IDENTIFIED BY '${PASSWORD}'`,
  "GRANT SELECT ON app.* TO other@'%'",
  `CREATE USER few@'%' IDENTIFIED BY '${PASSWORD}' WITH MAX_USER_CONNECTIONS 1`,
  "GRANT ALL ON app.* TO few@'%'",
  "CREATE DATABASE app",
  "CREATE TABLE app.t (id INT PRIMARY KEY AUTO_INCREMENT, a LONGTEXT)",
];

function configuration(): string {
  const servers = [primary, replica].map(
    ({ host, address, port }) => `[${host.name}]
type=server
address=${address}
port=${port}
ssl=true
ssl_ca=${certificate.authority}
persistpoolmax=20
`,
  );
  const service = (name: string, more = ""): string => `[${name}]
type=service
router=readwritesplit
cluster=fleet
user=service
password=${PASSWORD}
connect_timeout=2s
${more}
`;
  const listener = (name: Service, of: string = name, more = ""): string =>
    `[${name}-listener]\ntype=listener\nservice=${of}\nport=${PORTS[name]}\n${more}\n`;
  return `[sluice]
threads=1
users_refresh_time=0s
datadir=${proxy.folder}/data
persistdir=${proxy.folder}/data/sluice.cnf.d

${servers.join("\n")}
[fleet]
type=monitor
module=mariadbmon
servers=db1,db2
user=monitor
password=${PASSWORD}
monitor_interval=200ms
check_timeout=10s

${service("split")}${service("local", "causal_reads=local")}${service("global", "causal_reads=global")}${service("fast", "causal_reads=fast")}
${listener("split")}${listener("local")}${listener("global")}${listener("fast")}
${listener("encrypted", "split", `ssl=true\nssl_cert=${certificate.certificate}\nssl_key=${certificate.key}`)}`;
}

async function client(service: Service, more: ConnectionOptions = {}): Promise<Connection> {
  const connection = await createConnection({
    host: proxy.address,
    port: PORTS[service],
    user: "app",
    password: PASSWORD,
    database: "app",
    connectTimeout: 10_000,
    ...more,
  });
  connection.on("error", () => {});
  open.push(connection);
  return connection;
}

/** Past the service. */
async function direct({ address, port }: MySql, more: ConnectionOptions = {}): Promise<Connection> {
  return await client("split", { host: address, port, ...more });
}

const overTls = (): ConnectionOptions => ({ ssl: { ca: readFileSync(certificate.authority) } });

async function rowsOf(connection: Connection, sql: string, values?: unknown[]): Promise<RowDataPacket[]> {
  const [rows] = await connection.query<RowDataPacket[]>(sql, values);
  return rows;
}

/** 1 is the primary. */
const serverOf = async (connection: Connection, sql = "SELECT @@server_id AS id"): Promise<number> =>
  (await rowsOf(connection, sql))[0]?.["id"];

describe.skipIf(!HAS_MYSQL)("MySQL 9", () => {
  beforeAll(async () => {
    lab = await Lab.create({ name: "split-mysql" });
    const [one, two, third] = await Promise.all([lab.host("db1"), lab.host("db2"), lab.host("proxy")]);
    proxy = third;
    [primary, replica] = await Promise.all([
      MySql.start(one, { options: { server_id: 1 } }),
      MySql.start(two, { options: { server_id: 2 } }),
    ]);
    for (const statement of SETUP) await primary.sql(statement);
    // What it made itself while it was set up is not wanted twice.
    await replica.sql("RESET BINARY LOGS AND GTIDS");
    await replica.sql(
      `CHANGE REPLICATION SOURCE TO SOURCE_HOST = '${primary.address}', SOURCE_PORT = ${primary.port}, SOURCE_USER = 'replication', SOURCE_PASSWORD = 'replication', SOURCE_SSL = 1, SOURCE_AUTO_POSITION = 1, SOURCE_CONNECT_RETRY = 1, SOURCE_HEARTBEAT_PERIOD = 0.5`,
    );
    await replica.sql("START REPLICA");
    await replica.sql("SET GLOBAL super_read_only = 1");
    await caughtUp();
    certificate = await lab.certificate("proxy", { names: ["proxy", proxy.address] });
    proxy.write("/etc/sluice.cnf", configuration(), 0o600);
    sluice = await startSluice(proxy, ["run", "--config", proxy.path("/etc/sluice.cnf")], {
      ports: Object.values(PORTS),
    });
    await eventually(async () => (await serverOf(await client("encrypted", overTls()))) === 2, {
      within: 30_000,
      what: "a read on the replica",
    });
  }, 180_000);

  afterAll(async () => {
    for (const connection of open) connection.destroy();
    await sluice?.terminate();
    await lab?.destroy();
  });

  async function caughtUp(): Promise<void> {
    const [row] = await primary.sql<{ gtids: string }>("SELECT @@global.gtid_executed AS gtids");
    await replica.sql(`DO WAIT_FOR_EXECUTED_GTID_SET('${row?.gtids}', 20)`);
  }

  describe("logins by caching_sha2_password", () => {
    test.each([
      ["over TLS", "encrypted"],
      ["by RSA", "split"],
    ] as const)("%s, then on the fast path; a wrong password is refused", async (_, service) => {
      const more = service === "encrypted" ? overTls() : {};
      for (let i = 0; i < 3; i++) {
        const connection = await client(service, more);
        const [row] = await rowsOf(connection, "SELECT CURRENT_USER() AS u, @@server_id AS id");
        expect(row).toMatchObject({ u: "app@%", id: 2 });
        expect(await serverOf(connection, "SELECT @@server_id AS id FOR UPDATE")).toBe(1);
        await connection.end();
      }
      await expect(client(service, { ...more, password: "wrong" })).rejects.toThrow(
        /Access denied for user 'app'@/,
      );
    });

    test("to servers in the clear as well, and after they have forgotten the password", async () => {
      const accounts = await accountsOf(primary);
      const servers = [primary, replica].map(({ host, address, port }) => ({
        name: host.name,
        address,
        port,
      }));
      const rig = new SplitRig(servers, accounts, {}, ["9.1.0"]);
      for (let i = 0; i < 3; i++) {
        await primary.sql("FLUSH PRIVILEGES");
        const connection = await client("split", { host: "127.0.0.1", port: rig.port });
        expect(await serverOf(connection)).toBe(2);
        expect(await serverOf(connection, "SELECT @@server_id AS id FOR UPDATE")).toBe(1);
        connection.destroy();
      }
      rig.close();
    });

    test("COM_CHANGE_USER", async () => {
      const connection = await client("encrypted", overTls());
      await connection.query("SET @x = 1");
      await connection.changeUser({ user: "other", password: PASSWORD, database: "app" });
      const [row] = await rowsOf(connection, "SELECT CURRENT_USER() AS u, @x AS x");
      expect(row).toMatchObject({ u: "other@%", x: null });
      await expect(connection.query("INSERT INTO t (a) VALUES ('no')")).rejects.toThrow(/denied/);
    });
  });

  describe("statements", () => {
    test("reads on the replica, writes and transactions on the primary", async () => {
      const connection = await client("split");
      expect(await serverOf(connection)).toBe(2);
      const [written] = await connection.query("INSERT INTO t (a) VALUES ('one')");
      expect(written).toMatchObject({ affectedRows: 1 });
      expect(await serverOf(connection)).toBe(2);
      await connection.beginTransaction();
      expect(await serverOf(connection)).toBe(1);
      await connection.query("INSERT INTO t (a) VALUES ('rolled back')");
      await connection.rollback();
      expect(await serverOf(connection)).toBe(2);
      await connection.query("START TRANSACTION READ ONLY");
      expect(await serverOf(connection)).toBe(2);
      await connection.query("COMMIT");
      await connection.query("SET autocommit = 0");
      expect(await serverOf(connection)).toBe(1);
      await connection.query("SET autocommit = 1");
      expect(await rowsOf(connection, "SELECT a FROM t WHERE a = 'rolled back' FOR UPDATE")).toEqual([]);
    });

    test("MySQL's own functions are reads, MariaDB's are not known, whatever sql_mode is set to", async () => {
      const connection = await client("split");
      for (const mode of ["@@sql_mode", "'ANSI_QUOTES'", "CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES')"]) {
        await connection.query(`SET sql_mode = ${mode}`);
        expect(await serverOf(connection, "SELECT @@server_id AS id, UUID_TO_BIN(UUID()) AS u")).toBe(2);
        await expect(connection.query("SELECT DECODE_ORACLE(1, 2)")).rejects.toThrow(/does not exist|denied/);
      }
    });

    test("prepared: executed where each belongs, with types that change", async () => {
      const connection = await client("split");
      const reading = await direct(replica);
      for (const value of [1, "two", null, 3.5]) {
        const sql = "SELECT @@server_id AS id, ? AS v, CAST(? AS CHAR) AS c";
        const [[rows], [same]] = [
          await connection.execute<RowDataPacket[]>(sql, [value, value]),
          await reading.execute<RowDataPacket[]>(sql, [value, value]),
        ];
        expect(rows).toEqual(same);
        expect(rows).toMatchObject([{ id: 2, c: value === null ? null : String(value) }]);
        const [written] = await connection.execute("INSERT INTO t (a) VALUES (?)", [value]);
        expect(written).toMatchObject({ affectedRows: 1 });
      }
      await expect(connection.execute("SELECT * FROM missing WHERE a = ?", [1])).rejects.toThrow(/missing/);
      await connection.query("PREPARE p FROM 'SELECT @@server_id AS id, ? AS v'");
      await connection.query("SET @v = 5");
      expect(await rowsOf(connection, "EXECUTE p USING @v")).toMatchObject([{ id: 2, v: 5 }]);
    });

    test("user variables that are set on the replica are known on the primary, and so are diagnostics", async () => {
      const connection = await client("split");
      await connection.query("START TRANSACTION READ ONLY");
      await connection.query("SELECT @@server_id, 'caf\u00e9', 1.50, X'00FF' INTO @id, @s, @d, @b");
      await connection.query("COMMIT");
      const all = "SELECT @id AS id, @s AS s, @d AS d, HEX(@b) AS b FROM t LIMIT 1 FOR UPDATE";
      await connection.query("INSERT INTO t (a) VALUES ('row')");
      expect(await rowsOf(connection, all)).toMatchObject([{ id: 2, s: "caf\u00e9", d: "1.50", b: "00FF" }]);
      expect(await serverOf(connection, "SELECT CAST('x' AS SIGNED) AS n, @@server_id AS id")).toBe(2);
      await connection.query("GET DIAGNOSTICS @n = NUMBER");
      await connection.query("GET DIAGNOSTICS CONDITION 1 @code = MYSQL_ERRNO");
      expect(await rowsOf(connection, "SELECT @n AS n, @code AS code")).toEqual([
        { n: 1, code: 1292 },
      ] as RowDataPacket[]);
    });

    test("session state is the same on both", async () => {
      const connection = await client("split");
      await connection.query("SET NAMES latin1");
      await connection.query("SET @x = 5, time_zone = '+03:00'");
      const sql = "SELECT @x AS x, @@character_set_client AS cs, @@time_zone AS tz, @@server_id AS id";
      const expected = { x: 5, cs: "latin1", tz: "+03:00" };
      expect(await rowsOf(connection, sql)).toMatchObject([{ ...expected, id: 2 }]);
      expect(await rowsOf(connection, `${sql} FOR UPDATE`)).toMatchObject([{ ...expected, id: 1 }]);
    });
  });

  describe("causal reads", () => {
    test.each(["local", "global", "fast"] as const)(
      "%s: what was written is read, 200 times",
      async (service) => {
        const writer = await client(service);
        const reader = service === "global" ? await client(service) : writer;
        await writer.query(`CREATE TABLE ${service}_reads (n INT PRIMARY KEY)`);
        const servers = new Set<number>();
        for (let n = 1; n <= 200; n++) {
          await writer.query(`INSERT INTO ${service}_reads VALUES (?)`, [n]);
          const [row] = await rowsOf(
            reader,
            `SELECT MAX(n) AS n, (SELECT @@server_id) AS id FROM ${service}_reads`,
          );
          expect(row?.["n"]).toBe(n);
          servers.add(row?.["id"]);
        }
        if (service !== "fast") expect([...servers]).toEqual([2]);
      },
    );

    test("local: the primary tells with its answer what was written, and is not asked for it", async () => {
      const connection = await client("local");
      await connection.query("CREATE TABLE told (n INT PRIMARY KEY)");
      /** What this session's connection to the primary was asked since it was last reset: the monitor asks on its own. */
      const selects = async (): Promise<number> => {
        const status = "SHOW SESSION STATUS LIKE 'Com_select' -- maxscale route to master";
        return Number((await rowsOf(connection, status))[0]?.["Value"]);
      };
      let asked = 0;
      for (let n = 1; n <= 100; n++) {
        if (n % 2) await connection.query("INSERT INTO told VALUES (?)", [n]);
        else {
          await connection.query("BEGIN");
          await connection.query("INSERT INTO told VALUES (?)", [n]);
          await connection.query("COMMIT");
        }
        // After a reset as well, when the server has to be told anew to tell.
        if (n === 50) {
          asked += await selects();
          await connection.reset();
        }
        expect(await rowsOf(connection, "SELECT MAX(n) AS n FROM told")).toEqual([{ n }] as RowDataPacket[]);
      }
      expect(asked + (await selects())).toBeLessThan(10); // after every 16 writes one
    });

    test("a replica that lags is waited for", async () => {
      const connection = await client("local");
      const locking = await direct(replica);
      // Where replication is stopped, the monitor may find that it is no replica.
      await locking.query("LOCK TABLES t READ");
      await connection.query("INSERT INTO t (a) VALUES ('late')");
      const reading = rowsOf(connection, "SELECT @@server_id AS id FROM t WHERE a = 'late'");
      await locking.query("UNLOCK TABLES");
      expect(await reading).toEqual([{ id: 2 }] as RowDataPacket[]);
    });
  });

  describe("idle connections", () => {
    const STATE =
      "SELECT CONNECTION_ID() AS connection, @leak AS leak, @@sql_mode AS mode, @@character_set_client AS cs, @@character_set_results AS results, @@collation_connection AS collation, @@character_set_connection AS connected, @@time_zone AS tz, @@autocommit AS autocommit, @@transaction_isolation AS isolation";

    test.each(["UTF8MB4_0900_AI_CI", "LATIN1_SWEDISH_CI", "UTF8MB4_UNICODE_CI"])(
      "go to the next session as a login would make them: %s",
      async (charset) => {
        const more = { charset, user: "app" };
        const fresh = await direct(primary, more);
        const [asNew] = await rowsOf(fresh, STATE);
        fresh.destroy();
        const seen = new Set<unknown>();
        // Each session leaves behind all that it can, and whoever has its connections next must find none of it.
        const haveBothBeenUsed = async (): Promise<boolean> => {
          const session = await client("split", more);
          const states = [
            (await rowsOf(session, STATE))[0],
            (await rowsOf(session, `${STATE} FOR UPDATE`))[0],
          ];
          for (const state of states)
            expect({ ...state, connection: 0 }).toEqual({ ...asNew, connection: 0 });
          await session.query("SET @leak = 1, sql_mode = 'ANSI_QUOTES', time_zone = '+05:00'");
          await session.query("SET NAMES gbk");
          await session.query("SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE");
          await session.execute("SELECT ? AS prepared", [1]);
          await session.end();
          // The replica's numbers are not the primary's.
          const keys = states.map((state, at) => `${at} ${state?.["connection"]}`);
          const areUsed = keys.every((key) => seen.has(key));
          for (const key of keys) seen.add(key);
          return areUsed;
        };
        await eventually(haveBothBeenUsed);
      },
    );
  });

  describe("a server that has no room", () => {
    test("is heard in its own words where there is no other", async () => {
      const few = await Promise.all(
        [primary, replica].map(async (server) => await direct(server, { user: "few" })),
      );
      const connection = await client("split", { user: "few" });
      await expect(connection.query("SELECT 1")).rejects.toMatchObject({ errno: 1226 });
      few[1]?.destroy();
      await eventually(async () => (await serverOf(connection).catch(() => 0)) === 2);
      few[0]?.destroy();
    });
  });

  test("what the service shows of it", async () => {
    const { stdout } = await runSluice(proxy, ["list", "services", "--json"]);
    const split = JSON.parse(stdout).data.find(({ id }: { id: string }) => id === "split");
    const { primary: name, servers } = split.attributes.router_diagnostics;
    expect(name).toBe("db1");
    expect(servers.db1.writes).toBeGreaterThan(0);
    expect(servers.db2.reads).toBeGreaterThan(0);
  });
});
