// Real clients through a service that splits: each is told the same as by the primary itself, and replicas answer its reads.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import mysql2 from "mysql2/promise";
import { Lab } from "../lab/lab.ts";
import { run } from "../lab/run.ts";
import { FLEET_PASSWORD } from "../support/fleet-settings.ts";
import { type SplitFleet, startSplitFleet } from "../support/split-fleet.ts";

const PORT = 4006;
const ENCRYPTED = 4007;
const POOLED = 4008;
const CONNECTOR_J = "/usr/share/java/mariadb-java-client.jar";
const script = (name: string): string => fileURLToPath(new URL(`../clients/${name}`, import.meta.url));

let lab: Lab;
let fleet: SplitFleet;
let folder: string;

beforeAll(async () => {
  lab = await Lab.create({ name: "clients" });
  fleet = await startSplitFleet(lab, {
    services: [
      { name: "split", port: PORT, more: "causal_reads=local\n" },
      { name: "encrypted", port: ENCRYPTED, more: "causal_reads=local\n", hasTls: true },
      { name: "pooled", port: POOLED, more: "causal_reads=local\nidle_session_pool_time=0s\n" },
    ],
    server: "persistpoolmax=8\npersistmaxtime=60s\n",
    options: { max_allowed_packet: "64M", local_infile: true },
    checkTimeoutMs: 10_000,
  });
  folder = join(lab.folder, "clients");
  mkdirSync(folder);
}, 120_000);

afterAll(async () => {
  await fleet?.sluice.terminate();
  await lab?.destroy();
});

interface Told {
  readonly said: string;
  /** The servers that answered. */
  readonly servers: readonly number[];
}

/** What a client program prints, and which servers it names on stderr. */
async function told(argv: readonly string[]): Promise<Told> {
  const { stdout, stderr } = await run(["env", "-C", folder, ...argv], {
    env: { MYSQL_PWD: FLEET_PASSWORD },
    timeoutMs: 60_000,
  });
  return { said: stdout, servers: JSON.parse(stderr.trim().split("\n").at(-1) ?? "") };
}

const READERS = [2, 3];
const hasReaders = (servers: readonly number[]): boolean => servers.some((id) => READERS.includes(id));
const primary = (): { readonly address: string; readonly port: number } => {
  const [first] = fleet.servers;
  if (first === undefined) throw new Error("there is no server");
  return first;
};

describe("the mariadb command line", () => {
  const SCRIPT = `
    SELECT 'é😀', HEX('é😀'), @@character_set_client;
    CREATE OR REPLACE TABLE cli (id INT PRIMARY KEY AUTO_INCREMENT, s VARCHAR(20) CHARACTER SET utf8mb4);
    INSERT INTO cli (s) VALUES ('a'), ('é😀'); SELECT LAST_INSERT_ID(), ROW_COUNT();
    SELECT * FROM cli ORDER BY id;
    BEGIN; DELETE FROM cli; SELECT COUNT(*) FROM cli; ROLLBACK; SELECT COUNT(*) FROM cli;
    SET time_zone = '+03:00', @v = 'value'; SELECT FROM_UNIXTIME(0), @v, @@time_zone;
    DELIMITER //
    CREATE OR REPLACE PROCEDURE cli_p() BEGIN SELECT 1; SELECT 2, 3; END//
    DELIMITER ;
    CALL cli_p();
    SELECT SQL_CALC_FOUND_ROWS id FROM cli LIMIT 1; SELECT FOUND_ROWS();
    SELECT 1/0; SHOW WARNINGS;
    USE information_schema; SELECT DATABASE();`;

  const argv = (host: string, port: number, more: readonly string[]): readonly string[] => [
    "mariadb",
    "--no-defaults",
    `-h${host}`,
    `-P${port}`,
    "-uapp",
    "--default-character-set=utf8mb4",
    "--comments",
    ...more,
  ];

  test("a script of many statements", async () => {
    const options = { env: { MYSQL_PWD: FLEET_PASSWORD } };
    const direct = await run(argv(primary().address, primary().port, ["app", "-e", SCRIPT]), options);
    for (const port of [PORT, POOLED]) {
      const through = await run(argv(fleet.proxy.address, port, ["app", "-e", SCRIPT]), options);
      expect(through.stdout).toBe(direct.stdout);
    }
    const tls = [`--ssl-ca=${fleet.certificate.authority}`, "--ssl-verify-server-cert"];
    const encrypted = await run(argv(fleet.proxy.address, ENCRYPTED, [...tls, "app", "-e", SCRIPT]), options);
    expect(encrypted.stdout).toBe(direct.stdout);
  });

  test("compression is asked for and not given; plaintext is refused where TLS is asked for", async () => {
    const options = { env: { MYSQL_PWD: FLEET_PASSWORD }, mayFail: true };
    const ask = ["-N", "-e", "SELECT REPEAT('x', 100000); SHOW STATUS LIKE 'Compression'"];
    const compressed = await run(argv(fleet.proxy.address, PORT, ["--compress", ...ask]), options);
    expect(compressed.stdout).toEndWith("Compression\tOFF\n");
    const plain = await run(argv(fleet.proxy.address, ENCRYPTED, ["--skip-ssl", "-e", "SELECT 1"]), options);
    expect(plain.stderr).toContain("insecure transport");
  });

  test("a dump, loaded again", async () => {
    const { proxy } = fleet;
    const shell = async (command: string): Promise<string> =>
      (
        await run(["bash", "-o", "pipefail", "-c", command], {
          env: { MYSQL_PWD: FLEET_PASSWORD, AT: `-h${proxy.address} -P${PORT} -uapp` },
          timeoutMs: 30_000,
        })
      ).stdout;
    await shell(
      `mariadb --no-defaults $AT app -e "CREATE OR REPLACE TABLE dumped (id INT PRIMARY KEY, b BLOB); INSERT INTO dumped SELECT seq, UNHEX(SHA2(seq, 512)) FROM seq_1_to_2000"`,
    );
    const sum = `mariadb --no-defaults $AT app -N -e "CHECKSUM TABLE dumped"`;
    const before = await shell(sum);
    await shell(
      `mariadb-dump --no-defaults --no-tablespaces --single-transaction --hex-blob $AT app dumped > ${folder}/dump.sql && mariadb --no-defaults $AT app < ${folder}/dump.sql`,
    );
    expect(await shell(sum)).toBe(before);
  });
});

