// Sessions that split reads and writes, over a real primary and two replicas; the test itself says which server is what.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { connect as connectTcp } from "node:net";
import { type Connection, type ConnectionConfig, createConnection } from "mariadb";
import type { Accounts } from "../../src/topology/accounts.ts";
import type { SplitRules } from "../../src/topology/routing-table.ts";
import { eventually } from "../eventually.ts";
import { Lab } from "../lab/lab.ts";
import type { MariaDb } from "../lab/maria-db.ts";
import { type Replication, startReplication } from "../lab/replication.ts";
import { accountsOf } from "../support/root-accounts.ts";
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
  accounts = await readAccountsOf();
}, 120_000);

afterEach(() => {
  for (const connection of clients.splice(0)) connection.destroy();
  for (const one of rigs.splice(0)) one.close();
});
afterAll(async () => {
  await lab?.destroy();
});

const readAccountsOf = async (): Promise<Accounts> => await accountsOf(primary);

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

describe("transactions stay where they began", () => {
  test("BEGIN … COMMIT on the primary; autocommit = 0 as well", async () => {
    const connection = await client(rig());
    await connection.query("BEGIN");
    expect(await serverOf(connection)).toBe(1);
    await connection.query("INSERT INTO t (a) VALUES ('in')");
    expect(await serverOf(connection)).toBe(1);
    await connection.query("ROLLBACK");
    expect(await serverOf(connection)).not.toBe(1);
    await connection.query("SET autocommit = 0");
    expect(await serverOf(connection)).toBe(1);
    await connection.query("SET autocommit = 1");
    expect(await serverOf(connection)).not.toBe(1);
  });

  test("READ ONLY on one replica", async () => {
    const connection = await client(rig());
    await connection.query("START TRANSACTION READ ONLY");
    const server = await serverOf(connection);
    expect(server).not.toBe(1);
    for (let i = 0; i < 6; i++) expect(await serverOf(connection)).toBe(server);
    await connection.query("SET @inside = 7");
    expect(await connection.query("SELECT @inside AS v")).toMatchObject([{ v: 7 }]);
    await expect(connection.query("INSERT INTO t (a) VALUES ('no')")).rejects.toThrow(/READ ONLY|read-only/);
    await connection.query("COMMIT");
    await connection.query("INSERT INTO t (a) VALUES ('yes')");
    await connection.query("START TRANSACTION READ ONLY");
    await serverOf(connection);
    await connection.query("BEGIN");
    expect(await serverOf(connection)).toBe(1);
    await connection.query("INSERT INTO t (a) VALUES ('then')");
    await connection.query("COMMIT");
    await connection.query("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE");
    await connection.query("START TRANSACTION READ ONLY");
    expect(await serverOf(connection)).toBe(1);
    await connection.query("COMMIT");
  });

  test("user variables that are set on a replica are known everywhere", async () => {
    const split = rig();
    const connection = await client(split);
    await connection.query("CREATE OR REPLACE TABLE kept (a TEXT, b TEXT)");
    await caughtUp();
    await connection.query("SET @n = 'old'");
    await connection.query("START TRANSACTION READ ONLY");
    await connection.query("SELECT @@server_id INTO @n");
    await connection.execute(
      "SELECT @d := 1.50, @e := 2e0, @`q ``s` := 'caf\u00e9''s', @x := NULL, @b := X'00ff' FROM (SELECT ? AS p) AS s",
      [1],
    );
    const [{ n: replica }] = await connection.query("SELECT @n AS n");
    expect(replica).toBeGreaterThan(1);
    await connection.query("COMMIT");
    await connection.query("INSERT INTO kept VALUES (@n, @`q ``s`)");
    expect(await connection.query("SELECT * FROM kept FOR UPDATE")).toMatchObject([
      { a: `${replica}`, b: "caf\u00e9's" },
    ]);
    const all =
      "SELECT @n AS n, @d AS d, @e AS e, @`q ``s` AS s, @x AS x, HEX(@b) AS b, CHARSET(@`q ``s`) AS cs";
    for (const lock of ["", " FOR UPDATE"])
      expect(await connection.query(all + lock)).toMatchObject([
        { n: replica, d: "1.50", e: 2, s: "caf\u00e9's", x: null, b: "00FF", cs: "utf8mb4" },
      ]);
    // Those that know nothing of it yet are told.
    split.route({ closing: [{ server: "db1", reason: "is down" }] });
    expect(await connection.query(`${all} FOR UPDATE`)).toMatchObject([{ n: replica, b: "00FF" }]);
  });

  test("GET DIAGNOSTICS and SHOW WARNINGS are about the statement before, wherever that was", async () => {
    const connection = await client(rig());
    for (let i = 0; i < 3; i++) {
      expect(await connection.query("SELECT CAST('x' AS INT) AS n, @@server_id > 1 AS r")).toMatchObject([
        { n: 0, r: 1 },
      ]);
      await connection.query("GET DIAGNOSTICS @n = NUMBER");
      await connection.query("GET DIAGNOSTICS CONDITION 1 @code = MYSQL_ERRNO, @text = MESSAGE_TEXT");
      expect(await connection.query("SHOW WARNINGS")).toMatchObject([{ Code: 1292 }]);
      expect(await connection.query("SELECT @n AS n, @code AS c, @text AS t")).toMatchObject([
        { n: 1, c: 1292, t: expect.stringContaining("Truncated incorrect INTEGER") },
      ]);
    }
  });

  test("a replica that alone has them ends the session with it", async () => {
    const split = rig();
    const connection = await client(split);
    await connection.query("START TRANSACTION READ ONLY");
    const [{ id }] = await connection.query("SELECT @n := 1, @@server_id AS id");
    await connection.query("COMMIT");
    split.route({ closing: [{ server: `db${id}`, reason: "is down" }] });
    await eventually(() => !connection.isValid());
  });

  test("temporary tables and LOCK TABLES bind the session to the primary", async () => {
    const split = rig();
    const locking = await client(split);
    await locking.query("LOCK TABLES t READ");
    await expect(locking.query("SELECT * FROM other.t")).rejects.toThrow(/not locked/);
    await locking.query("UNLOCK TABLES");
    expect(await serverOf(locking)).not.toBe(1);
    const temporary = await client(split);
    await temporary.query("CREATE TEMPORARY TABLE mine AS SELECT 5 AS five");
    expect(await temporary.query("SELECT five, @@server_id AS id FROM mine")).toMatchObject([
      { five: 5, id: 1 },
    ]);
    expect(await serverOf(temporary)).toBe(1);
  });
});

