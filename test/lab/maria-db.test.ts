import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createConnection } from "mariadb";
import type { Host } from "./host.ts";
import { Lab } from "./lab.ts";
import { MariaDb } from "./maria-db.ts";

let lab: Lab;
let host: Host;
let server: MariaDb;

beforeAll(async () => {
  lab = await Lab.create({ name: "mariadb" });
  host = await lab.host("db1");
  server = await MariaDb.start(host, { hasBinlog: true, hasTls: true, options: { max_connections: 50 } });
});
afterAll(async () => {
  await lab.destroy();
});

describe("a standalone server", () => {
  test("runs as mysql with the options it was given and no accounts but root's", async () => {
    expect(readFileSync(`/proc/${server.pid}/status`, "utf8")).not.toMatch(/^Uid:\s0/m);
    expect(await server.sql("SELECT User, Host FROM mysql.user WHERE User <> 'mariadb.sys'")).toEqual([
      { User: "root", Host: "localhost" },
    ]);
    expect(await server.variable("max_connections")).toBe("50");
    expect(await server.variable("log_bin")).toBe("ON");
    expect(await server.variable("hostname")).toBe("db1");
    expect(await server.sql("DO 1")).toEqual([]);
  });

  test("is reached over the network, by TLS with its authority and name checked", async () => {
    await server.sql("CREATE USER app@'%' IDENTIFIED BY 'secret'");
    const { authority } = await lab.certificate("client");
    const ca = readFileSync(authority, "utf8");
    const connection = await createConnection({
      host: host.address6,
      user: "app",
      password: "secret",
      ssl: { ca },
    });
    const [row] = await connection.query<{ Value: string }[]>("SHOW STATUS LIKE 'Ssl_version'");
    await connection.end();
    expect(row?.Value).toBe("TLSv1.3");
  });

  test("keeps its data through stop, kill and restart", async () => {
    await server.sql(
      "CREATE DATABASE kept; CREATE TABLE kept.t (a INT) ENGINE=InnoDB; INSERT INTO kept.t VALUES (1)",
    );
    await server.restart();
    await server.sql("INSERT INTO kept.t VALUES (2)");
    await server.kill();
    expect(server.isRunning).toBe(false);
    await expect(server.sql("SELECT 1", 1_000)).rejects.toThrow();
    await expect(server.stop()).rejects.toThrow("MariaDB on db1:3306 is not running");
    await server.start();
    expect(await server.sql("SELECT a FROM kept.t ORDER BY a")).toEqual([{ a: 1 }, { a: 2 }]);
  });

  test("hung, it accepts and says nothing, until it is resumed", async () => {
    await server.hang();
    await expect(server.sql("SELECT 1", 300)).rejects.toThrow();
    expect(host.isListening(3306)).toBe(true);
    await server.resume();
    expect(await server.sql("SELECT 1 AS one")).toEqual([{ one: 1 }]);
  });

  test("that is full or slow still takes SQL from the lab, by the deadline", async () => {
    await expect(server.sql("SELECT SLEEP(5)", 200)).rejects.toThrow('SQL "SELECT SLEEP(5)"');
    await server.sql("SET GLOBAL max_connections = 10");
    const open = { host: host.address, user: "app", password: "secret" };
    const many = await Promise.allSettled(
      Array.from({ length: 12 }, async () => await createConnection(open)),
    );
    expect(many.some((one) => one.status === "rejected")).toBe(true);
    expect(await server.sql("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    await Promise.all(many.map(async (one) => one.status === "fulfilled" && (await one.value.end())));
  });

  test("that cannot start says why", async () => {
    const broken = await MariaDb.create(await lab.host("broken"), { options: { no_such_option: 1 } });
    await expect(broken.start()).rejects.toThrow("unknown variable 'no_such_option=1'");
  });

  test("has room for a second one beside it", async () => {
    const second = await MariaDb.start(host, { port: 3307 });
    expect(await second.variable("port")).toBe("3307");
    await second.stop();
  });
});
