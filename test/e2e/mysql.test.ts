import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../eventually.ts";
import { FleetDaemon } from "../lab/fleet-daemon.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { HAS_MYSQL, MySql } from "../lab/my-sql.ts";
import { runSluice, startSluice } from "../lab/sluice.ts";
import { agentSays } from "../support/agent-says.ts";

// A real MySQL 9: a primary and its replica by GTID, accounts with caching_sha2_password, which is all that it has.

setDefaultTimeout(60_000);

let lab: Lab;
let primary: MySql;
let replica: MySql;
let watcher: Host;

const PASSWORD = "Kept out of argv 1!";

const follow = async (server: MySql, source: MySql): Promise<void> => {
  await server.sql(
    `STOP REPLICA; CHANGE REPLICATION SOURCE TO SOURCE_HOST = '${source.address}', SOURCE_PORT = ${source.port}, SOURCE_USER = 'replication', SOURCE_PASSWORD = 'replication', SOURCE_SSL = 1, SOURCE_AUTO_POSITION = 1, SOURCE_CONNECT_RETRY = 1, SOURCE_HEARTBEAT_PERIOD = 0.5; START REPLICA`,
  );
};

/** The account that `sluice grants` asks for, made with its own SQL. */
const makeAccount = async (server: MySql, profile: string): Promise<void> => {
  const { stdout } = await runSluice(server.host, [
    "grants",
    ...["--profile", profile, "--account", "'sluice'@'%'"],
    ...["--socket", server.socketPath, "--user", "root"],
  ]);
  const sql = stdout.replace(/^--.*$/gm, "").replace("<password in quotes>", `'${PASSWORD}'`);
  for (const statement of sql.split(";").filter((text) => text.trim() !== "")) await server.sql(statement);
};

describe.skipIf(!HAS_MYSQL)("MySQL 9", () => {
  beforeAll(async () => {
    lab = await Lab.create({ name: "mysql" });
    const [one, two, third] = await Promise.all([lab.host("db1"), lab.host("db2"), lab.host("watcher")]);
    watcher = third;
    [primary, replica] = await Promise.all([
      MySql.start(one, { options: { server_id: 1 } }),
      MySql.start(two, { options: { server_id: 2 } }),
    ]);
    await primary.sql(
      "CREATE USER replication@'%' IDENTIFIED BY 'replication'; GRANT REPLICATION SLAVE ON *.* TO replication@'%'; CREATE DATABASE app; CREATE TABLE app.t (id INT PRIMARY KEY)",
    );
    await makeAccount(primary, "replica");
    // What it made itself while it was set up is not wanted twice.
    await replica.sql("RESET BINARY LOGS AND GTIDS");
    await follow(replica, primary);
  });

  afterAll(async () => {
    await lab.destroy();
  });

  describe("watched by its agent", () => {
    beforeAll(async () => {
      for (const { host, socketPath } of [primary, replica]) {
        host.write("/etc/sluice.password", `${PASSWORD}\n`, 0o600);
        const login = ["--socket", socketPath, "--user", "sluice", "--password-file", "/etc/sluice.password"];
        const args = ["agent", "--name", host.name, "--monitor-interval", "200ms", ...login];
        await startSluice(host, args, { ports: [9200] });
      }
    });

    test("a server that nothing replicates to takes reads and writes", async () => {
      expect(await agentSays(primary.host, "STANDALONE_HEALTHY")).toMatchObject({
        up: true,
        profile: "standalone",
      });
    });

    test("a replica is healthy, stops, and is broken in the server's own words", async () => {
      expect(await agentSays(replica.host, "REPLICA_HEALTHY")).toMatchObject({ profile: "replica" });
      await replica.sql("STOP REPLICA IO_THREAD");
      await agentSays(replica.host, "REPLICA_IO_STOPPED");
      await replica.sql("START REPLICA");
      await agentSays(replica.host, "REPLICA_HEALTHY");
      await replica.sql("SET sql_log_bin = 0; INSERT INTO app.t VALUES (1)");
      await primary.sql("INSERT INTO app.t VALUES (1)");
      const { sentence } = await agentSays(replica.host, "REPLICA_SQL_STOPPED");
      expect(sentence).toContain("error 1062: ");
      await replica.sql("SET sql_log_bin = 0; DELETE FROM app.t; START REPLICA");
      await agentSays(replica.host, "REPLICA_HEALTHY");
    });

    test("read-only, hung, killed and back", async () => {
      const takesWrites = async (): Promise<boolean> => (await primary.host.http("/primary")).status === 200;
      await eventually(takesWrites, { what: "a primary" });
      await primary.sql("SET GLOBAL super_read_only = 1");
      await eventually(async () => !(await takesWrites()), { what: "no primary while it is read-only" });
      await agentSays(primary.host, "STANDALONE_HEALTHY");
      await primary.sql("SET GLOBAL super_read_only = 0, GLOBAL read_only = 0");
      await eventually(takesWrites, { what: "a primary again" });
      await primary.hang();
      await agentSays(primary.host, ["PROBE_LOGIN_TIMEOUT", "PROBE_QUERY_TIMEOUT"]);
      await primary.resume();
      await agentSays(primary.host, "STANDALONE_HEALTHY");
      await primary.kill();
      await agentSays(primary.host, "PROBE_REFUSED");
      await primary.start();
      await agentSays(primary.host, "STANDALONE_HEALTHY");
    });

    test("explains itself, and finds nothing wrong with its own set-up", async () => {
      await agentSays(replica.host, "REPLICA_HEALTHY", { within: 30_000 });
      const { stdout } = await runSluice(replica.host, ["explain"]);
      expect(stdout).toContain("REPLICA_HEALTHY");
      const doctor = await runSluice(replica.host, ["doctor"], { mayFail: true });
      expect(doctor.stdout).not.toContain("privilege");
    });
  });

  describe("as a fleet", () => {
    let daemon: FleetDaemon;

    beforeAll(async () => {
      watcher.write("/etc/sluice.password", `${PASSWORD}\n`, 0o600);
      const servers = [primary, replica].map(
        ({ host, address, port }) =>
          `[${host.name}]\ntype = server\naddress = ${address}\nport = ${port}\nssl = true\n`,
      );
      daemon = await FleetDaemon.start(
        watcher,
        `${servers.join("\n")}
[fleet]
type = monitor
module = mariadbmon
servers = db1, db2
user = sluice
password_file = /etc/sluice.password
monitor_interval = 200ms
`,
      );
    });

    test("has a primary and a replica, and shows how far each is", async () => {
      await daemon.becomes({ db1: "Master, Running", db2: "Slave, Running" });
      const { stdout } = await daemon.command("list", "servers", "--json");
      expect(stdout).toMatch(/[0-9a-f]{8}-[0-9a-f-]{27}:\d/);
    });

    test("follows a promotion by hand, and never sees two primaries", async () => {
      const events = await daemon.eventsOf(async () => {
        await primary.kill();
        await daemon.becomes({ db1: "Down" });
        await replica.sql("STOP REPLICA; RESET REPLICA ALL");
        await daemon.becomes({ db2: "Master, Running" });
        await primary.start();
        await follow(primary, replica);
        await replica.sql(
          "CREATE USER IF NOT EXISTS replication@'%' IDENTIFIED BY 'replication'; GRANT REPLICATION SLAVE ON *.* TO replication@'%'",
        );
        await daemon.becomes({ db1: "Slave, Running", db2: "Master, Running" });
      });
      expect(events).toContain("db2 new_primary");
      expect(events).toContain("db1 new_replica");
    });
  });
});
