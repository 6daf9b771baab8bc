/**
 * Runs tests of the server's own suite twice, against the primary and through a service that splits, and compares what mariadb-test records.
 *
 *     mariadb-test ──────────────── socket ─▶ db1            result A
 *     mariadb-test ─▶ socket ─ sluice ─▶ db1, db2, db3       result B      same?
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseServer, ServerOptions } from "../lab/database-server.ts";
import { Lab } from "../lab/lab.ts";
import { run } from "../lab/run.ts";
import { startSplitFleet } from "../support/split-fleet.ts";

const SUITE = "/usr/share/mysql/mysql-test";
const LIMIT_MS = 120_000;
/** As mysql-test-run.pl starts its servers, as far as results depend on it. */
const OPTIONS: ServerOptions = {
  default_storage_engine: "myisam",
  log_bin_trust_function_creators: true,
  max_heap_table_size: "1M",
  sort_buffer_size: "256K",
  character_set_server: "latin1",
  use_stat_tables: "preferably",
  histogram_type: "json_hb",
  local_infile: true,
  binlog_direct_non_transactional_updates: true,
  default_time_zone: "+03:00",
  gtid_strict_mode: false,
};
const BEGIN = `SET GLOBAL default_storage_engine = myisam, GLOBAL sql_mode = DEFAULT, GLOBAL read_only = 0, GLOBAL max_allowed_packet = DEFAULT;
  CREATE DATABASE test CHARACTER SET latin1; CREATE DATABASE mtr; CREATE TABLE mtr.test_suppressions (pattern VARCHAR(255)) ENGINE=MyISAM;
  CREATE DEFINER=root@localhost PROCEDURE mtr.add_suppression(pattern VARCHAR(255)) INSERT INTO mtr.test_suppressions VALUES (pattern)`;
const ACCOUNTS =
  "'root', 'app', 'admin', 'monitor', 'service', 'replication', 'mariadb.sys', 'mysql', 'PUBLIC'";
const KEPT = ["mysql", "sys", "performance_schema", "information_schema", "app"];

interface Recorded {
  readonly code: number | null;
  readonly result: string;
  readonly said: string;
}

const args = process.argv.slice(2);
const protocol = args.find((arg) => arg.startsWith("--protocol="))?.split("=")[1];
const named = args.filter((arg) => !arg.startsWith("--"));
const tests = named.length > 0 ? named : listed();
const kept = args.find((arg) => arg.startsWith("--keep="))?.split("=")[1];

const lab = await Lab.create({ name: "mtr" });
let differing = 0;
try {
  const socket = join(lab.folder, "service.sock");
  const fleet = await startSplitFleet(lab, {
    services: [{ name: "split", port: 4006, socket, more: "causal_reads=local\nenable_root_user=true\n" }],
    options: OPTIONS,
    // The service's clients come from the proxy's address; accounts are copied to it without a password, as the suite's root has none.
    sql: "CREATE USER root@'%'; GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;",
  });
  symlinkSync(join(SUITE, "std_data"), join(lab.folder, "std_data"));
  await run([
    "bash",
    "-c",
    `mariadb -uroot -S ${fleet.servers[0]?.socketPath} mysql < /usr/share/mysql/mysql_test_data_timezone.sql`,
  ]);
  const [primary, ...replicas] = fleet.servers as [DatabaseServer, ...DatabaseServer[]];
  for (const test of tests) {
    await reset(primary, replicas);
    const direct = await record(primary.socketPath, test);
    await reset(primary, replicas);
    const through = await record(socket, test);
    const isSame = direct.code === through.code && direct.result === through.result;
    if (!isSame) differing++;
    console.log(`${isSame ? "same" : "DIFFERENT"} ${test} (${direct.code}, ${through.code})`);
    if (!isSame) tell(test, direct, through);
    else if (direct.code !== 0) console.log(indented(lastWords(direct)));
  }
  await fleet.sluice.terminate();
} finally {
  await lab.destroy();
}
console.log(`${tests.length} tests, ${differing} with another result through the service`);
process.exit(differing === 0 ? 0 : 1);

