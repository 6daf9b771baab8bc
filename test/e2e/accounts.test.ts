// Accounts of a service that splits: read from its servers by the daemon, and what clients meet by them.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../eventually.ts";
import { FleetDaemon } from "../lab/fleet-daemon.ts";
import { HaProxy } from "../lab/ha-proxy.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { MariaDb } from "../lab/maria-db.ts";
import type { RunResult } from "../lab/run.ts";
import { mariadbClient } from "../support/command-line-client.ts";
import { lockTable } from "../support/lock-table.ts";

const START_MS = 120_000;

let lab: Lab;
let proxy: Host;
let server: MariaDb;
let daemon: FleetDaemon;
/** ms of performance.now() */
let startedAt: number;

beforeAll(async () => {
  lab = await Lab.create({ name: "accounts" });
  proxy = await lab.host("proxy");
  server = await MariaDb.start(await lab.host("db1"), {
    hasTls: true,
    options: { plugin_load_add: "auth_ed25519" },
  });
  for (const statement of ACCOUNTS) await server.sql(statement);
  startedAt = performance.now();
  daemon = await FleetDaemon.start(proxy, await configuration());
  await daemon.becomes({ db1: "Master, Running" });
}, START_MS);
afterAll(async () => {
  await lab?.destroy();
});

const LEAST = ["global_priv", "db", "tables_priv", "columns_priv", "procs_priv", "roles_mapping"];
const ACCOUNTS = [
  "CREATE DATABASE shop",
  "CREATE TABLE shop.stock (id INT PRIMARY KEY)",
  "CREATE USER monitor@'%' IDENTIFIED BY 'monitor-pw'",
  "GRANT REPLICA MONITOR, SLAVE MONITOR ON *.* TO monitor@'%'",
  "CREATE USER sluice@'%' IDENTIFIED BY 'sluice-pw'",
  ...LEAST.map((table) => `GRANT SELECT ON mysql.${table} TO sluice@'%'`),
  "CREATE USER haproxy@'%'",
  "CREATE USER plain@'%' IDENTIFIED BY 'secret'",
  "GRANT ALL ON shop.* TO plain@'%'",
  "CREATE USER signed@'%' IDENTIFIED VIA ed25519 USING PASSWORD('s1gned')",
  "CREATE USER many@'%' IDENTIFIED BY 'secret' WITH MAX_USER_CONNECTIONS 1",
  "GRANT SELECT ON shop.* TO many@'%'",
  "CREATE USER x509@'%' IDENTIFIED BY 'secret' REQUIRE X509",
  "CREATE USER subject@'%' IDENTIFIED BY 'secret' REQUIRE SUBJECT '/CN=app'",
  "CREATE USER stranger@'%' IDENTIFIED BY 'secret' REQUIRE SUBJECT '/CN=other'",
];

async function configuration(): Promise<string> {
  const tls = await lab.certificate("proxy", { names: ["proxy", proxy.address] });
  return `
threads=2
users_refresh_time=0s
[db1]
type=server
address=${server.address}
ssl=true
ssl_ca=${tls.authority}
ssl_cert=${tls.certificate}
ssl_key=${tls.key}
[mon]
type=monitor
module=mariadbmon
servers=db1
user=monitor
password=monitor-pw
monitor_interval=200ms
[rw]
type=service
router=readwritesplit
cluster=mon
user=sluice
password=sluice-pw
[clear]
type=listener
service=rw
port=4006
[encrypted]
type=listener
service=rw
port=4007
ssl=true
ssl_ca=${tls.authority}
ssl_cert=${tls.certificate}
ssl_key=${tls.key}
`;
}

const client = (
  user: string,
  password: string,
  sql: string,
  ...more: readonly string[]
): Promise<RunResult> =>
  mariadbClient(
    { address: proxy.address, port: 4006, run: (argv, options) => proxy.run(argv, options) },
    user,
    password,
    sql,
    ...more,
  );

test("clients log in by the accounts of the server", async () => {
  const { stdout, stderr } = await client("plain", "secret", "SELECT USER(), DATABASE()", "shop");
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^plain@\S+\tshop\n$/);
  expect((await client("plain", "wrong", "SELECT 1")).stderr).toContain("ERROR 1045");
  expect((await client("plain", "secret", "SELECT 1", "mysql")).stderr).toContain("ERROR 1044");
});

test("an account made while it runs is known at its first login", async () => {
  await server.sql("CREATE USER fresh@'%' IDENTIFIED BY 'secret'");
  const { stdout, stderr } = await client("fresh", "secret", "SELECT CURRENT_USER()");
  expect(stderr).toBe("");
  expect(stdout).toBe("fresh@%\n");
  await server.sql("DROP USER fresh@'%'");
});