describe("the session is the same on every server", () => {
  test("variables, database, modes: on connections that are there and on later ones", async () => {
    const split = rig();
    const connection = await client(split);
    const check = async (): Promise<void> => {
      const [row] = await connection.query<Record<string, unknown>[]>(
        "SELECT @x AS x, DATABASE() AS db, @@sql_mode AS mode, @@character_set_client AS cs, @@time_zone AS tz, a, @@server_id AS id FROM t WHERE id = 9",
      );
      expect(row).toMatchObject({
        x: 5,
        db: "other",
        mode: "ANSI_QUOTES",
        cs: "latin1",
        tz: "+03:00",
        a: "other",
      });
      expect(row?.["id"]).not.toBe(1);
    };
    await serverOf(connection);
    await connection.query("SET @x = 4");
    await connection.query("SET @x = @x + 1");
    await connection.query("USE other");
    await connection.query("SET NAMES latin1");
    await connection.query("SET SESSION sql_mode = 'ANSI_QUOTES', time_zone = '+03:00'");
    await check();
    await serverOf(connection, 'SELECT @@server_id AS "id"');
    split.route({ readers: ["db2"] });
    await check();
    split.route({ readers: ["db3"] });
    await check();
  });

  test("a SET of what only the server can tell is asked for", async () => {
    const connection = await client(rig());
    await connection.query("SET sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')");
    expect(await serverOf(connection, 'SELECT @@server_id AS id FROM "t" LIMIT 1')).not.toBe(1);
    expect(await serverOf(connection, `SELECT @@server_id AS id, '"' AS "FOR UPDATE"`)).not.toBe(1);
  });

  test("a replica that does not accept what the primary accepts is let go", async () => {
    const split = rig();
    const connection = await client(split);
    split.route({ readers: ["db2"] });
    await serverOf(connection);
    await primary.sql("SET STATEMENT sql_log_bin = 0 FOR CREATE DATABASE only_here");
    await connection.query("USE only_here");
    expect(await connection.query("SELECT DATABASE() AS db, @@server_id AS id")).toMatchObject([
      { db: "only_here", id: 1 },
    ]);
    expect(split.serverFailures.join()).toContain("does not accept");
    await primary.sql("SET STATEMENT sql_log_bin = 0 FOR DROP DATABASE only_here");
  });

  test("prepared in text: on all, and executed where the statement belongs", async () => {
    const split = rig();
    const connection = await client(split);
    await connection.query("PREPARE r FROM 'SELECT @@server_id AS id, ? AS p'");
    await connection.query("PREPARE w FROM 'INSERT INTO t (a) VALUES (?)'");
    await connection.query("SET @p = 'text'");
    for (const name of ["db2", "db3"]) {
      split.route({ readers: [name] });
      expect(await connection.query("EXECUTE r USING @p")).toMatchObject([
        { id: Number(name.slice(2)), p: "text" },
      ]);
    }
    expect(await connection.query("EXECUTE w USING @p")).toMatchObject({ affectedRows: 1 });
    await connection.query("DEALLOCATE PREPARE r");
    await expect(connection.query("EXECUTE r USING @p")).rejects.toThrow(/Unknown prepared/);
  });

  test("what a statement leaves behind that was prepared in text is found again", async () => {
    const split = rig();
    const writing = await client(split);
    await writing.query("SET @v = 'old'");
    await serverOf(writing);
    await writing.query("PREPARE d FROM 'DO @v := (SELECT MAX(a) FROM (SELECT ''new'' AS a) AS one)'");
    await writing.query("EXECUTE d");
    expect(await writing.query("SELECT @v AS v")).toMatchObject([{ v: "new" }]);
    const temporary = await client(split);
    await temporary.query("PREPARE c FROM 'CREATE TEMPORARY TABLE prepared_mine AS SELECT 6 AS six'");
    await temporary.query("EXECUTE c");
    expect(await temporary.query("SELECT six FROM prepared_mine")).toMatchObject([{ six: 6 }]);
    const setting = await client(split);
    await setting.query("SET @text = 'SET time_zone = ''+07:00'''");
    await setting.query("PREPARE s FROM @text");
    await setting.query("EXECUTE s");
    expect(await setting.query("SELECT @@time_zone AS zone")).toMatchObject([{ zone: "+07:00" }]);
    const calling = await client(split);
    await calling.query("CREATE OR REPLACE PROCEDURE counts() SET @n = @n + 1");
    await calling.query("SET @n = 1");
    await calling.query("CALL counts()");
    expect(Number((await calling.query("SELECT @n AS n"))[0].n)).toBe(2);
    expect(await serverOf(calling)).not.toBe(1);
    const immediate = await client(split);
    await immediate.query("EXECUTE IMMEDIATE 'SET @now = 1'");
    expect(Number((await immediate.query("SELECT @now AS n"))[0].n)).toBe(1);
  });

  test("COM_RESET_CONNECTION forgets", async () => {
    const connection = await client(rig());
    await connection.query("SET @x = 1");
    await connection.query("CREATE TEMPORARY TABLE mine (i INT)");
    await connection.reset();
    expect(await connection.query("SELECT @x AS x")).toMatchObject([{ x: null }]);
    expect(await serverOf(connection)).not.toBe(1);
  });
});

