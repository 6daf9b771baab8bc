// What the classification takes for built-in functions, asked of real servers: a name that a stored function can have, and be called
// by without its database, is none.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Connection, createConnection } from "mariadb";
import { classify } from "../../src/sql/classify.ts";
import { MYSQL } from "../../src/sql/lexer-mode.ts";
import { READ } from "../../src/sql/statement-flags.ts";
import { BEFORE_PARENTHESIS, FUNCTIONS, KEYWORDS } from "../../src/sql/word-lists.ts";
import type { DatabaseServer } from "../lab/database-server.ts";
import { Lab } from "../lab/lab.ts";
import { MariaDb } from "../lab/maria-db.ts";
import { HAS_MYSQL, MySql } from "../lab/my-sql.ts";

/** Built in with one number of arguments, stored with others; docs/statement-routing.md says so. */
const BUILT_IN_AT_TIMES = /^(POINT|LINESTRING|POLYGON|GEOMETRYCOLLECTION|MULTI(POINT|LINESTRING|POLYGON))$/;
/** Not built in any more since MySQL 9.6, where a component brings them, or a stored function that does the same. */
const BUILT_IN_ONCE = ["MD5", "SHA", "SHA1"];
const NAMES = [...new Set([...KEYWORDS, ...BEFORE_PARENTHESIS, ...Object.values(FUNCTIONS).flat()])].filter(
  (name) => !BUILT_IN_AT_TIMES.test(name) && !BUILT_IN_ONCE.includes(name),
);
/** With each of these a database of its own holds functions of all the names. */
const FORMS = [
  { database: "none", parameters: "", values: "" },
  { database: "one", parameters: "a INT", values: "1" },
];
const AT_ONCE = 50;

let lab: Lab;

beforeAll(async () => {
  lab = await Lab.create({ name: "functions" });
});
afterAll(async () => {
  await lab.destroy();
});

/** The calls `NAME(…)` that run a stored function of the name although classify() takes them for reads. */
async function mistaken(connection: Connection, mode: number): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { database, parameters, values } of FORMS) {
    await connection.query(`CREATE DATABASE ${database}; USE ${database}`);
    const names = NAMES.filter(
      (name) => isRead(`SELECT ${name}(${values})`, mode) && !BUILT_IN_AT_TIMES.test(name),
    );
    const definitions = names.map(
      (name) => `CREATE FUNCTION \`${name}\` (${parameters}) RETURNS INT NO SQL RETURN (@hit_${name} := 1)`,
    );
    for (let at = 0; at < names.length; at += AT_ONCE)
      await connection.query(definitions.slice(at, at + AT_ONCE).join(";"));
    for (const name of names) await connection.query(`SELECT ${name}(${values})`).catch(() => {});
    const hits = names.map((name) => `@hit_${name} AS ${name}_`).join();
    const [row] = await connection.query<Record<string, unknown>[]>(`SELECT ${hits}`);
    found.push(...names.filter((name) => row?.[`${name}_`] != null).map((name) => `${name}(${values})`));
  }
  return found;
}

const isRead = (text: string, mode: number): boolean =>
  classify(Buffer.from(text), 0, text.length, mode) === READ;

async function connect(server: DatabaseServer): Promise<Connection> {
  return await createConnection({ socketPath: server.socketPath, user: "root", multipleStatements: true });
}

test("MariaDB", async () => {
  const connection = await connect(await MariaDb.start(await lab.host("maria")));
  expect(await mistaken(connection, 0)).toEqual([]);
  await connection.end();
}, 60_000);

test.if(HAS_MYSQL)(
  "MySQL",
  async () => {
    const connection = await connect(await MySql.start(await lab.host("my")));
    expect(await mistaken(connection, MYSQL)).toEqual([]);
    await connection.end();
  },
  90_000,
);
