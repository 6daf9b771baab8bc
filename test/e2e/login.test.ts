// Logins through our own protocol code, with real clients and a real server.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect as connectTcp } from "node:net";
import { createConnection } from "mariadb";
import { connectServer } from "../../src/proxy/login/connect-server.ts";
import { SYSTEM_CLOCK } from "../../src/telemetry/clock.ts";
import type { Accounts } from "../../src/topology/accounts.ts";
import { matchAccount } from "../../src/topology/match-account.ts";
import { writeProxyHeader } from "../../src/wire/proxy-header.ts";
import { faceOf } from "../../src/wire/service-face.ts";
import { Lab } from "../lab/lab.ts";
import { MariaDb } from "../lab/maria-db.ts";
import { type RunResult, run } from "../lab/run.ts";
import { mariadbClient } from "../support/command-line-client.ts";
import { LoginRelay } from "../support/login-relay.ts";
import { accountsOf } from "../support/root-accounts.ts";

const START_MS = 120_000;
const VERSION = "10.11.19-MariaDB";

let lab: Lab;
let server: MariaDb;
let relay: LoginRelay;

const readFrom = (user = "root"): Promise<Accounts> => accountsOf(server, user);

beforeAll(async () => {
  lab = await Lab.create({ name: "login" });
  server = await MariaDb.start(await lab.host("db1"), { options: { plugin_load_add: "auth_ed25519" } });
  for (const statement of ACCOUNTS) await server.sql(statement);
  relay = await LoginRelay.start({
    endpoint: { kind: "tcp", host: server.address, port: server.port },
    accounts: () => readFrom(),
    version: VERSION,
  });
}, START_MS);
afterAll(async () => {
  relay?.close();
  await lab?.destroy();
});

const ACCOUNTS = [
  "CREATE DATABASE shop",
  "CREATE DATABASE other",
  "CREATE USER plain@'%' IDENTIFIED BY 'secret'",
  "GRANT ALL ON shop.* TO plain@'%'",
  "CREATE USER empty@'%'",
  "CREATE USER signed@'%' IDENTIFIED VIA ed25519 USING PASSWORD('s1gned')",
  "GRANT SELECT ON `sh_p`.* TO signed@'%'",
  "CREATE USER either@'%' IDENTIFIED VIA unix_socket OR ed25519 USING PASSWORD('first') OR mysql_native_password USING PASSWORD('second')",
  "CREATE USER locked@'%' IDENTIFIED BY 'secret' ACCOUNT LOCK",
  "CREATE USER expired@'%' IDENTIFIED BY 'secret' PASSWORD EXPIRE",
  "CREATE USER encrypted@'%' IDENTIFIED BY 'secret' REQUIRE SSL",
  "CREATE USER os@'%' IDENTIFIED VIA unix_socket",
  "CREATE ROLE reader",
  "GRANT SELECT ON other.* TO reader",
  "CREATE USER roled@'%' IDENTIFIED BY 'secret'",
  "GRANT reader TO roled@'%'",
  "SET DEFAULT ROLE reader FOR roled@'%'",
];

const client = (
  user: string,
  password: string,
  sql: string,
  ...more: readonly string[]
): Promise<RunResult> =>
  mariadbClient({ address: "127.0.0.1", port: relay.port, run: run }, user, password, sql, ...more);