describe("binary prepared statements", () => {
  test("execute on whichever server is next", async () => {
    const split = rig();
    const connection = await client(split);
    const read = await connection.prepare("SELECT @@server_id AS id, ? AS p, ? AS q");
    const write = await connection.prepare("INSERT INTO t (a) VALUES (?)");
    for (const name of ["db2", "db3", "db1", "db2"]) {
      split.route({ readers: [name] });
      for (const value of [1, "two", null, 3.5]) {
        expect(await read.execute([value, "x"])).toMatchObject([
          { id: Number(name.slice(2)), p: value, q: "x" },
        ]);
      }
      expect(await write.execute([name])).toMatchObject({ affectedRows: 1 });
    }
    read.close();
    write.close();
    expect(await connection.execute("SELECT ? AS v", ["ü"])).toMatchObject([{ v: "ü" }]);
  });

  test("is prepared elsewhere in the database of then", async () => {
    const split = rig();
    const connection = await client(split, { database: "other" });
    split.route({ readers: ["db2"] });
    const read = await connection.prepare("SELECT a, @@server_id AS id FROM t WHERE id = ?");
    await connection.query("USE app");
    split.route({ readers: ["db3"] });
    expect(await read.execute([9])).toMatchObject([{ a: "other", id: 3 }]);
    expect(await connection.query("SELECT DATABASE() AS db")).toMatchObject([{ db: "app" }]);
  });

  test("bulk, large parameters, errors", async () => {
    const connection = await client(rig());
    await connection.query("CREATE TABLE IF NOT EXISTS bulk (id INT PRIMARY KEY, a LONGTEXT)");
    await connection.query("DELETE FROM bulk");
    await connection.batch("INSERT INTO bulk VALUES (?, ?)", [
      [1, "a"],
      [2, "b"],
      [3, null],
    ]);
    const text = "x".repeat(3 << 20);
    await connection.execute("INSERT INTO bulk VALUES (?, ?)", [4, text]);
    await caughtUp();
    expect(await connection.query("SELECT COUNT(*) AS n, MAX(LENGTH(a)) AS longest FROM bulk")).toMatchObject(
      [{ n: 4, longest: text.length }],
    );
    const [row] = await connection.execute<{ a: string }[]>("SELECT a FROM bulk WHERE id = ?", [4]);
    expect(row?.a.length).toBe(text.length);
    await expect(connection.execute("SELECT * FROM missing WHERE a = ?", [1])).rejects.toThrow(/missing/);
    await expect(connection.execute("INSERT INTO bulk VALUES (?, ?)", [1, "again"])).rejects.toThrow(
      /Duplicate/,
    );
    expect(await connection.execute("SELECT 1 AS one")).toMatchObject([{ one: 1 }]);
  });
});

