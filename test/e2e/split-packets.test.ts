// What few drivers do, packet by packet, through a session that splits: cursors, parameters in pieces, answers with and without EOF
// packets; and a COMMIT that is interrupted.
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Connection, createConnection } from "mariadb";
import { createConnection as createMysqlConnection } from "mysql2/promise";
import type { Accounts } from "../../src/topology/accounts.ts";
import type { SplitRules } from "../../src/topology/routing-table.ts";
import { CLIENT } from "../../src/wire/capability.ts";
import { COMMAND } from "../../src/wire/command.ts";
import { STATUS } from "../../src/wire/ok-packet.ts";
import { eventually } from "../eventually.ts";
import { Lab } from "../lab/lab.ts";
import type { MariaDb } from "../lab/maria-db.ts";
import { type Replication, startReplication } from "../lab/replication.ts";
import { accountsOf } from "../support/root-accounts.ts";
import { SplitRig } from "../support/split-rig.ts";
import { WireClient } from "../support/wire-client.ts";

setDefaultTimeout(60_000);

const PASSWORD = "Kept out of argv 1!";
const LAST_ROW_SENT = 0x80;
const BLOB = 0xfc;

let lab: Lab;
let replication: Replication;
let primary: MariaDb;
let accounts: Accounts;
const closing: { close(): unknown }[] = [];

beforeAll(async () => {
  lab = await Lab.create({ name: "split-packets" });
  replication = await startReplication(lab, { replicas: 2 });
  primary = replication.primary;
  await primary.sql(
    `CREATE USER app@'%' IDENTIFIED BY '${PASSWORD}'; GRANT ALL ON *.* TO app@'%'; CREATE DATABASE app;
     CREATE TABLE app.n (n INT PRIMARY KEY); INSERT INTO app.n VALUES (1), (2), (3), (4), (5);
     CREATE TABLE app.t (id INT PRIMARY KEY AUTO_INCREMENT, a LONGBLOB)`,
  );
  for (const replica of replication.replicas) await replication.untilCaughtUp(replica);
  accounts = await accountsOf(primary);
}, 120_000);

afterEach(() => {
  for (const one of closing.splice(0).reverse()) one.close();
});
afterAll(async () => {
  await lab?.destroy();
});

function rig(rules: Partial<SplitRules> = {}): SplitRig {
  const servers = replication.servers.map(({ host, address, port }) => ({ name: host.name, address, port }));
  const made = new SplitRig(servers, accounts, rules);
  closing.push(made);
  return made;
}

async function wire({ port }: SplitRig, without = 0): Promise<WireClient> {
  const login = { user: "app", password: PASSWORD, database: "app", without };
  const client = await WireClient.open("127.0.0.1", port, login);
  closing.push(client);
  return client;
}

/** A command with unsigned numbers of so many bytes behind its own. */
function command(
  code: number,
  ...fields: readonly (readonly [value: number, bytes: number] | Buffer)[]
): Buffer {
  const parts = fields.map((field) => {
    if (Buffer.isBuffer(field)) return field;
    const [value, bytes] = field;
    const part = Buffer.alloc(bytes);
    part.writeUIntLE(value, 0, bytes);
    return part;
  });
  return Buffer.concat([Buffer.from([code]), ...parts]);
}

/** The statement's number. */
async function prepare(client: WireClient, sql: string, hasEof: boolean): Promise<number> {
  client.send(command(COMMAND.STMT_PREPARE, Buffer.from(sql)));
  const answer = await client.payload();
  if (answer[0] !== 0) throw new Error(answer.toString("latin1"));
  for (const count of [answer.readUInt16LE(7), answer.readUInt16LE(5)])
    for (let i = 0; i < count + (hasEof && count > 0 ? 1 : 0); i++) await client.payload();
  return answer.readUInt32LE(1);
}

/** EOF packets, and the OK packets that stand for them, have it in the same place as long as nothing was changed. */
const statusOf = (payloads: readonly Buffer[]): number => payloads.at(-1)?.readUInt16LE(3) ?? 0;