describe("PyMySQL", () => {
  const argv = (host: string, port: number): readonly string[] => [
    "/usr/bin/python3",
    script("session.py"),
    host,
    String(port),
  ];

  test("is told the same", async () => {
    const { said } = await told(argv(primary().address, primary().port));
    for (const port of [PORT, POOLED]) {
      const through = await told(argv(fleet.proxy.address, port));
      expect(through.said).toBe(said);
      expect(hasReaders(through.servers)).toBe(true);
    }
    const encrypted = await told([...argv(fleet.proxy.address, ENCRYPTED), fleet.certificate.authority]);
    expect(encrypted.said.replace("cipher True", "cipher None")).toBe(said);
  }, 120_000);
});

const hasJava = existsSync(CONNECTOR_J) && Bun.which("javac") !== null;

describe.skipIf(!hasJava)("Connector/J (where there is a Java compiler and libmariadb-java)", () => {
  const argv = (address: string, more: string): readonly string[] => [
    "java",
    "-cp",
    `${folder}:${CONNECTOR_J}`,
    "Session",
    `jdbc:mariadb://${address}/app?allowMultiQueries=true&${more}`,
  ];

  test("is told the same: text and prepared, with its bulk protocol, over TLS", async () => {
    await run(["javac", "-d", folder, script("Session.java")], { timeoutMs: 60_000 });
    const direct = `${primary().address}:${primary().port}`;
    const { proxy, certificate } = fleet;
    const { said } = await told(argv(direct, "useServerPrepStmts=true"));
    for (const [port, options] of [
      [PORT, "useServerPrepStmts=true"],
      [POOLED, "useBulkStmts=true&usePipelineAuth=true"],
      [ENCRYPTED, `useSsl=true&serverSslCert=${certificate.authority}&useServerPrepStmts=true`],
    ] as const) {
      const through = await told(argv(`${proxy.address}:${port}`, options));
      expect(through.said).toBe(said);
      expect(hasReaders(through.servers)).toBe(true);
    }
  }, 180_000);
});

