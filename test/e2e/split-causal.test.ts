// causal_reads under load: many sessions write and read while every replica stops applying again and again; what was acknowledged is read.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Connection } from "mariadb";
import { eventually } from "../eventually.ts";
import { Lab } from "../lab/lab.ts";
import type { MariaDb } from "../lab/maria-db.ts";
import { type SplitFleet, startSplitFleet } from "../support/split-fleet.ts";

const MODES = ["none", "local", "fast", "global", "universal"] as const;
type Mode = (typeof MODES)[number];
const SESSIONS = 5;
const STEPS = 80;
const FIRST_PORT = 4010;

const SQL = `
CREATE TABLE app.counter (who INT PRIMARY KEY, n INT NOT NULL) ENGINE=InnoDB;
INSERT INTO app.counter SELECT seq, 0 FROM app.seq_0_to_99;
CREATE TABLE app.bulk (id INT PRIMARY KEY, n INT NOT NULL) ENGINE=InnoDB;
INSERT INTO app.bulk SELECT seq, 0 FROM app.seq_1_to_5000;
`;

const portOf = (mode: Mode): number => FIRST_PORT + MODES.indexOf(mode);

interface Seen {
  /** Reads that did not have what had been acknowledged before they were sent. */
  readonly stale: string[];
  /** Who answered them. */
  readonly servers: Set<number>;
}

interface Play {
  /** What each session has been told to be written. */
  readonly acknowledged: number[];
  readonly isOwn: boolean;
  readonly seen: Seen;
}

/** For some milliseconds a replica takes in what the primary sends, and executes none of it. */
async function stall(server: MariaDb, isOver: () => boolean): Promise<void> {
  for (let turn = 1; !isOver(); turn++)
    await server
      .sql(`FLUSH TABLES WITH READ LOCK; DO SLEEP(${0.02 * (turn % 4)}); UNLOCK TABLES; DO SLEEP(0.02)`)
      .catch(() => {});
}

/** Kills what the account has there; a connection is closed once the server does not show it any more. */
async function loseConnections(server: MariaDb): Promise<void> {
  const ids = async (): Promise<readonly number[]> =>
    (
      await server.sql<{ id: number }>("SELECT id FROM information_schema.processlist WHERE user = 'app'")
    ).map(({ id }) => id);
  const lost = await ids();
  for (const id of lost) await server.sql(`KILL ${id}`).catch(() => {}); // it has gone by itself
  await eventually(async () => !(await ids()).some((id) => lost.includes(id)));
}

/** A Galera node that is locked so is desynced, and not read from. But all nodes have to execute a large transaction before what comes after it. */
async function writeMuch(server: MariaDb, isOver: () => boolean): Promise<void> {
  while (!isOver()) await server.sql("UPDATE app.bulk SET n = n + 1");
}

/** One session: it raises a counter of its own, and reads that one (`own`) or anybody's. */
async function play(connection: Connection, who: number, { acknowledged, isOwn, seen }: Play): Promise<void> {
  for (let step = 1; step <= STEPS; step++) {
    const n = (acknowledged[who] ?? 0) + 1;
    await write(connection, step, n, who);
    acknowledged[who] = n;
    if (step % 10 === 0) await connection.reset();
    const whose = isOwn ? who : (who + step) % SESSIONS;
    const least = acknowledged[whose] ?? 0;
    const row = await read(connection, step, whose);
    seen.servers.add(row.id);
    if (row.n < least) seen.stale.push(`${row.n} of ${least} on server ${row.id}`);
  }
  await connection.end();
}

async function write(connection: Connection, step: number, n: number, who: number): Promise<void> {
  if (step % 3 === 0) {
    await connection.execute("UPDATE counter SET n = ? WHERE who = ?", [n, who]);
    return;
  }
  if (step % 3 === 1) await connection.query("BEGIN");
  await connection.query(`UPDATE counter SET n = ${n} WHERE who = ${who}`);
  if (step % 3 === 1) await connection.query("COMMIT");
}

