// Logins to a real MySQL 9, whose accounts have caching_sha2_password.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Connection, createConnection } from "mariadb";
import { changeServerUser } from "../../src/proxy/login/change-server-user.ts";
import { connectServer } from "../../src/proxy/login/connect-server.ts";
import type { SocketOwner } from "../../src/proxy/login/owned-socket.ts";
import { createTlsContext } from "../../src/proxy/tls/tls-context.ts";
import { SYSTEM_CLOCK } from "../../src/telemetry/clock.ts";
import type { Accounts } from "../../src/topology/accounts.ts";
import { faceOf } from "../../src/wire/service-face.ts";
import { Lab } from "../lab/lab.ts";
import { HAS_MYSQL, MySql } from "../lab/my-sql.ts";
import { LoginRelay } from "../support/login-relay.ts";
import { accountsOf } from "../support/root-accounts.ts";

const START_MS = 180_000;

let lab: Lab;
let server: MySql;
/** To the server in the clear, and over TLS. */
let relays: Readonly<Record<"clear" | "encrypted", LoginRelay>>;

const ACCOUNTS = [
  "CREATE DATABASE shop",
  "CREATE DATABASE other",
  "CREATE USER plain@'%' IDENTIFIED BY 'secret'",
  "GRANT ALL ON shop.* TO plain@'%'",
  "CREATE USER `empty`@'%' IDENTIFIED BY ''",
  "CREATE USER locked@'%' IDENTIFIED BY 'secret' ACCOUNT LOCK",
  "CREATE ROLE reader",
  "GRANT SELECT ON other.* TO reader",
  "CREATE USER roled@'%' IDENTIFIED BY 'secret' DEFAULT ROLE reader",
];

const read = (user = "root"): Promise<Accounts> => accountsOf(server, user);

describe.skipIf(!HAS_MYSQL)("MySQL", () => {
  beforeAll(async () => {
    lab = await Lab.create({ name: "login-mysql" });
    server = await MySql.start(await lab.host("db1"));
    for (const statement of ACCOUNTS) await server.sql(statement);
    const tls = createTlsContext({ fingerprint: "", verifyCertificate: false, verifyHost: false });
    const common = {
      endpoint: { kind: "tcp" as const, host: server.address, port: server.port },
      accounts: () => read(),
      version: "9.1.0",
    };
    relays = {
      clear: await LoginRelay.start(common),
      encrypted: await LoginRelay.start({ ...common, serverTls: tls }),
    };
  }, START_MS);
  afterAll(async () => {
    for (const relay of Object.values(relays ?? {})) relay.close();
    await lab?.destroy();
  });

  const open = async (
    relay: LoginRelay,
    user: string,
    password: string,
    database?: string,
  ): Promise<Connection> =>
    await createConnection({
      host: "127.0.0.1",
      port: relay.port,
      user,
      password,
      ...(database === undefined ? {} : { database }),
      allowPublicKeyRetrieval: true,
      connectTimeout: 10_000,
    });

  test.each([
    ["clear", "plain", "secret"],
    ["clear", "empty", ""],
    ["encrypted", "plain", "secret"],
    ["encrypted", "empty", ""],
  ] as const)("%s: %s logs in, the second time on the fast path", async (way, user, password) => {
    for (const _ of [1, 2]) {
      const connection = await open(relays[way], user, password);
      const [row] = await connection.query("SELECT CURRENT_USER() AS u");
      expect(row.u).toStartWith(`${user}@`);
      await connection.end();
    }
  });

  test.each([
    ["plain", "wrong", undefined, 1045],
    ["plain", "", undefined, 1045],
    ["locked", "secret", undefined, 3118],
    ["plain", "secret", "other", 1044],
    ["roled", "secret", "shop", 1044],
  ])("%s with %p in %p is refused with error %d", async (user, password, database, errno) => {
    const failure = await open(relays.encrypted, user, password, database).then(
      () => undefined,
      (error: { errno?: number }) => error.errno,
    );
    expect(failure).toBe(errno);
  });

  test("a default role lets an account into its databases", async () => {
    const connection = await open(relays.encrypted, "roled", "secret", "other");
    const [row] = await connection.query("SELECT DATABASE() AS d");
    expect(row.d).toBe("other");
    await connection.end();
  });

  test("accounts are read with least rights", async () => {
    await server.sql("CREATE USER least@localhost");
    const tables = ["user", "db", "tables_priv", "columns_priv", "procs_priv", "role_edges", "default_roles"];
    for (const table of tables) await server.sql(`GRANT SELECT ON mysql.${table} TO least@localhost`);
    const [some, all] = [await read("least"), await read()];
    expect({ ...some, readAt: 0 }).toEqual({ ...all, readAt: 0 });
    const roled = all.accounts.find(({ user }) => user === "roled");
    expect(roled?.defaultRoles).toEqual(["reader@%"]);
    expect(all.grants).toContainEqual({ user: "reader@%", host: "", database: "other", isPattern: true });
  });

  // The connector does not do it with MySQL: our own client's side against our own server's side, and that against MySQL.
  test("a user is changed, also to one whose password was not known", async () => {
    await server.sql("CREATE USER second@'%' IDENTIFIED BY 'other'");
    await server.sql("GRANT ALL ON shop.* TO second@'%'");
    const relay = relays.encrypted;
    const endpoint = { kind: "tcp" as const, host: "127.0.0.1", port: relay.port };
    const { capabilities } = faceOf(["9.1.0"]);
    const as = (user: string, password: string) => ({
      user,
      credential: { kind: "clear" as const, password: Buffer.from(password) },
      database: "shop",
      characterSet: 255,
      attributes: Buffer.alloc(0),
      deadlineMs: 10_000,
    });
    const asPlain = {
      ...as("plain", "secret"),
      capabilities,
      mariadbCapabilities: 0,
      maxPacket: 1 << 24,
      proxyHeader: Buffer.alloc(0),
      tls: undefined,
    };
    const first = await connectServer({ endpoint, userTimeoutMs: 0 }, 5000, asPlain, SYSTEM_CLOCK);
    if (first.kind !== "ok") throw new Error(JSON.stringify(first));
    const { socket } = first.server.handOver(IDLE);
    const change = { ...as("second", "other"), host: "127.0.0.1" };
    const second = await changeServerUser(socket, first.server, change, SYSTEM_CLOCK);
    expect(second.kind).toBe("ok");
    const sessions = await server.sql<{ user: string; db: string }>(
      "SELECT user, db FROM information_schema.processlist",
    );
    expect(sessions).toContainEqual({ user: "second", db: "shop" });
    const third = await changeServerUser(socket, first.server, { ...change, user: "plain" }, SYSTEM_CLOCK);
    expect(third).toMatchObject({ kind: "refused", error: { errno: 1045 } });
  });
});

const IDLE: SocketOwner = { data: () => {}, drain: () => {}, end: () => {}, close: () => {} };
