// Whether what classify() calls a read is one for a real server: random statements are run, and what they leave behind is looked at.
import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { type Connection, createConnection, type SqlError } from "mariadb";
import { classify } from "../../src/sql/classify.ts";
import { flagNames } from "../../src/sql/flag-names.ts";
import { ANSI_QUOTES, IGNORE_SPACE, NO_BACKSLASH_ESCAPES } from "../../src/sql/lexer-mode.ts";
import { BEGIN, LAST, READ, SESSION, USER_VARIABLE_WRITE } from "../../src/sql/statement-flags.ts";
import { userVariables } from "../../src/sql/user-variables.ts";
import { Lab } from "../lab/lab.ts";
import { MariaDb } from "../lab/maria-db.ts";
import { GRAMMAR_SCHEMA, statement } from "../support/statement-grammar.ts";
import { statementTable } from "../support/statement-table.ts";

const STATEMENTS = Number(process.env["STATEMENTS"] ?? 400);
const MODES: readonly (readonly [mode: number, sqlMode: string])[] = [
  [0, ""],
  [ANSI_QUOTES, "ANSI_QUOTES"],
  [NO_BACKSLASH_ESCAPES, "NO_BACKSLASH_ESCAPES"],
  [IGNORE_SPACE, "IGNORE_SPACE"],
];
/** What a plain read may count as, in the server's own counters of statements. */
const READ_COUNTERS =
  /^Com_(select|show_\w+|help|empty_query|admin_commands|set_option|explain_other|get_diagnostics)$/;

let lab: Lab;
let server: MariaDb;
let one: Connection;
let other: Connection;
let watcher: Connection;

beforeAll(async () => {
  lab = await Lab.create({ name: "effects" });
  server = await MariaDb.start(await lab.host("db1"), {
    hasBinlog: true,
    options: { log_bin_trust_function_creators: true },
  });
  await server.sql("CREATE DATABASE shop; CREATE USER app@localhost; GRANT ALL ON *.* TO app@localhost");
  await server.sql("REVOKE SUPER, READ_ONLY ADMIN ON *.* FROM app@localhost");
  const root = await connect("root");
  for (const line of GRAMMAR_SCHEMA) await root.query(line);
  await root.end();
  [one, other, watcher] = await Promise.all([connect("app"), connect("app"), connect("app")]);
});
afterAll(async () => {
  await Promise.all([one?.end(), other?.end(), watcher?.end()]);
  await lab.destroy();
});

const connect = (user: string): Promise<Connection> =>
  createConnection({
    socketPath: server.socketPath,
    user,
    database: "shop",
    multipleStatements: true,
    checkDuplicate: false,
  });

interface Traces {
  /** Data, sequences included: all that the server would tell its replicas. */
  readonly position: string;
  readonly session: string;
  readonly counters: ReadonlyMap<string, number>;
}

/** Differ without anybody's doing. */
const RESTLESS =
  "'TIMESTAMP','RAND_SEED1','RAND_SEED2','WARNING_COUNT','ERROR_COUNT','GTID_BINLOG_POS','GTID_BINLOG_STATE','GTID_CURRENT_POS','LAST_GTID','PSEUDO_THREAD_ID'";
const ALL_ROWS = 2n ** 64n - 1n;
/** A statement may have left next to no time (max_statement_time = RAND()) or no rows (sql_select_limit = 0): none of that is for the look. */
const LOOK = `
  SELECT @@gtid_binlog_pos AS position, @@max_statement_time AS most LIMIT 1;
  SET STATEMENT max_statement_time = 0 FOR SELECT CONCAT_WS('\n', DATABASE(), @@in_transaction, IS_USED_LOCK('l'),
    (SELECT GROUP_CONCAT(VARIABLE_NAME, '=', VARIABLE_VALUE ORDER BY VARIABLE_NAME SEPARATOR '\n') FROM information_schema.SESSION_VARIABLES WHERE VARIABLE_NAME NOT IN (${RESTLESS})),
    (SELECT GROUP_CONCAT('@', VARIABLE_NAME, '=', IFNULL(VARIABLE_VALUE, 'NULL') ORDER BY VARIABLE_NAME SEPARATOR '\n') FROM information_schema.USER_VARIABLES)) AS session LIMIT 1;
  SET STATEMENT max_statement_time = 0, sql_select_limit = ${ALL_ROWS} FOR SHOW SESSION STATUS LIKE 'Com\\_%'`;

async function look(connection: Connection): Promise<Traces> {
  const [[{ position, most }], [{ session }], counters] = await connection.query<
    [[{ position: string; most: number }], [{ session: string }], { Variable_name: string; Value: string }[]]
  >({ sql: LOOK });
  return {
    position,
    session: `${session}\nmax_statement_time is ${most}`,
    counters: new Map(counters.map(({ Variable_name, Value }) => [Variable_name, Number(Value)])),
  };
}

/** What a statement did, in words; empty: nothing that anybody could see. */
function differences(before: Traces, after: Traces): readonly string[] {
  const was = new Set(before.session.split("\n"));
  const changed = after.session.split("\n").filter((line) => !was.has(line));
  const gone =
    before.session.split("\n").length > after.session.split("\n").length ? ["something unset"] : [];
  const counted = [...after.counters]
    .filter(([name, value]) => value !== before.counters.get(name) && !READ_COUNTERS.test(name))
    .map(([name]) => name);
  return [...(before.position === after.position ? [] : ["data"]), ...changed, ...gone, ...counted];
}

