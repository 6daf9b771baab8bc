// Many sessions at once, each with a token of its own, while connections and servers are lost: every answer carries the token of its session,
// and no session ever finds anything of another one, whether connections are kept for reuse or not.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Connection } from "mariadb";
import type { DatabaseServer } from "../lab/database-server.ts";
import { Lab } from "../lab/lab.ts";
import { FLEET_PASSWORD } from "../support/fleet-settings.ts";
import { type SplitFleet, startSplitFleet } from "../support/split-fleet.ts";

const PLAIN = 4006;
const POOLED = 4007;
const SESSIONS = 16;
const STEPS = 60;

let lab: Lab;
let fleet: SplitFleet;

beforeAll(async () => {
  lab = await Lab.create({ name: "tokens" });
  fleet = await startSplitFleet(lab, {
    services: [
      { name: "plain", port: PLAIN, more: "master_failure_mode=error_on_write\n" },
      {
        name: "pooled",
        port: POOLED,
        more: "idle_session_pool_time=0s\nmaster_failure_mode=error_on_write\n",
      },
    ],
    sql: "CREATE TABLE app.note (token VARCHAR(60), n INT, KEY (token)) ENGINE=InnoDB;",
    server: "persistpoolmax=6\npersistmaxtime=30s\n",
  });
}, 120_000);

afterAll(async () => {
  await fleet?.sluice.terminate();
  await lab?.destroy();
});

/** The same numbers for the same seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const LOST =
  /Lost connection|closed|ECONN|reset|EPIPE|has no|no server|killed|interrupted|timeout|gone away|shutdown/i;

/** One client, which goes on with a new session whenever it loses one. */
class Owner {
  readonly #port: number;
  readonly #who: number;
  readonly #random: (below: number) => number;
  readonly wrong: string[];
  answers = 0;
  #connection: Connection | undefined;
  #set: { token: string; zone: string } | undefined;

  constructor(port: number, who: number, wrong: string[], seed: number) {
    this.#port = port;
    this.#who = who;
    this.#random = randomFrom(seed * 1000 + who);
    this.wrong = wrong;
  }

  async run(): Promise<void> {
    for (let step = 0; step < STEPS; step++) {
      const token = `${this.#port}-${this.#who}-${step}`;
      try {
        const connection = await this.#session();
        await this.#step(connection, token);
        this.answers++;
      } catch (error) {
        if (!LOST.test(String(error))) this.wrong.push(`${token}: ${error}`);
        this.#drop();
      }
    }
    await this.#connection?.end().catch(() => {});
  }

  async #session(): Promise<Connection> {
    if (this.#connection?.isValid()) return this.#connection;
    this.#drop();
    const connection = await fleet.client(this.#port, { multipleStatements: true, socketTimeout: 20_000 });
    this.#connection = connection;
    await this.#expectNothing(connection, "a new session");
    return connection;
  }

  #drop(): void {
    this.#connection?.destroy();
    this.#connection = undefined;
    this.#set = undefined;
  }

  /** Nothing of anybody is there. */
  async #expectNothing(connection: Connection, what: string): Promise<void> {
    const [row] = await connection.query(
      "SELECT @token AS token, @@time_zone AS zone, @@autocommit AS autocommit, @@in_transaction AS busy, @@sql_safe_updates AS safe, DATABASE() AS db, @@tx_isolation AS isolation",
    );
    const nothing = {
      token: null,
      zone: "SYSTEM",
      autocommit: 1,
      busy: 0,
      safe: 0,
      db: "app",
      isolation: "REPEATABLE-READ",
    };
    this.#same(JSON.stringify(row), JSON.stringify(nothing), what);
    for (const leaked of ["EXECUTE mine", "SELECT * FROM temporary_of_mine"]) {
      const error = await connection.query(leaked).then(
        () => "it was there",
        (failure) => String(failure),
      );
      if (!/Unknown prepared|doesn't exist/.test(error) && !LOST.test(error))
        this.wrong.push(`${what}: ${leaked}: ${error}`);
    }
  }