describe("the mariadb client", () => {
  test("logs in with its password, and the server knows it by its name", async () => {
    const { stdout, stderr } = await client("plain", "secret", "SELECT USER(), DATABASE()", "shop");
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^plain@\S+\tshop\n$/);
  });

  test.each([
    ["empty", ""],
    ["signed", "s1gned"],
    ["either", "first"],
    ["either", "second"],
    ["roled", "secret"],
  ])("%s logs in with %p", async (user, password) => {
    const { stdout, stderr } = await client(user, password, "SELECT 1");
    expect(stderr).toBe("");
    expect(stdout).toBe("1\n");
  });

  test.each([
    ["plain", "wrong", 1045, "using password: YES"],
    ["plain", "", 1045, "using password: NO"],
    ["empty", "wrong", 1045, "using password: YES"],
    ["signed", "wrong", 1045, "using password: YES"],
    ["nobody", "secret", 1045, "Access denied"],
    ["locked", "secret", 4151, "locked"],
    ["encrypted", "secret", 1045, "Access denied"],
    ["os", "", 1698, "Access denied"],
  ])("%s with %p is refused with error %d", async (user, password, errno, words) => {
    const { stderr } = await client(user, password, "SELECT 1");
    expect(stderr).toContain(`ERROR ${errno}`);
    expect(stderr).toContain(words);
  });

  test.each([
    ["plain", "secret", "other", 1044],
    ["plain", "secret", "shop", undefined],
    ["signed", "s1gned", "shop", undefined],
    ["roled", "secret", "other", undefined],
    ["roled", "secret", "shop", 1044],
    ["plain", "secret", "information_schema", undefined],
  ])("%s begins in its databases only", async (user, password, database, errno) => {
    const { stdout, stderr } = await client(user, password, "SELECT DATABASE()", database);
    if (errno === undefined) expect(stdout).toBe(`${database}\n`);
    else expect(stderr).toContain(`ERROR ${errno}`);
  });

  test("an account made a moment ago is known", async () => {
    await server.sql("CREATE USER fresh@'%' IDENTIFIED BY 'secret'");
    const { stdout, stderr } = await client("fresh", "secret", "SELECT 1");
    expect(stderr).toBe("");
    expect(stdout).toBe("1\n");
    await server.sql("ALTER USER fresh@'%' IDENTIFIED BY 'other'");
    expect((await client("fresh", "other", "SELECT 1")).stdout).toBe("1\n");
    expect((await client("fresh", "secret", "SELECT 1")).stderr).toContain("ERROR 1045");
  });
});

describe("the mariadb connector", () => {
  const open = (user: string, password: string, database: string) =>
    createConnection({
      host: "127.0.0.1",
      port: relay.port,
      user,
      password,
      database,
      connectTimeout: 10_000,
      allowPublicKeyRetrieval: true,
    });

  test("logs in, and changes its user", async () => {
    const connection = await open("plain", "secret", "shop");
    const user = async () => String((await connection.query("SELECT CURRENT_USER() AS u"))[0].u);
    expect(await user()).toBe("plain@%");
    await connection.changeUser({ user: "signed", password: "s1gned", database: "shop" });
    expect(await user()).toBe("signed@%");
    await connection.changeUser({ user: "plain", password: "secret", database: "shop" });
    expect(await user()).toBe("plain@%");
    await connection.end();
  });
});

test("of several accounts the one is taken that the server takes", async () => {
  const [a, b, c, d] = lab.address.split(".");
  const hosts = [
    "%",
    `${a}.%`,
    `${a}.${b}.%`,
    `${a}.${b}.%.%`,
    `${a}.${b}.${c}.%`,
    `${a}.${b}.${c}._`,
    `${a}.${b}.___.${d}`,
    `%.${d}`,
    "1%",
    `${a}.${b}.0.0/255.255.0.0`,
    `${a}.0.0.0/255.0.0.0`,
    lab.address,
    "192.0.2.1",
    "localhost",
    "db_.%",
  ];
  for (const host of hosts) await server.sql(`CREATE USER who@'${host}'`);
  for (const host of [`${a}.${b}.${c}.${d}`, `${a}.%`, "%"]) await server.sql(`CREATE USER ''@'${host}'`);
  const taken: string[] = [];
  for (;;) {
    const accounts = await readFrom();
    const account = matchAccount(accounts, "who", { address: lab.address, name: undefined });
    const byServer = await currentUser("who");
    expect(account && `${account.user}@${account.host}`).toBe(byServer);
    if (account === undefined) break;
    taken.push(account.host);
    await server.sql(`DROP USER '${account.user}'@'${account.host}'`);
  }
  expect(taken.length).toBeGreaterThan(12);
  for (const host of ["192.0.2.1", "localhost", "db_.%"]) await server.sql(`DROP USER who@'${host}'`);
});

/** What the server itself takes an account without a password for; undefined: it lets nobody in. */
async function currentUser(user: string): Promise<string | undefined> {
  try {
    const connection = await createConnection({ host: server.address, port: server.port, user });
    const [row] = await connection.query("SELECT CURRENT_USER() AS u");
    await connection.end();
    return String(row.u);
  } catch {
    return undefined;
  }
}