describe("what is larger or other than usual", () => {
  test("packets of more than 16 MB, both ways; several results; errors between", async () => {
    for (const { sql } of replication.servers.map((server) => ({ sql: (text: string) => server.sql(text) })))
      await sql("SET GLOBAL max_allowed_packet = 67108864");
    const connection = await client(rig(), { maxAllowedPacket: 1 << 26 });
    const text = "y".repeat(20 << 20);
    await connection.query(`INSERT INTO t (a) VALUES ('${text}')`);
    await caughtUp();
    const [row] = await connection.query<{ a: string }[]>("SELECT a FROM t ORDER BY LENGTH(a) DESC LIMIT 1");
    expect(row?.a.length).toBe(text.length);
    expect(await connection.query(`SELECT LENGTH('${text}') AS n, @@server_id AS id`)).toMatchObject([
      { n: text.length, id: 1 },
    ]);
    const results = await connection.query<unknown[][]>(
      "SELECT 1 AS a; SELECT 2 AS b; SELECT @@server_id AS id",
    );
    expect(results).toHaveLength(3);
    await expect(connection.query("SELECT 1; SELECT * FROM missing")).rejects.toThrow(/missing/);
    expect(await serverOf(connection)).not.toBe(1);
    await connection.query("DELETE FROM t WHERE LENGTH(a) > 1000");
  }, 60_000);

  test("LOAD DATA LOCAL, the command-line client", async () => {
    const split = rig();
    primary.host.write("/var/tmp/rows.csv", "a\nb\nc\n");
    const argv = [
      "mariadb",
      `-h${lab.address}`,
      `-P${split.port}`,
      "-uapp",
      "--local-infile",
      "-N",
      "app",
      "-e",
    ];
    const run = async (sql: string) =>
      await primary.host.run([...argv, sql], { env: { MYSQL_PWD: PASSWORD } });
    await run(`LOAD DATA LOCAL INFILE '${primary.host.path("/var/tmp/rows.csv")}' INTO TABLE t (a)`);
    await caughtUp();
    expect(
      (await run("SELECT GROUP_CONCAT(a ORDER BY id) FROM t WHERE a IN ('a','b','c')")).stdout.trim(),
    ).toBe("a,b,c");
    expect((await run("SELECT @@server_id; USE other; SELECT a FROM t")).stdout).toContain("other");
  });

  test("a client that asks ahead", async () => {
    const connection = await client(rig(), { pipelining: true });
    const answers = await Promise.all(
      Array.from(
        { length: 200 },
        async (_, i) => await connection.query<{ n: number }[]>(`SELECT ${i} AS n`),
      ),
    );
    expect(answers.map(([row]) => row?.n)).toEqual(Array.from({ length: 200 }, (_, i) => i));
  });

  test("replication is refused with a sentence, and what nobody knows with the server's", async () => {
    const split = rig();
    const dump = await primary.host.run(
      ["mariadb-binlog", "-R", `-h${lab.address}`, `-P${split.port}`, "-uapp", "binlog.000001"],
      { env: { MYSQL_PWD: PASSWORD }, mayFail: true },
    );
    expect(dump.stderr).toContain("Replication is not passed on here");
  });
});

describe("servers that are lost", () => {
  test("a read goes on elsewhere, also one that is under way", async () => {
    const split = rig();
    const connection = await client(split);
    split.route({ readers: ["db2"] });
    const slow = serverOf(connection, "SELECT @@server_id AS id, SLEEP(IF(@@server_id = 2, 20, 0))");
    await eventually(() => split.service.allServers.get("db2")?.running === 1);
    split.route({ servers: [], readers: [], primary: undefined });
    split.promote("db1", ["db1", "db3"]);
    split.route({ closing: [{ server: "db2", reason: "is down" }] });
    expect(await slow).toBe(3);
  });

  test("a write that was sent is not sent again: the session ends, or goes on with an error", async () => {
    for (const mode of ["fail_on_write", "error_on_write"] as const) {
      const split = rig({ masterFailureMode: mode });
      const connection = await client(split);
      const slow = connection.query("UPDATE t SET a = SLEEP(5) LIMIT 1").catch((error: Error) => error);
      await eventually(() => split.service.allServers.get("db1")?.running === 1);
      split.route({ closing: [{ server: "db1", reason: "is down" }] });
      expect(String(await slow)).toContain("Lost connection to server db1 during query: it is down");
      if (mode === "error_on_write") expect(await serverOf(connection)).not.toBe(1);
      else await eventually(() => !connection.isValid());
    }
  });

  test("without a primary: reads go on, writes are refused; the new primary is used at once", async () => {
    const split = rig({ masterFailureMode: "error_on_write" });
    const connection = await client(split);
    await connection.query("SET @x = 3");
    split.route({
      primary: undefined,
      closing: [{ server: "db1", reason: "is down" }],
      refusal: "service rig has no primary: db1 is down",
    });
    expect(await serverOf(connection)).not.toBe(1);
    await expect(connection.query("INSERT INTO t (a) VALUES ('?')")).rejects.toThrow(
      "service rig has no primary: db1 is down",
    );
    split.promote("db2", ["db2", "db3"]);
    expect(await connection.query("SELECT @x AS x, @@server_id AS id FOR UPDATE")).toMatchObject([
      { x: 3, id: 2 },
    ]);
    split.promote("db1");
    expect(await serverOf(connection, "SELECT @@server_id AS id FOR UPDATE")).toBe(1);
  });

  test("delayed_retry: a statement waits for a primary", async () => {
    const split = rig({ delayedRetryMs: 10_000 });
    const connection = await client(split);
    split.route({ primary: undefined });
    const waiting = connection.query("INSERT INTO t (a) VALUES ('waited')");
    await serverOf(await client(split));
    split.promote("db1");
    expect(await waiting).toMatchObject({ affectedRows: 1 });
  });

  test("a transaction whose server is lost ends the session", async () => {
    const split = rig();
    const connection = await client(split);
    await connection.query("BEGIN");
    await connection.query("INSERT INTO t (a) VALUES ('lost')");
    split.route({ closing: [{ server: "db1", reason: "is down" }] });
    await eventually(() => !connection.isValid());
    expect(await primary.sql("SELECT 1 FROM app.t WHERE a = 'lost'")).toEqual([]);
    await eventually(() => split.service.hasNobody);
  });
});

