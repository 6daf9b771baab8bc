import { afterAll, beforeAll, expect, test } from "bun:test";
import { readlinkSync } from "node:fs";
import { type Connection, createConnection } from "mariadb";
import { eventually } from "../eventually.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { MariaDb } from "../lab/maria-db.ts";
import type { Process } from "../lab/process.ts";
import { runSluice, startSluice } from "../lab/sluice.ts";
import { patientMonitor } from "../support/fleet-settings.ts";
import { Habit } from "../support/habit.ts";

// A daemon that gives way to another program, or is killed and started again: services that split statements, and those of the kernel.

/** SLUICE_UPGRADES=20 for the long form. */
const UPGRADES = Number(process.env["SLUICE_UPGRADES"] ?? 3);
const CLIENTS = 12;
const PASSWORD = "Kept out of argv 1!";
const SPLIT = 4006;
const KERNEL = 4008;

let lab: Lab;
let proxy: Host;
let db: MariaDb;
let sluice: Process;

beforeAll(async () => {
  lab = await Lab.create({ name: "upgrade-services" });
  db = await MariaDb.start(await lab.host("db1"), { options: { max_connections: 500 } });
  await db.sql(
    `CREATE USER monitor@'%' IDENTIFIED BY '${PASSWORD}'; GRANT ALL ON *.* TO monitor@'%';
     CREATE USER app@'%' IDENTIFIED BY '${PASSWORD}'; GRANT ALL ON *.* TO app@'%';
     CREATE DATABASE app; CREATE TABLE app.t (id INT PRIMARY KEY AUTO_INCREMENT, a INT)`,
  );
  proxy = await lab.host("proxy");
  await proxy.run(["sysctl", "-w", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0"]);
  proxy.write("/etc/sluice.cnf", configuration(), 0o600);
  await start();
  await eventually(async () => await visit(KERNEL).then(() => true), { what: "rules" });
}, 60_000);

afterAll(async () => {
  await sluice?.terminate();
  await lab.destroy();
});

function configuration(): string {
  return `[sluice]
threads=2
datadir=${proxy.folder}/data
persistdir=${proxy.folder}/data/sluice.cnf.d

[db1]
type=server
address=${db.address}

${patientMonitor("fleet", "db1", PASSWORD)}
[split]
type=service
router=readwritesplit
cluster=fleet
user=monitor
password=${PASSWORD}
[split-listener]
type=listener
service=split
port=${SPLIT}

[kernel]
type=service
router=readconnroute
dataplane=kernel
balance=round-robin
cluster=fleet
[kernel-listener]
type=listener
service=kernel
port=${KERNEL}
`;
}

async function start(): Promise<void> {
  sluice = await startSluice(proxy, ["run", "--config", proxy.path("/etc/sluice.cnf")], { ports: [SPLIT] });
}

async function open(port: number): Promise<Connection> {
  const account = { user: "app", password: PASSWORD, database: "app", connectTimeout: 20_000 };
  const connection = await createConnection({ host: proxy.address, port, ...account });
  connection.on("error", () => {});
  return connection;
}

/** Connects, writes, reads and leaves; a refusal or reset rejects. */
async function visit(port: number): Promise<void> {
  const connection = await open(port);
  await connection.query("INSERT INTO t (a) VALUES (1)");
  await connection.query("SELECT MAX(id) FROM t");
  await connection.end();
}

/** Pids of the worker processes, as the host sees them. */
async function workers(): Promise<readonly string[]> {
  const { stdout } = await proxy.run(["pgrep", "-f", "^sluice worker "], { mayFail: true });
  return stdout.split("\n").filter((pid) => pid !== "");
}

/** The number by which the kernel knows the table: another one would be a table that was made anew. */
async function tableHandle(): Promise<string> {
  const { stdout } = await proxy.run(["nft", "-a", "list", "table", "inet", "sluice_balance"]);
  return /^table inet sluice_balance \{ # handle (\d+)/m.exec(stdout)?.[1] ?? "";
}

/** A session with all that a session may have, in the middle of a transaction. */
class LongSession {
  readonly #connection: Connection;
  readonly #port: number;

  private constructor(connection: Connection, port: number) {
    this.#connection = connection;
    this.#port = port;
  }

  static async begin(port: number): Promise<LongSession> {
    const connection = await open(port);
    await connection.query("SET @mine = 42");
    await connection.query("CREATE TEMPORARY TABLE own (a INT)");
    await connection.beginTransaction();
    await connection.query("INSERT INTO own VALUES (1)");
    await connection.query("INSERT INTO t (a) VALUES (?)", [port]);
    return new LongSession(connection, port);
  }

  /** Nothing of it is lost. */
  async end(): Promise<void> {
    const [row] = await this.#connection.query<{ mine: bigint; own: bigint }[]>(
      "SELECT @mine AS mine, (SELECT COUNT(*) FROM own) AS own",
    );
    expect(row).toEqual({ mine: 42n, own: 1n });
    await this.#connection.commit();
    await this.#connection.end();
    expect(await db.sql(`SELECT a FROM app.t WHERE a = ${this.#port} LIMIT 1`)).toHaveLength(1);
  }
}

const visitors = (): readonly Habit[] =>
  [SPLIT, KERNEL].flatMap((port) =>
    Array.from({ length: CLIENTS }, () => new Habit(async () => await visit(port))),
  );

async function expectNoFailure(habits: readonly Habit[]): Promise<void> {
  for (const habit of habits) await habit.end();
  expect(habits.flatMap(({ failures }) => failures)).toEqual([]);
  for (const { count } of habits) expect(count).toBeGreaterThan(0);
}

test(`${UPGRADES} upgrades: nobody is refused or reset, sessions go on, and the kernel's table is the same one`, async () => {
  const sessions = [await LongSession.begin(SPLIT), await LongSession.begin(KERNEL)];
  const before = { handle: await tableHandle(), workers: await workers() };
  const habits = visitors();
  for (let i = 0; i < UPGRADES; i++)
    expect((await runSluice(proxy, ["upgrade"], { timeoutMs: 60_000 })).stdout).toContain("upgraded from");
  await expectNoFailure(habits);
  expect(await tableHandle()).toBe(before.handle);
  expect(sluice.hasExited).toBe(false);
  expect(readlinkSync(`/proc/${sluice.pid}/exe`)).toContain("sluice");
  for (const session of sessions) await session.end();
  await eventually(
    async () => {
      const now = await workers();
      return now.length === 2 && now.every((pid) => !before.workers.includes(pid));
    },
    { what: "the end of the old workers" },
  );
}, 60_000);

test("upgrade_timeout ends what a split service has in the old program; the kernel's sessions have nothing to end for", async () => {
  await runSluice(proxy, ["alter", "maxscale", "upgrade_timeout", "1s"]);
  const split = await open(SPLIT);
  const kernel = await LongSession.begin(KERNEL);
  await runSluice(proxy, ["upgrade"], { timeoutMs: 60_000 });
  await eventually(() => !split.isValid(), { what: "the end of the session" });
  await kernel.end();
  await runSluice(proxy, ["alter", "maxscale", "upgrade_timeout", "0s"]);
});

test("killed and started again: the same", async () => {
  const sessions = [await LongSession.begin(SPLIT), await LongSession.begin(KERNEL)];
  const handle = await tableHandle();
  const habits = visitors();
  for (let i = 0; i < 2; i++) {
    const before = await workers();
    sluice.kill("SIGKILL");
    await sluice.ended();
    await start();
    // All but the one with the session that goes on.
    await eventually(async () => (await workers()).filter((pid) => before.includes(pid)).length <= 1, {
      what: "the end of the old workers",
    });
  }
  await expectNoFailure(habits);
  expect(await tableHandle()).toBe(handle);
  for (const session of sessions) await session.end();
}, 60_000);