describe("what is read", () => {
  const MADE = [
    "CREATE USER x1@'10.0.0.0/255.0.0.0' IDENTIFIED BY 'a' REQUIRE SUBJECT '/CN=a' AND ISSUER '/CN=b' AND CIPHER 'C' WITH MAX_USER_CONNECTIONS 7",
    "CREATE USER x2@'%' IDENTIFIED BY 'a' REQUIRE X509",
    "CREATE USER x3@'%' REQUIRE SSL",
    "CREATE USER x4@'%' IDENTIFIED BY 'a' PASSWORD EXPIRE INTERVAL 1 DAY",
    "CREATE USER x5@'%' IDENTIFIED BY 'a'",
    "GRANT SELECT ON *.* TO x5@'%'",
    "GRANT SHOW DATABASES, SUPER ON *.* TO x4@'%'",
    "CREATE ROLE inner_role",
    "GRANT SELECT (a) ON shop.t TO inner_role",
    "GRANT inner_role TO reader",
  ];
  const find = ({ accounts }: Accounts, user: string) => accounts.find((account) => account.user === user);

  test("is what was made", async () => {
    await server.sql("CREATE TABLE shop.t (a INT)");
    for (const statement of MADE) await server.sql(statement);
    await server.sql(
      "UPDATE mysql.global_priv SET Priv = JSON_SET(Priv, '$.password_last_changed', UNIX_TIMESTAMP() - 200000) WHERE User = 'x4'",
    );
    const read = await readFrom();
    expect(find(read, "x1")).toEqual({
      user: "x1",
      host: "10.0.0.0/255.0.0.0",
      methods: [
        {
          plugin: "mysql_native_password",
          authentication: Buffer.from("*667F407DE7C6AD07358FA38DAED7828A72014B4E").toString("hex"),
        },
      ],
      isLocked: false,
      isExpired: false,
      tls: { kind: "specified", cipher: "C", issuer: "/CN=b", subject: "/CN=a" },
      maxUserConnections: 7,
      mayUseAll: false,
      defaultRoles: [],
    });
    expect(find(read, "x2")?.tls).toEqual({ kind: "x509" });
    expect(find(read, "x3")).toMatchObject({ tls: { kind: "any" }, methods: [{ authentication: "" }] });
    expect(find(read, "x4")).toMatchObject({ isExpired: true, mayUseAll: false });
    expect(find(read, "x5")).toMatchObject({ isExpired: false, mayUseAll: true });
    expect(find(read, "roled")?.defaultRoles).toEqual(["reader"]);
    expect(find(read, "locked")?.isLocked).toBe(true);
    expect(find(read, "either")?.methods.map(({ plugin }) => plugin)).toEqual([
      "unix_socket",
      "ed25519",
      "mysql_native_password",
    ]);
    expect(read.roles).toContainEqual({ name: "reader", mayUseAll: false, grants: ["inner_role"] });
    expect(read.grants).toContainEqual({ user: "inner_role", host: "", database: "shop", isPattern: false });
    expect(find(read, "reader")).toBeUndefined();
  });

  test("with mysql.user alone is less, and enough for most", async () => {
    await server.sql("CREATE USER old_rights@localhost");
    for (const table of ["user", "db", "tables_priv", "columns_priv", "procs_priv", "roles_mapping"])
      await server.sql(`GRANT SELECT ON mysql.${table} TO old_rights@localhost`);
    const read = await readFrom("old_rights");
    const all = await readFrom();
    expect(read.accounts.map(({ user, host }) => [user, host])).toEqual(
      all.accounts.map(({ user, host }) => [user, host]),
    );
    expect(read.grants).toEqual(all.grants);
    expect(find(read, "x1")).toEqual(find(all, "x1"));
    expect(find(read, "expired")?.isExpired).toBe(true);
    expect(find(read, "roled")?.defaultRoles).toEqual(["reader"]);
  });

  test("is nothing where it may not be read, and the reason is told", async () => {
    await server.sql("CREATE USER no_rights@localhost");
    await expect(readFrom("no_rights")).rejects.toThrow("SELECT command denied");
  });
});