interface Outcome {
  readonly errno: number;
  readonly effects: readonly string[];
  readonly traces: Traces;
}

async function run(connection: Connection, text: string, sqlMode: string): Promise<Outcome> {
  await connection.reset();
  await connection.query(`SET sql_mode = '${sqlMode}', max_statement_time = 1; USE shop`);
  const before = await look(connection);
  const errno = await attempt(connection, text);
  const traces = await look(connection);
  return { errno, effects: differences(before, traces), traces };
}

/** The number of the error, 0 for none. */
async function attempt(connection: Connection, text: string): Promise<number> {
  try {
    await connection.query(text);
    return 0;
  } catch (error) {
    return (error as SqlError).errno;
  }
}

/** Whether the statement in a transaction locks rows of t or d for others. */
async function locks(text: string, sqlMode: string): Promise<boolean> {
  await one.reset();
  await one.query(`SET sql_mode = '${sqlMode}', max_statement_time = 1; USE shop; START TRANSACTION`);
  await attempt(one, text);
  const errno = await attempt(
    watcher,
    "SELECT id FROM t FOR UPDATE NOWAIT; SELECT id FROM d FOR UPDATE NOWAIT",
  );
  await one.query("ROLLBACK");
  return errno !== 0;
}

const SYNTAX = 1064;
const READ_ONLY_SERVER = 1290;
const READ_ONLY_TRANSACTION = 1792;

interface Seen {
  /** Reads that the server executed. */
  reads: number;
  understood: number;
  /** Statements of all kinds after which something was different. */
  effective: number;
  mistakes: number;
}

const SQL_MODES = ANSI_QUOTES | NO_BACKSLASH_ESCAPES | IGNORE_SPACE;
const sqlModeOf = (mode: number): string =>
  MODES.filter(([bit]) => (mode & bit) !== 0)
    .map(([, name]) => name)
    .join();

/** What the session has in user variables. */
const variablesOf = ({ session }: Traces): readonly string[] =>
  session.split("\n").filter((line) => line.startsWith("@"));

/** GET DIAGNOSTICS goes where the statement before went: the variables that it names are then told to all servers, and no others. */
function isCarried(effect: string, text: string, flags: number, mode: number): boolean {
  if ((flags & LAST) === 0 || (flags & USER_VARIABLE_WRITE) === 0) return false;
  const bytes = Buffer.from(text);
  return userVariables(bytes, 0, bytes.length, mode).some((name) => effect.startsWith(`@${name}=`));
}

/** A read has no effect, and locks nothing; what goes to all servers changes no data, and gives each the same user variables. */
async function examine(text: string, mode: number, sqlMode: string, seen: Seen): Promise<void> {
  const flags = classify(Buffer.from(text), 0, Buffer.byteLength(text), mode);
  const { errno, effects, traces } = await run(one, text, sqlMode);
  if (errno === SYNTAX) seen.mistakes++;
  else seen.understood++;
  if (effects.length > 0) seen.effective++;
  const what = { text, flags: flagNames(flags) };
  if ((flags & SESSION) !== 0) {
    expect({ ...what, changesData: effects.includes("data") }).toEqual({ ...what, changesData: false });
    const elsewhere = await run(other, text, sqlMode);
    expect({ ...what, variables: variablesOf(elsewhere.traces) }).toEqual({
      ...what,
      variables: variablesOf(traces),
    });
  }
  if ((flags & (READ | LAST)) === 0 || (flags & BEGIN) !== 0) return;
  if (errno === 0) seen.reads++;
  const unforeseen = effects.filter((effect) => !isCarried(effect, text, flags, mode));
  expect({ ...what, effects: unforeseen }).toEqual({ ...what, effects: [] });
  expect({ ...what, locks: await locks(text, sqlMode) }).toEqual({ ...what, locks: false });
}

test("nothing with an effect is called a read; what goes to all servers is the same everywhere", async () => {
  const seen: Seen = { reads: 0, understood: 0, effective: 0, mistakes: 0 };
  await fc.assert(
    fc.asyncProperty(statement, fc.constantFrom(...MODES), (text, [mode, sqlMode]) =>
      examine(text, mode, sqlMode, seen),
    ),
    { numRuns: STATEMENTS },
  );
  // The grammar still makes statements of both kinds that the server understands.
  expect(seen.understood).toBeGreaterThan(seen.mistakes);
  expect(seen.reads).toBeGreaterThan(STATEMENTS / 10);
  expect(seen.effective).toBeGreaterThan(STATEMENTS / 10);
}, 120_000);

test("reads of the table are none that a server refuses as a replica", async () => {
  await server.sql("SET GLOBAL read_only = 1");
  const refused: string[] = [];
  for (const { mode, statement } of statementTable()) {
    const flags = classify(statement, 0, statement.length, mode);
    if ((flags & (READ | LAST)) === 0 || (flags & BEGIN) !== 0 || (mode & ~SQL_MODES) !== 0) continue;
    await one.reset();
    await one.query(
      `SET sql_mode = '${sqlModeOf(mode)}', max_statement_time = 1; USE shop; START TRANSACTION READ ONLY`,
    );
    const errno = await attempt(one, statement.toString());
    if (errno === READ_ONLY_SERVER || errno === READ_ONLY_TRANSACTION) refused.push(statement.toString());
  }
  await server.sql("SET GLOBAL read_only = 0");
  expect(refused).toEqual([]);
}, 60_000);