function listed(): readonly string[] {
  const lines = readFileSync(new URL("tests.txt", import.meta.url), "utf8").split("\n");
  return lines.flatMap((line) => line.replace(/#.*/, "").split(/\s+/)).filter((word) => word !== "");
}

/** Nothing of the last test is left. */
async function reset(primary: DatabaseServer, replicas: readonly DatabaseServer[]): Promise<void> {
  // Of another session still, some of them.
  for (const { data } of await primary.sql<{ data: string }>("XA RECOVER FORMAT = 'SQL'"))
    await primary.sql(`XA ROLLBACK ${data}`).catch(() => {});
  await dropDatabases(primary);
  const users = await primary.sql<{ name: string }>(
    `SELECT CONCAT(QUOTE(user), '@', QUOTE(host)) AS name FROM mysql.user WHERE user NOT IN (${ACCOUNTS}) AND host <> ''`,
  );
  for (const { name } of users) await primary.sql(`DROP USER ${name}`);
  for (const replica of replicas) await follow(replica, await primary.variable("gtid_binlog_pos"));
  await primary.sql(BEGIN);
  for (const replica of replicas) await follow(replica, await primary.variable("gtid_binlog_pos"));
}

/** A replica on which a test has broken replication by itself goes on behind that test. */
async function follow(replica: DatabaseServer, position: string): Promise<void> {
  const [row] = await replica.sql<{ late: number }>(`SELECT MASTER_GTID_WAIT('${position}', 5) AS late`);
  if (row?.late === 0) return;
  await replica.sql(`STOP SLAVE; SET GLOBAL gtid_slave_pos = '${position}'`);
  await dropDatabases(replica);
  await replica.sql("START SLAVE");
}

async function dropDatabases(server: DatabaseServer): Promise<void> {
  const databases = await server.sql<{ name: string }>(
    "SELECT schema_name AS name FROM information_schema.schemata",
  );
  const isReplica = (await server.sql("SHOW ALL SLAVES STATUS")).length > 0;
  for (const { name } of databases.filter((database) => !KEPT.includes(database.name)))
    await server.sql(`SET sql_log_bin = ${isReplica ? 0 : 1}; DROP DATABASE \`${name}\``).catch(() => {
      // A test has left a file of its own there.
      rmSync(join(server.datadir, name), { recursive: true });
    });
}

async function record(socket: string, test: string): Promise<Recorded> {
  const folder = lab.folder;
  for (const name of ["tmp", "log"]) {
    rmSync(join(folder, name), { recursive: true, force: true });
    mkdirSync(join(folder, name));
    chmodSync(join(folder, name), 0o777);
  }
  rmSync(join(folder, "result"), { force: true });
  writeFileSync(join(folder, "my.cnf"), `[client]\nsocket=${socket}\nuser=root\n`);
  const result = join(folder, "result");
  const [file, combination] = [
    join(SUITE, "main", `${test}.test`),
    protocol === undefined ? [] : [`--${protocol}-protocol`],
  ];
  const { code, stdout, stderr } = await run(
    [
      "env",
      "-C",
      SUITE,
      "mariadb-test",
      `--defaults-file=${folder}/my.cnf`,
      "--silent",
      "--record",
      "--database=test",
      `--tmpdir=${folder}/tmp`,
      `--logdir=${folder}/log`,
      "--character-sets-dir=/usr/share/mysql/charsets",
      `--test-file=${file}`,
      `--result-file=${result}`,
      ...combination,
    ],
    { env: environment(socket, folder), mayFail: true, timeoutMs: LIMIT_MS },
  ).catch((error: unknown) => ({ code: -1, stdout: "", stderr: String(error) }));
  // The service comes from its own host, so its accounts are others.
  const clean = (text: string): string =>
    text
      .replaceAll(folder, "VARDIR")

      .replaceAll("root`@`%`", "root`@`localhost`")
      .replaceAll("root@%", "root@localhost");
  const text = existsSync(result) ? readFileSync(result, "latin1") : "";
  return { code, result: clean(text), said: clean(stdout + stderr) };
}

function environment(socket: string, folder: string): Record<string, string> {
  const client = (name: string): string => `${name} --no-defaults -uroot --socket=${socket}`;
  return {
    MYSQL_TEST_DIR: SUITE,
    // The lab's folder: tests look at files of the server, too.
    MYSQLTEST_VARDIR: folder,
    MYSQLTEST_LOGDIR: join(folder, "log"),
    MYSQL_TMP_DIR: join(folder, "tmp"),
    MASTER_MYSOCK: socket,
    MASTER_MYPORT: "3306",
    USE_RUNNING_SERVER: "1",
    CHARSETSDIR: "/usr/share/mysql/charsets",
    MYSQL_SHAREDIR: "/usr/share/mysql",
    MYSQL_BINDIR: "/usr",
    MYSQL: client("mariadb"),
    MYSQL_TEST: client("mariadb-test"),
    MYSQL_DUMP: client("mariadb-dump"),
    TZ: "GMT-3",
  };
}

function tell(test: string, direct: Recorded, through: Recorded): void {
  if (direct.code !== 0) console.log(indented(`directly: ${lastWords(direct)}`));
  if (through.code !== 0) console.log(indented(`through the service: ${lastWords(through)}`));
  const [before, after] = [direct.result.split("\n"), through.result.split("\n")];
  let told = 0;
  for (
    let i = 0;
    i < Math.max(before.length, after.length) && told < 6 && direct.code === 0 && through.code === 0;
    i++
  )
    if (before[i] !== after[i]) {
      told++;
      console.log(indented(`line ${i + 1}\n- ${before[i]?.slice(0, 300)}\n+ ${after[i]?.slice(0, 300)}`));
    }
  if (kept === undefined) return;
  mkdirSync(kept, { recursive: true });
  writeFileSync(join(kept, `${test}.direct`), direct.result + direct.said, "latin1");
  writeFileSync(join(kept, `${test}.service`), through.result + through.said, "latin1");
}

function lastWords({ said }: Recorded): string {
  const line = said.split("\n").find((text) => /failed:|failed with|not supported/.test(text));
  return (line ?? said.slice(0, 200)).slice(0, 300);
}

function indented(text: string): string {
  return text.replace(/^/gm, "    ");
}