describe.each([
  ["with EOF packets", CLIENT.DEPRECATE_EOF],
  ["without EOF packets", 0],
])("%s", (_, without) => {
  const hasEof = without !== 0;

  /** The rows of a statement with one column, as their packets have them. */
  async function query(client: WireClient, sql: string): Promise<readonly string[]> {
    client.send(command(COMMAND.QUERY, Buffer.from(sql)));
    if (!hasEof) return (await client.untilEnd()).slice(2, -1).map((row) => row.toString("latin1"));
    await client.untilEnd();
    return (await client.untilEnd()).slice(0, -1).map((row) => row.toString("latin1"));
  }

  test("a cursor's rows come from where it is, whatever goes on elsewhere meanwhile", async () => {
    const split = rig();
    const client = await wire(split, without);
    for (const name of ["db2", "db3", "db1"]) {
      split.route({ readers: [name] });
      const id = await prepare(client, "SELECT n, @@server_id AS s FROM n WHERE n > ? ORDER BY n", hasEof);
      const [nulls, newTypes, type, value] = [
        [0, 1],
        [1, 1],
        [3, 2],
        [0, 4],
      ] as const;
      client.send(command(COMMAND.STMT_EXECUTE, [id, 4], [1, 1], [1, 4], nulls, newTypes, type, value));
      const opened = await client.untilEnd();
      expect(opened).toHaveLength(4);
      expect(statusOf(opened) & STATUS.CURSOR_EXISTS).not.toBe(0);
      split.route({ readers: ["db3"] });
      const seen: number[] = [];
      for (;;) {
        client.send(command(COMMAND.STMT_FETCH, [id, 4], [2, 4]));
        const fetched = await client.untilEnd();
        for (const row of fetched.slice(0, -1)) {
          // Packet header of a binary row, null bitmap, an INT, a BIGINT.
          seen.push(row.readInt32LE(2));
          expect(`db${row.readUInt8(6)}`).toBe(name);
        }
        if ((statusOf(fetched) & LAST_ROW_SENT) !== 0) break;
        await query(client, "SELECT 1");
      }
      expect(seen).toEqual([1, 2, 3, 4, 5]);
      client.send(command(COMMAND.STMT_RESET, [id, 4]));
      expect((await client.payload())[0]).toBe(0);
      client.send(command(COMMAND.STMT_CLOSE, [id, 4]));
    }
    expect(client.unread).toBe(0);
  });

  test("a cursor whose server is lost is gone, and the session is not", async () => {
    const split = rig();
    const client = await wire(split, without);
    split.route({ readers: ["db2"] });
    const id = await prepare(client, "SELECT n FROM n", hasEof);
    client.send(command(COMMAND.STMT_EXECUTE, [id, 4], [1, 1], [1, 4]));
    await client.untilEnd();
    split.route({ readers: ["db3"], closing: [{ server: "db2", reason: "is down" }] });
    client.send(command(COMMAND.STMT_FETCH, [id, 4], [2, 4]));
    const [error] = await client.untilEnd();
    expect(error?.readUInt16LE(1)).toBe(1243);
    expect(await query(client, "SELECT @@server_id")).toEqual(["\u00013"]);
  });

  test("a parameter in pieces, of 5 MB in all, ahead of its execution; and none of it after a reset", async () => {
    const client = await wire(rig(), without);
    const id = await prepare(client, "INSERT INTO t (a) VALUES (?)", hasEof);
    const piece = Buffer.alloc(1 << 20, "p");
    for (let i = 0; i < 5; i++) client.send(command(COMMAND.STMT_SEND_LONG_DATA, [id, 4], [0, 2], piece));
    const execution = [
      [id, 4],
      [0, 1],
      [1, 4],
      [0, 1],
      [1, 1],
      [BLOB, 2],
    ] as const;
    client.send(command(COMMAND.STMT_EXECUTE, ...execution));
    expect((await client.payload())[0]).toBe(0);
    client.send(command(COMMAND.STMT_SEND_LONG_DATA, [id, 4], [0, 2], Buffer.from("forgotten")));
    client.send(command(COMMAND.STMT_RESET, [id, 4]));
    expect((await client.payload())[0]).toBe(0);
    client.send(command(COMMAND.STMT_EXECUTE, ...execution, Buffer.from("\u0004kept")));
    expect((await client.payload())[0]).toBe(0);
    expect(
      await primary.sql("SELECT LENGTH(a) AS n, LEFT(a, 4) AS a FROM app.t ORDER BY id DESC LIMIT 2"),
    ).toMatchObject([{ n: 4 }, { n: 5 << 20 }]);
    const read = await prepare(client, "SELECT LENGTH(?)", hasEof);
    client.send(command(COMMAND.STMT_SEND_LONG_DATA, [read, 4], [0, 2], piece));
    client.send(command(COMMAND.STMT_EXECUTE, [read, 4], [0, 1], [1, 4], [0, 1], [1, 1], [BLOB, 2]));
    if (hasEof) await client.untilEnd();
    const [row] = (await client.untilEnd()).slice(hasEof ? 0 : 2);
    expect(row?.readUInt32LE(2)).toBe(1 << 20);
    expect(client.unread).toBe(0);
  });
});