  #same(is: unknown, wanted: unknown, what: string): void {
    if (is !== wanted)
      this.wrong.push(`session ${this.#who}, ${what}: ${String(is)} and not ${String(wanted)}`);
  }

  async #step(connection: Connection, token: string): Promise<void> {
    const one = async (sql: string, values?: unknown[]): Promise<unknown> =>
      Object.values((await connection.query(sql, values))[0])[0];
    switch (this.#random(12)) {
      case 0:
        return this.#same(await one(`SELECT '${token}'`), token, "text");
      case 1:
        return this.#same(
          Object.values((await connection.execute("SELECT ? AS t", [token]))[0])[0],
          token,
          "binary",
        );
      case 2: {
        const statement = await connection.prepare(`SELECT CONCAT(?, '/${token}') AS t`);
        for (const part of ["a", "b", "c"]) {
          const [row] = await statement.execute([part]);
          this.#same(row?.t, `${part}/${token}`, "prepared");
        }
        return statement.close();
      }
      case 3: {
        const zone = `+0${this.#random(9)}:00`;
        await connection.query(`SET @token = '${token}', time_zone = '${zone}'`);
        this.#set = { token, zone };
        break;
      }
      case 4: {
        await connection.query(`PREPARE mine FROM 'SELECT "${token}" AS t'`);
        for (let i = 0; i < 3; i++) this.#same(await one("EXECUTE mine"), token, "PREPARE");
        await connection.query("DEALLOCATE PREPARE mine");
        break;
      }
      case 5: {
        const rows: { t: string }[] = await connection.query(
          `SELECT CONCAT('${token}', '-', seq) AS t FROM seq_1_to_3000`,
        );
        this.#same(rows.length, 3000, "length of a large result");
        for (const [i, { t }] of rows.entries())
          if (t !== `${token}-${i + 1}`) this.#same(t, token, "large result");
        break;
      }
      case 6: {
        const several = await connection.query(`SELECT '${token}' AS t; DO 0; SELECT '${token}' AS t`);
        this.#same(several[0][0].t + several[2][0].t, token + token, "several results");
        break;
      }
      case 7: {
        await connection.query("BEGIN");
        await connection.query("INSERT INTO note VALUES (?, 1), (?, 2)", [token, token]);
        this.#same(Number(await one(`SELECT COUNT(*) FROM note WHERE token = '${token}'`)), 2, "own writes");
        await connection.query(this.#random(2) ? "COMMIT" : "ROLLBACK");
        break;
      }
      case 8: {
        const answers = await Promise.all(
          Array.from({ length: 8 }, async (_, i) => await one(`SELECT '${token}-${i}'`)),
        );
        for (const [i, answer] of answers.entries()) this.#same(answer, `${token}-${i}`, "asked ahead");
        break;
      }
      case 9: {
        await connection.query(
          `CREATE OR REPLACE TEMPORARY TABLE temporary_of_mine AS SELECT '${token}' AS t`,
        );
        this.#same(await one("SELECT t FROM temporary_of_mine"), token, "temporary table");
        this.#drop();
        return;
      }
      case 10: {
        // Leaves in the middle of an answer.
        connection.query(`SELECT CONCAT('${token}', seq) FROM seq_1_to_100000`).catch(() => {});
        await one("SELECT 1").catch(() => {});
        this.#drop();
        return;
      }
      default: {
        await connection.query("SET sql_safe_updates = 1, @token = 'old'");
        const isReset = this.#random(2) === 0;
        if (isReset) await connection.reset();
        else await connection.changeUser({ user: "app", password: FLEET_PASSWORD, database: "app" });
        this.#set = undefined;
        await this.#expectNothing(connection, "a session that began anew");
        // This driver keeps its numbers of prepared statements over a change of user, though the server has forgotten them.
        if (!isReset) this.#drop();
      }
    }
    if (this.#set !== undefined) {
      const [row] = await connection.query("SELECT @token AS token, @@time_zone AS zone");
      this.#same(`${row.token} ${row.zone}`, `${this.#set.token} ${this.#set.zone}`, "its own variables");
    }
  }
}

/** Kills connections on the servers, and hangs replicas for a moment. @returns how often */
async function disturb(
  servers: readonly DatabaseServer[],
  random: (below: number) => number,
  isOver: () => boolean,
): Promise<number> {
  let faults = 0;
  while (!isOver()) {
    const server = servers[random(servers.length)];
    if (server === undefined) break;
    if (random(12) === 0 && server !== servers[0]) {
      await server.hang();
      await new Promise((resolve) => setTimeout(resolve, random(400)));
      await server.resume();
      faults++;
      continue;
    }
    const rows = await server.sql<{ id: number }>(
      "SELECT id FROM information_schema.processlist WHERE user = 'app' ORDER BY RAND() LIMIT 2",
    );
    for (const { id } of rows) await server.sql(`KILL ${random(3) ? "" : "QUERY"} ${id}`).catch(() => {});
    faults += rows.length;
  }
  return faults;
}

describe("every answer is for the session that asked", () => {
  for (const [name, port] of [
    ["connections end with their session", PLAIN],
    ["connections are kept and lent", POOLED],
  ] as const)
    test(name, async () => {
      const wrong: string[] = [];
      const owners = Array.from({ length: SESSIONS }, (_, who) => new Owner(port, who, wrong, port));
      let isOver = false;
      const faults = disturb(fleet.servers, randomFrom(port), () => isOver);
      await Promise.all(owners.map(async (owner) => await owner.run()));
      isOver = true;
      const disturbances = await faults;
      expect(wrong).toEqual([]);
      const answers = owners.reduce((sum, owner) => sum + owner.answers, 0);
      expect(answers).toBeGreaterThan(SESSIONS * 10);
      // Most of these nobody notices: that is what the service is for.
      expect(disturbances).toBeGreaterThan(SESSIONS);
    }, 120_000);
});