describe("transaction_replay", () => {
  const REPLAY = {
    replay: {
      maxBytes: 1 << 20,
      attempts: 5,
      timeoutMs: 10_000,
      checksum: "no_insert_id",
      onDeadlock: false,
    },
  } as const;
  const lose = (split: SplitRig): void => split.route({ closing: [{ server: "db1", reason: "is down" }] });

  test("an open transaction is done again, text and prepared, also while a statement is under way", async () => {
    const split = rig(REPLAY);
    const connection = await client(split);
    const prepared = await connection.prepare("INSERT INTO t (a) VALUES (?)");
    await connection.query("BEGIN");
    await connection.query("SET @mark = 'replayed'");
    await connection.query("INSERT INTO t (a) VALUES (@mark)");
    await prepared.execute(["replayed too"]);
    expect(await connection.query("SELECT COUNT(*) AS n FROM t WHERE a LIKE 'replayed%'")).toMatchObject([
      { n: 2 },
    ]);
    lose(split);
    await prepared.execute(["replayed again"]);
    const first = split.legs.find(({ server }) => server.name === "db1")?.connectionId;
    const slow = connection.query(
      `SELECT SLEEP(IF(CONNECTION_ID() = ${first}, 20, 0)) AS s, COUNT(*) AS n FROM t WHERE a LIKE 'replayed%'`,
    );
    await eventually(() => split.service.allServers.get("db1")?.running === 1);
    lose(split);
    await primary.sql(`KILL ${first}`).catch(() => {}); // it sleeps on, else, and keeps its locks
    expect(await slow).toMatchObject([{ s: 0, n: 3 }]);
    await connection.query("COMMIT");
    expect(await primary.sql("SELECT COUNT(*) AS n FROM app.t WHERE a LIKE 'replayed%'")).toEqual([{ n: 3 }]);
    await connection.query("DELETE FROM t WHERE a LIKE 'replayed%'");
  });

  test("what it has set is set once more in its place, and not before", async () => {
    const split = rig(REPLAY);
    const connection = await client(split);
    await connection.query("CREATE OR REPLACE TABLE step (n INT, zone VARCHAR(10))");
    await connection.query("SET @n = 1, time_zone = '+01:00'");
    await connection.query("BEGIN");
    const note = async (): Promise<unknown> =>
      await connection.query("INSERT INTO step VALUES (@n, @@time_zone)");
    await note();
    await connection.query("SET @n = @n + 1");
    await connection.query("SET time_zone = '+02:00'");
    await note();
    for (let i = 0; i < 2; i++) {
      lose(split);
      await note();
    }
    await connection.query("COMMIT");
    await caughtUp();
    expect(await connection.query("SELECT * FROM step")).toMatchObject([
      { n: 1, zone: "+01:00" },
      { n: 2, zone: "+02:00" },
      { n: 2, zone: "+02:00" },
      { n: 2, zone: "+02:00" },
    ]);
    for (let i = 0; i < 4; i++)
      expect(await connection.query("SELECT @n AS n, @@time_zone AS zone")).toMatchObject([
        { n: 2, zone: "+02:00" },
      ]);
  });

  test("not where the results differ, and never a COMMIT that was sent", async () => {
    const split = rig(REPLAY);
    const one = await client(split);
    await primary.sql("INSERT INTO app.t (a) VALUES ('base')");
    await one.query("BEGIN");
    await one.query("SELECT COUNT(*) AS n FROM t WHERE a = 'base'");
    await primary.sql("INSERT INTO app.t (a) VALUES ('base')");
    lose(split);
    await eventually(() => !one.isValid());
    const two = await client(split);
    await two.query("BEGIN");
    await two.query("INSERT INTO t (a) VALUES ('once')");
    await primary.sql("FLUSH TABLES WITH READ LOCK").catch(() => {});
    await two.query("SELECT 1");
    await two.end();
    await primary.sql("UNLOCK TABLES; DELETE FROM app.t WHERE a IN ('base', 'once')");
  });

  test.each([true, false])("after a deadlock, where that is asked for: %s", async (onDeadlock) => {
    const split = rig({ replay: { ...REPLAY.replay, onDeadlock } });
    const [one, two] = [await client(split), await client(split)];
    await one.query("CREATE OR REPLACE TABLE pair (id INT PRIMARY KEY, n INT) ENGINE=InnoDB");
    await one.query("INSERT INTO pair VALUES (1, 0), (2, 0)");
    const add = async (connection: Connection, id: number): Promise<unknown> =>
      await connection.query("UPDATE pair SET n = n + 1 WHERE id = ?", [id]).then(
        () => "done",
        (error: { errno: number }) => error.errno,
      );
    for (const connection of [one, two]) await connection.query("BEGIN");
    await add(one, 1);
    await add(two, 2);
    const crossing = [add(one, 2), add(two, 1)].map(async (adding, i) => {
      const outcome = await adding;
      await [one, two][i]?.query("COMMIT");
      return outcome;
    });
    expect((await Promise.all(crossing)).sort()).toEqual(onDeadlock ? ["done", "done"] : [1213, "done"]);
    const n = onDeadlock ? 2 : 1;
    expect(await primary.sql("SELECT n FROM app.pair")).toEqual([{ n }, { n }]);
  });

  test("waits for a primary, and gives up in time", async () => {
    const split = rig({ replay: { ...REPLAY.replay, timeoutMs: 500 } });
    const connection = await client(split);
    await connection.query("BEGIN");
    await connection.query("INSERT INTO t (a) VALUES ('waits')");
    split.route({ primary: undefined, closing: [{ server: "db1", reason: "is down" }] });
    const next = connection.query("SELECT 1 AS one");
    split.promote("db1");
    expect(await next).toMatchObject([{ one: 1 }]);
    split.route({ primary: undefined, closing: [{ server: "db1", reason: "is down" }] });
    await expect(connection.query("SELECT 1")).rejects.toThrow(/no primary came in time/);
    await eventually(async () => (await primary.sql("SELECT 1 FROM app.t WHERE a = 'waits'")).length === 0);
  });
});