test("an idle connection is what the next login would have made, CLIENT_IGNORE_SPACE included", async () => {
  const split = rig();
  split.pool(5);
  const total = (): number => split.service.allServers.get("db1")?.total ?? 0;
  const seen: unknown[] = [];
  for (let i = 0; i < 3; i++) {
    // It asks for it always.
    const connection = await createMysqlConnection({
      host: "127.0.0.1",
      port: split.port,
      user: "app",
      password: PASSWORD,
    });
    const [rows] = await connection.query(
      "SELECT @@sql_mode AS mode, @@collation_connection AS c FOR UPDATE",
    );
    seen.push(rows);
    await connection.query("SET sql_mode = ''");
    await connection.end();
    await eventually(() => split.ready === 1);
  }
  expect(total()).toBe(1);
  expect(JSON.stringify(seen[0])).toContain("IGNORE_SPACE");
  expect(seen[1]).toEqual(seen[0]);
  expect(seen[2]).toEqual(seen[0]);
});

describe("a COMMIT that is interrupted", () => {
  const open = async (host: string, port: number): Promise<Connection> => {
    const connection = await createConnection({
      host,
      port,
      user: "app",
      password: PASSWORD,
      database: "app",
    });
    connection.on("error", () => {});
    closing.push({ close: () => connection.destroy() });
    return connection;
  };

  test("is not sent again, nor its transaction: the client hears that nobody knows", async () => {
    const replay = {
      maxBytes: 1 << 20,
      attempts: 5,
      timeoutMs: 10_000,
      checksum: "result_only",
      onDeadlock: false,
    } as const;
    const split = rig({ replay, delayedRetryMs: 5000 });
    const connection = await open("127.0.0.1", split.port);
    await connection.query("CREATE TABLE once (n INT)");
    await connection.query("BEGIN");
    await connection.query("INSERT INTO once VALUES (1)");
    const locking = await open(primary.address, primary.port);
    await locking.query("FLUSH TABLES WITH READ LOCK");
    const committing = connection.query("COMMIT").catch((error: Error) => error);
    await eventually(() => split.service.allServers.get("db1")?.running === 1);
    split.route({ closing: [{ server: "db1", reason: "is down" }] });
    expect(String(await committing)).toMatch(/Lost connection to server/);
    await eventually(() => !connection.isValid());
    await locking.query("UNLOCK TABLES");
    await eventually(async () => {
      const [row] = await primary.sql<{ n: number }>(
        "SELECT COUNT(*) AS n FROM information_schema.processlist WHERE db = 'app' AND info = 'COMMIT'",
      );
      return Number(row?.n) === 0;
    });
    const [row] = await primary.sql<{ n: number }>("SELECT COUNT(*) AS n FROM app.once");
    expect(Number(row?.n)).toBeLessThan(2);
    await eventually(() => split.service.hasNobody);
  });
});