async function read(connection: Connection, step: number, who: number): Promise<{ n: number; id: number }> {
  const isReadOnly = step % 4 === 0;
  if (isReadOnly) await connection.query("START TRANSACTION READ ONLY");
  const sql = "SELECT n, @@global.server_id AS id FROM counter WHERE who = ";
  const [row] = await (step % 2 ? connection.query(`${sql}${who}`) : connection.execute(`${sql}?`, [who]));
  if (isReadOnly) await connection.query("COMMIT");
  return row;
}

for (const isGalera of [false, true])
  describe(isGalera ? "three Galera nodes" : "a primary and two replicas", () => {
    let lab: Lab;
    let fleet: SplitFleet;
    let primary: MariaDb;
    let replicas: readonly MariaDb[];

    beforeAll(async () => {
      lab = await Lab.create({ name: isGalera ? "causal-galera" : "causal" });
      fleet = await startSplitFleet(lab, {
        isGalera,
        server: "persistpoolmax=5\npersistmaxtime=60s\n",
        services: MODES.map((mode) => ({ name: mode, port: portOf(mode), more: `causal_reads=${mode}\n` })),
        sql: SQL,
        checkTimeoutMs: 10_000,
      });
      const servers = fleet.galera?.nodes ?? fleet.replication?.servers ?? [];
      for (const [i, server] of servers.entries()) await server.sql(`SET GLOBAL server_id = ${i + 1}`);
      const connection = await fleet.client(portOf("none"));
      await connection.query("BEGIN");
      const [row] = await connection.query("SELECT @@global.server_id AS id");
      await connection.end();
      primary = servers[row.id - 1] as MariaDb;
      replicas = servers.filter((server) => server !== primary);
    }, 120_000);

    afterAll(async () => {
      await fleet?.sluice.terminate();
      await lab?.destroy();
    });

    /** The replicas stall again and again meanwhile. */
    async function whileStalling(work: () => Promise<void>): Promise<void> {
      let isOver = false;
      const stalls = isGalera
        ? [writeMuch(primary, () => isOver)]
        : replicas.map(async (server) => await stall(server, () => isOver));
      await work().finally(() => {
        isOver = true;
      });
      await Promise.all(stalls);
    }

    async function load(mode: Mode, isOwn: boolean): Promise<Seen> {
      const seen: Seen = { stale: [], servers: new Set() };
      const setup = await fleet.client(portOf(mode));
      await setup.query("UPDATE counter SET n = 0");
      await setup.end();
      await fleet.caughtUp(); // a high number of before would not look stale
      const acknowledged: number[] = [];
      await whileStalling(async () => {
        const sessions = Array.from({ length: SESSIONS }, async (_, who) => {
          const connection = await fleet.client(portOf(mode), { socketTimeout: 30_000 });
          await play(connection, who, { acknowledged, isOwn, seen });
        });
        await Promise.all(sessions);
      });
      expect(seen.servers.size).toBeGreaterThan(1);
      return seen;
    }

    test("none: reads are stale, so the load is one that shows it", async () => {
      const { stale } = await load("none", false);
      expect(stale.length).toBeGreaterThan(0);
    }, 60_000);

    test.each(["local", "fast"] as const)(
      "%s: a session reads what it has written",
      async (mode) => {
        expect((await load(mode, true)).stale).toEqual([]);
      },
      60_000,
    );

    test.each(["global", "universal"] as const)(
      "%s: a session reads what anybody has written",
      async (mode) => {
        expect((await load(mode, false)).stale).toEqual([]);
      },
      60_000,
    );

    test("local: also where the connection that wrote is lost before it was asked", async () => {
      await whileStalling(async () => {
        const connection = await fleet.client(portOf("local"), { socketTimeout: 30_000 });
        for (let n = 1; n <= 15; n++) {
          await connection.query("UPDATE counter SET n = ? WHERE who = 50", [n]);
          await loseConnections(primary);
          // The next write has no GTID of its own: the position of the first one must not be forgotten over it.
          if (n % 2) await connection.query("SELECT 1 FOR UPDATE");
          const [row] = await connection.query("SELECT n FROM counter WHERE who = 50");
          expect(row.n).toBe(n);
        }
        await connection.end();
      });
    }, 60_000);
  });