describe("KILL", () => {
  test("by the number that the client was told, which is none of a server's", async () => {
    const split = rig();
    const [victim, killer] = [await client(split), await client(split)];
    const slow = victim.query("SELECT SLEEP(20)").catch((error: Error) => error);
    await eventually(() => [...split.service.allServers.values()].some(({ running }) => running === 1));
    await killer.query(`KILL QUERY ${victim.threadId}`);
    expect(String(await slow)).toMatch(/interrupted|\[\{|Object|1317/);
    expect(await serverOf(victim)).not.toBe(1);
    await killer.query(`KILL ${victim.threadId}`);
    await eventually(() => !victim.isValid());
    await expect(killer.query("KILL 4000000000")).rejects.toThrow(/Unknown thread id/);
  });
});

describe("another user", () => {
  test("COM_CHANGE_USER: everything begins anew", async () => {
    await primary.sql(
      `CREATE USER IF NOT EXISTS second@'%' IDENTIFIED BY '${PASSWORD}'; GRANT SELECT ON *.* TO second@'%'`,
    );
    await caughtUp();
    const read = readAccountsOf();
    accounts = await read;
    const split = rig();
    const connection = await client(split);
    await connection.query("SET @x = 1");
    await connection.changeUser({ user: "second", password: PASSWORD, database: "other" });
    expect(await connection.query("SELECT CURRENT_USER() AS u, @x AS x, DATABASE() AS db")).toMatchObject([
      { u: "second@%", x: null, db: "other" },
    ]);
    await expect(connection.query("INSERT INTO t VALUES (1, 'x')")).rejects.toThrow(/denied/);
    const failing = connection.changeUser({ user: "second", password: "wrong" });
    await expect(failing).rejects.toThrow(/denied/);
  });
});

describe("an account whose password has expired", () => {
  const MUST_CHANGE = /must SET PASSWORD/;

  test("may change it and nothing else, and goes on", async () => {
    await primary.sql(
      `CREATE USER late@'%' IDENTIFIED BY '${PASSWORD}' PASSWORD EXPIRE; GRANT ALL ON app.* TO late@'%'`,
    );
    await caughtUp();
    accounts = await readAccountsOf();
    const connection = await client(rig(), { user: "late" });
    for (const sql of ["SELECT 1", "INSERT INTO t (a) VALUES ('late')", "BEGIN"])
      await expect(connection.query(sql)).rejects.toThrow(MUST_CHANGE);
    await connection.query("SET PASSWORD = PASSWORD('Another one 2!')");
    expect(await serverOf(connection)).toBe(1);
    await connection.query("INSERT INTO t (a) VALUES ('changed')");
    await caughtUp();
    accounts = await readAccountsOf();
    const next = await client(rig(), { user: "late", password: "Another one 2!" });
    expect(await serverOf(next)).not.toBe(1);
  });

  test("is refused where servers refuse it", async () => {
    await primary.sql("ALTER USER late@'%' PASSWORD EXPIRE; SET GLOBAL disconnect_on_expired_password = 1");
    accounts = await readAccountsOf();
    await primary.sql("SET GLOBAL disconnect_on_expired_password = DEFAULT");
    const refused = client(rig(), { user: "late", password: "Another one 2!" });
    await expect(refused).rejects.toThrow(/has expired/);
  });
});

describe("causal reads", () => {
  for (const causalReads of ["local", "global", "fast"] as const) {
    test(`${causalReads}: what was written is read`, async () => {
      const split = rig({ causalReads });
      const connection = await client(split);
      const other = causalReads === "global" ? await client(split) : connection;
      const replicas = replication.replicas;
      await connection.query("CREATE TABLE IF NOT EXISTS seen (n INT)");
      await connection.query("DELETE FROM seen");
      for (const replica of replicas) await replica.sql("STOP SLAVE SQL_THREAD");
      await connection.query("INSERT INTO seen VALUES (1)");
      const reading = other.query("SELECT COUNT(*) AS n, @@server_id AS id FROM seen");
      if (causalReads === "fast") expect(await reading).toMatchObject([{ n: 1, id: 1 }]);
      for (const replica of replicas) await replica.sql("START SLAVE SQL_THREAD");
      const [row] = (await reading) as { n: number; id: number }[];
      expect(row?.n).toBe(1);
      if (causalReads !== "fast") expect(row?.id).not.toBe(1);
      for (let i = 2; i < 30; i++) {
        await connection.query("INSERT INTO seen VALUES (?)", [i]);
        expect(await other.query("SELECT COUNT(*) AS n FROM seen")).toMatchObject([{ n: i }]);
      }
    });
  }

  test.each(["local", "global"] as const)(
    "%s: also where the connection to the primary is lost while it is asked what was written",
    async (causalReads) => {
      const split = rig({ causalReads });
      const connection = await client(split);
      await connection.query("CREATE TABLE IF NOT EXISTS seen (n INT)");
      await connection.query("DELETE FROM seen");
      await connection.query("SELECT COUNT(*) FROM seen"); // the replica has to be waited for by now
      for (const replica of replication.replicas) await replica.sql("STOP SLAVE SQL_THREAD");
      await connection.query("INSERT INTO seen VALUES (1)");
      await primary.hang();
      const reading = connection.query("SELECT COUNT(*) AS n, @@server_id AS id FROM seen");
      const onPrimary = () => split.legs.find(({ server }) => server.name === "db1");
      await eventually(() => onPrimary()?.isIdle === false);
      onPrimary()?.lose("was cut by the test");
      await primary.resume();
      for (const replica of replication.replicas) await replica.sql("START SLAVE SQL_THREAD");
      expect(await reading).toMatchObject([{ n: 1 }]);
    },
  );

  test("a replica that does not come in time: the primary answers", async () => {
    const connection = await client(rig({ causalReads: "local", causalReadsTimeoutMs: 200 }));
    for (const replica of replication.replicas) await replica.sql("STOP SLAVE SQL_THREAD");
    await connection.query("INSERT INTO t (a) VALUES ('late')");
    expect(await serverOf(connection)).toBe(1);
    for (const replica of replication.replicas) await replica.sql("START SLAVE SQL_THREAD");
    await caughtUp();
  });
});

describe("idle connections", () => {
  test("go to the next session of the account, and nothing of the last one with them", async () => {
    const split = rig();
    split.pool(5);
    const first = await client(split);
    await first.query("SET @leak = 1, sql_mode = 'ANSI_QUOTES', NAMES latin1");
    await first.query("INSERT INTO t (a) VALUES ('pool')");
    await serverOf(first);
    const prepared = await first.prepare("SELECT 1");
    void prepared;
    await first.end();
    await eventually(() => split.ready === 2);
    const totals = (): number =>
      [...split.service.allServers.values()].reduce((sum, { total }) => sum + total, 0);
    const before = totals();
    const second = await client(split);
    expect(
      await second.query(
        "SELECT @leak AS leak, @@sql_mode AS mode, @@character_set_client AS cs FROM t LIMIT 1 FOR UPDATE",
      ),
    ).toMatchObject([{ leak: null, cs: "utf8mb4" }]);
    expect(totals()).toBe(before);
    await second.query("BEGIN");
    await second.query("INSERT INTO t (a) VALUES ('never')");
    second.destroy();
    await eventually(async () => (await primary.sql("SELECT 1 FROM app.t WHERE a = 'never'")).length === 0);
  });

  test("an idle session lends them and gets others", async () => {
    const split = rig({ poolIdleMs: 0 });
    split.pool(5);
    const connection = await client(split);
    await connection.query("SET @kept = 5");
    await serverOf(connection);
    split.service.sweep(Date.now());
    split.service.sweep(Date.now() + 1000);
    await eventually(() => [...split.service.sessions.values()][0]?.legs.length === 0);
    expect(await connection.query("SELECT @kept AS kept")).toMatchObject([{ kept: 5 }]);
  });
});

describe("who comes in", () => {
  test("max_connections: one more waits for queue_timeout, and hears error 1040", async () => {
    const split = rig();
    split.limit({ maxConnections: 1, queueTimeoutMs: 300 });
    const first = await client(split);
    await expect(client(split)).rejects.toThrow(/Too many connections/);
    split.limit({ queueTimeoutMs: 20_000 });
    const waiting = client(split);
    await eventually(() => split.service.waiting === 1);
    await first.end();
    expect(await serverOf(await waiting)).not.toBe(1);
    split.limit({ queueTimeoutMs: 0 });
    await expect(client(split)).rejects.toThrow(/Too many connections/);
    expect(split.service.counters.refused).toBe(2);
  });

  test("garbage ends its own session, and nothing else", async () => {
    const split = rig();
    const good = await client(split);
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((seed / 2 ** 31) * below);
    };
    for (let i = 0; i < 60; i++) {
      const socket = connectTcp(split.port, "127.0.0.1");
      const bad = await client(split, { stream: () => socket });
      const body = Buffer.from(Array.from({ length: 1 + random(40) }, () => random(256)));
      body[0] = random(32);
      if ([1, 7, 8].includes(body[0])) body[0] = 3; // QUIT, REFRESH, SHUTDOWN
      const head = Buffer.from([body.length, 0, 0, i % 7 === 0 ? random(256) : 0]);
      socket.write(Buffer.concat([head, body]));
      expect(await good.query("SELECT 1 AS one")).toMatchObject([{ one: 1 }]);
      bad.destroy();
    }
    await good.end();
    await eventually(() => split.service.hasNobody);
  }, 60_000);
});

describe("many sessions at once", () => {
  test("nobody is ever given what belongs to another, whatever is lost meanwhile", async () => {
    const split = rig({ masterFailureMode: "error_on_write" });
    split.pool(3);
    await primary.sql("CREATE TABLE IF NOT EXISTS app.own (who INT, n INT)");
    await caughtUp();
    let seed = 12_345;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((seed / 2 ** 31) * below);
    };
    let isOver = false;
    const faults = (async () => {
      while (!isOver) {
        const { legs } = split;
        legs[random(legs.length)]?.lose("was cut by the test");
        await new Promise((resolve) => setTimeout(resolve, 3));
      }
    })();
    let answers = 0;
    const run = async (who: number): Promise<void> => {
      let connection = await client(split);
      await connection.query("SET @who = ?", [who]).catch(() => {});
      for (let n = 0; n < 60; n++) {
        if (!connection.isValid()) connection = await client(split);
        const token = `${who}-${n}`;
        const ask = async (): Promise<boolean> => {
          switch (random(6)) {
            case 0: {
              const [row] = await connection.query<{ t: string }[]>(`SELECT '${token}' AS t`);
              return row?.t === token;
            }
            case 1: {
              const [row] = await connection.execute<{ t: string }[]>("SELECT ? AS t", [token]);
              return row?.t === token;
            }
            case 2: {
              await connection.query("SET @token = ?", [token]);
              const [row] = await connection.query<{ t: string }[]>("SELECT @token AS t");
              return row?.t === token;
            }
            case 3: {
              const rows = await connection.query<{ seq: number; t: string }[]>(
                `SELECT seq, '${token}' AS t FROM seq_1_to_2000`,
              );
              return rows.length === 2000 && rows.every(({ t }) => t === token);
            }
            case 4: {
              await connection.query("BEGIN");
              await connection.query("INSERT INTO own VALUES (?, ?)", [who, n]);
              const [row] = await connection.query<{ n: number }[]>(
                "SELECT MAX(n) AS n FROM own WHERE who = ?",
                [who],
              );
              await connection.query("COMMIT");
              return row?.n === n;
            }
            default: {
              const failure = await connection.query(`SELECT * FROM missing_${who}_${n}`).catch(String);
              return (
                /Lost connection|closed|reset|ECONN/i.test(String(failure)) ||
                String(failure).includes(`missing_${who}_${n}`)
              );
            }
          }
        };
        const isRight = await ask().catch((error: Error) => {
          if (/Lost connection|closed|ECONN|reset|EPIPE|no server|has no/i.test(String(error))) return true;
          throw error;
        });
        expect(isRight).toBe(true);
        answers++;
      }
      connection.destroy();
    };
    await Promise.all(Array.from({ length: 16 }, (_, who) => run(who)));
    isOver = true;
    await faults;
    expect(answers).toBe(16 * 60);
    await eventually(() => split.service.hasNobody);
    expect([...split.service.allServers.values()].map(({ running }) => running)).toEqual([0, 0, 0]);
  }, 60_000);
});