describe("mysql2", () => {
  const connect = async (port: number, more: mysql2.ConnectionOptions = {}): Promise<mysql2.Connection> =>
    await mysql2.createConnection({
      host: fleet.proxy.address,
      port,
      user: "app",
      password: FLEET_PASSWORD,
      database: "app",
      multipleStatements: true,
      charset: "utf8mb4",
      ...more,
    });

  for (const [name, port] of [
    ["plain", PORT],
    ["over TLS", ENCRYPTED],
    ["pooled", POOLED],
  ] as const)
    test(`text, prepared, several results, files, another user: ${name}`, async () => {
      const ssl = { ca: readFileSync(fleet.certificate.authority, "utf8") };
      const connection = await connect(port, port === ENCRYPTED ? { ssl } : {});
      const ids = new Set<unknown>();
      const ask = async (sql: string, values?: unknown[]): Promise<unknown> =>
        (await connection.query(sql, values))[0];
      const execute = async (sql: string, values: (string | number | Buffer | Date | null)[] = []) =>
        (await connection.execute(sql, values))[0];
      await ask(
        "CREATE OR REPLACE TABLE m2 (id INT PRIMARY KEY, s VARCHAR(40) CHARACTER SET utf8mb4, b LONGBLOB, t DATETIME(3))",
      );
      const blob = Buffer.alloc(17 << 20, "blob");
      await execute("INSERT INTO m2 VALUES (?, ?, ?, ?)", [1, "é😀", blob, new Date(0)]);
      for (let i = 0; i < 6; i++) {
        const [row] = (await execute("SELECT *, @@server_id AS server FROM m2 WHERE id = ?", [1])) as {
          s: string;
          b: Buffer;
          t: Date;
          server: number;
        }[];
        expect(row?.s).toBe("é😀");
        expect(row?.b.equals(blob) && row.t.getTime() === 0).toBe(true);
        ids.add(row?.server);
      }
      expect(ids.has(1)).toBe(false);
      expect(await ask("SELECT 1 AS a; DO 0; SELECT 2 AS b")).toMatchObject([[{ a: 1 }], {}, [{ b: 2 }]]);
      await ask("CREATE OR REPLACE PROCEDURE m2p() BEGIN SELECT 1 AS a; SELECT 2 AS b; END");
      expect(await ask("CALL m2p()")).toMatchObject([[{ a: 1 }], [{ b: 2 }], {}]);
      expect(await execute("CALL m2p()")).toMatchObject([[{ a: 1 }], [{ b: 2 }], {}]);
      await connection.beginTransaction();
      await execute("UPDATE m2 SET s = ?", ["changed"]);
      expect(await execute("SELECT s FROM m2")).toEqual([{ s: "changed" }] as never);
      await connection.rollback();
      expect(await execute("SELECT s FROM m2")).toEqual([{ s: "é😀" }] as never);
      for (let i = 0; i < 400; i++) await execute(`SELECT ${i} + ?`, [i]);
      await ask("SET @mine = 1");
      await connection.changeUser({ user: "admin", password: FLEET_PASSWORD, database: "app" });
      expect(await ask("SELECT CURRENT_USER() AS u, @mine AS v")).toEqual([{ u: "admin@%", v: null }]);
      await expect(connect(PORT, { password: "wrong" })).rejects.toThrow(/Access denied/);
      await connection.end();
    }, 60_000);

  test("many through its pool, and statements that fail between", async () => {
    const pool = mysql2.createPool({
      host: fleet.proxy.address,
      port: POOLED,
      user: "app",
      password: FLEET_PASSWORD,
      database: "app",
      connectionLimit: 8,
    });
    const answers = await Promise.all(
      Array.from({ length: 300 }, async (_, i) => {
        if (i % 10 === 0) await expect(pool.query("SELECT * FROM nowhere")).rejects.toThrow(/doesn't exist/);
        const [rows] = await (i % 2 ? pool.query("SELECT ? AS n", [i]) : pool.execute("SELECT ? AS n", [i]));
        return Number((rows as { n: number }[])[0]?.n) === i;
      }),
    );
    expect(answers.every(Boolean)).toBe(true);
    await pool.end();
  });
});

describe("the mariadb driver", () => {
  test("streams, batches, pipelines, imports; a cursor's rows are of one server", async () => {
    const connection = await fleet.client(POOLED, { multipleStatements: true, maxAllowedPacket: 1 << 26 });
    await connection.query("CREATE OR REPLACE TABLE md (id INT PRIMARY KEY, a TEXT)");
    await connection.batch(
      "INSERT INTO md VALUES (?, ?)",
      Array.from({ length: 3000 }, (_, i) => [i, `row ${i}`]),
    );
    let rows = 0;
    for await (const row of connection.queryStream("SELECT * FROM md ORDER BY id"))
      expect(row.id).toBe(rows++);
    expect(rows).toBe(3000);
    const ahead = await Promise.all(
      Array.from({ length: 200 }, async (_, i) => (await connection.query("SELECT ? AS n", [i]))[0].n),
    );
    expect(ahead).toEqual(Array.from({ length: 200 }, (_, i) => i));
    const statement = await connection.prepare("SELECT a FROM md WHERE id = ?");
    for (let i = 0; i < 20; i++) expect(await statement.execute([i])).toMatchObject([{ a: `row ${i}` }]);
    statement.close();
    await connection.reset();
    expect(await connection.query("SELECT COUNT(*) AS n FROM md")).toMatchObject([{ n: 3000 }]);
    await connection.end();
  });
});