describe("hosts", () => {
  const endpoint = () => ({ kind: "tcp" as const, host: server.address, port: server.port });
  const loginTo = async (port: number, password: string, proxyHeader: Buffer = Buffer.alloc(0)) => {
    const { capabilities, mariadbCapabilities } = faceOf([VERSION]);
    const outcome = await connectServer(
      { endpoint: { kind: "tcp", host: "127.0.0.1", port }, userTimeoutMs: 0 },
      5000,
      {
        user: "plain",
        credential: { kind: "clear", password: Buffer.from(password) },
        database: undefined,
        characterSet: 45,
        attributes: Buffer.alloc(0),
        maxPacket: 1 << 24,
        capabilities,
        mariadbCapabilities,
        proxyHeader,
        tls: undefined,
        deadlineMs: 10_000,
      },
      SYSTEM_CLOCK,
    );
    if (outcome.kind === "ok") outcome.server.handOver(NOBODY).socket.terminate();
    return outcome;
  };

  test("a proxy may say for whom it speaks, by either version", async () => {
    const proxied = await LoginRelay.start({
      endpoint: endpoint(),
      accounts: () => readFrom(),
      version: VERSION,
      mayBeProxied: true,
    });
    const route = {
      source: { address: "203.0.113.9", port: 4711 },
      destination: { address: "127.0.0.1", port: 4006 },
    };
    for (const version of ["v1", "v2"] as const) {
      const header = writeProxyHeader(version, route);
      expect((await loginTo(proxied.port, "secret", header)).kind).toBe("ok");
      const refused = await loginTo(proxied.port, "wrong", header);
      expect(refused).toMatchObject({ kind: "refused", error: { errno: 1045 } });
      expect(JSON.stringify(refused)).toContain("'plain'@'203.0.113.9'");
    }
    expect((await loginTo(proxied.port, "secret")).kind).toBe("ok");
    const health = await loginTo(proxied.port, "secret", writeProxyHeader("v2", undefined));
    expect(health.kind).toBe("ok");
    proxied.close();
  });

  test("one that guesses is turned away after a while", async () => {
    const strict = await LoginRelay.start({
      endpoint: endpoint(),
      accounts: () => readFrom(),
      version: VERSION,
      maxFailures: 3,
    });
    for (let i = 0; i < 3; i++)
      expect(await loginTo(strict.port, "wrong")).toMatchObject({ error: { errno: 1045 } });
    expect(await loginTo(strict.port, "secret")).toMatchObject({ kind: "refused", error: { errno: 1129 } });
    strict.close();
  });

  test("one that says nothing is told so at the deadline", async () => {
    const hasty = await LoginRelay.start({
      endpoint: endpoint(),
      accounts: () => readFrom(),
      version: VERSION,
      deadlineMs: 100,
    });
    const socket = connectTcp(hasty.port, "127.0.0.1");
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString("latin1")).toContain("Got timeout");
    expect(hasty.failures).toMatchObject([{ reason: "no answer within 100 ms" }]);
    hasty.close();
  });
});

const NOBODY = { data: () => {}, drain: () => {}, end: () => {}, close: () => {} };

describe("unusual clients", () => {
  test("one that pipelines its login and its farewell is answered", async () => {
    // HAProxy's mysql-check: an empty password, then COM_QUIT, before the greeting has been read.
    const socket = connectTcp(relay.port, "127.0.0.1");
    const body = Buffer.alloc(32 + 6 + 1);
    body.writeUInt32LE(0x8200, 0);
    body.writeUInt32LE(1 << 24, 4);
    body[8] = 33;
    body.write("empty\0", 32);
    const head = Buffer.alloc(4);
    head.writeUIntLE(body.length, 0, 3);
    head[3] = 1;
    socket.write(Buffer.concat([head, body, Buffer.from([1, 0, 0, 0, 1])]));
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    const all = Buffer.concat(chunks);
    const greetingEnd = 4 + all.readUIntLE(0, 3);
    expect(all[4]).toBe(10);
    expect(all[greetingEnd + 3]).toBe(2);
    expect(all[greetingEnd + 4]).toBe(0);
  });

  test("garbage ends its own connection", async () => {
    const socket = connectTcp(relay.port, "127.0.0.1");
    socket.write("GET / HTTP/1.0\r\n\r\n");
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString("latin1")).toContain("Bad handshake");
  });
});