test("show service tells them, and when they were read", async () => {
  const { body } = await daemon.rest("/v1/services/rw");
  const { attributes } = JSON.parse(body).data;
  expect(attributes.users).toContainEqual({ user: "signed", host: "%", plugin: "ed25519" });
  expect(attributes.users_last_update).toEqual(expect.any(String));
});

describe("over TLS", () => {
  const encrypted = async (user: string, password: string, ...more: readonly string[]): Promise<RunResult> =>
    await client(user, password, "SELECT CURRENT_USER()", "-P4007", "--ssl", ...more);

  test("an account with ed25519 logs in, again and again", async () => {
    for (const _ of [1, 2, 3, 4]) {
      const { stdout, stderr } = await encrypted("signed", "s1gned");
      expect(stderr).toBe("");
      expect(stdout).toBe("signed@%\n");
    }
    expect((await encrypted("signed", "wrong")).stderr).toContain("ERROR 1045");
  });

  test("plain text is refused, in words", async () => {
    const { stderr } = await client("plain", "secret", "SELECT 1", "-P4007", "--skip-ssl");
    expect(stderr).toContain("ERROR 3159");
  });

  test("certificates are asked for where the account does", async () => {
    const app = await lab.certificate("app");
    const foreign = await lab.certificate("foreign", { authority: "nobody" });
    const shown = (certificate: typeof app): readonly string[] => [
      `--ssl-cert=${certificate.certificate}`,
      `--ssl-key=${certificate.key}`,
    ];
    expect((await encrypted("x509", "secret")).stderr).toContain("ERROR 1045");
    expect((await encrypted("x509", "secret", ...shown(foreign))).stderr).toContain("ERROR 1045");
    expect((await encrypted("stranger", "secret", ...shown(app))).stderr).toContain("ERROR 1045");
    // The server asks for a certificate as well, and has seen only Sluice's: the accounts are then Sluice's to judge.
    expect((await encrypted("x509", "secret", ...shown(app))).stdout).toBe("x509@%\n");
  });
});

test("MAX_USER_CONNECTIONS holds", async () => {
  const release = await lockTable(server, "shop.stock");
  const busy = client("many", "secret", "SELECT COUNT(*) FROM shop.stock");
  await eventually(
    async () => {
      const [row] = await server.sql(
        "SELECT COUNT(*) AS n FROM information_schema.processlist WHERE user = 'many'",
      );
      return row?.["n"] === 1;
    },
    { what: "the first session" },
  );
  // By the worker that has the first session, or by the server.
  await eventually(async () => (await client("many", "secret", "SELECT 1")).code !== 0, {
    what: "the second session's refusal",
  });
  await release();
  expect((await busy).stdout).toBe("0\n");
  await eventually(async () => (await client("many", "secret", "SELECT 1")).stdout === "1\n", {
    what: "a place again",
  });
});

test("HAProxy's mysql-check, which takes its leave before it has been greeted, finds the service alive", async () => {
  const haproxy = await HaProxy.start(
    await lab.host("balancer"),
    `
defaults
  timeout connect 2s
  timeout client 10s
  timeout server 10s
backend checked
  mode tcp
  option mysql-check user haproxy post-41
  server rw ${proxy.address}:4006 check inter 200ms fall 1 rise 1
backend unknown
  mode tcp
  option mysql-check user nobody post-41
  server rw ${proxy.address}:4006 check inter 200ms fall 1 rise 1
`,
  );
  await eventually(
    async () => {
      const stats = (await haproxy.stats()).filter(({ svname }) => svname === "rw");
      const found = Object.fromEntries(stats.map(({ pxname = "", status = "" }) => [pxname, status]));
      if (found["checked"] !== "UP" || found["unknown"] !== "DOWN") throw new Error(JSON.stringify(stats));
      return true;
    },
    { what: "HAProxy's verdicts" },
  );
  await haproxy.stop();
});

test("failed logins are logged in bursts, without a password", async () => {
  for (const _ of [1, 2, 3]) await client("plain", "not-this-one", "SELECT 1");
  await eventually(
    () =>
      daemon.process.output.includes("login_failed") ||
      daemon.process.output.includes("failed: Access denied"),
    {
      what: "the log of a failed login",
    },
  );
  expect(daemon.process.output).not.toContain("not-this-one");
  const told = daemon.process.output.match(/"event":"login_failed"/g)?.length ?? 0;
  expect(told).toBeGreaterThan(0);
  // The first of each ten seconds, and then how many there were.
  const bursts = 1 + (performance.now() - startedAt) / 10_000;
  expect(told).toBeLessThanOrEqual(2 * bursts);
});
