import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../eventually.ts";
import { HaProxy } from "../lab/ha-proxy.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { MariaDb } from "../lab/maria-db.ts";
import type { Process } from "../lab/process.ts";
import { type Replication, startReplication } from "../lab/replication.ts";
import { startSluice } from "../lab/sluice.ts";
import { agentSays } from "../support/agent-says.ts";
import { lockTable } from "../support/lock-table.ts";

// A primary and its replica by GTID, a second primary, and a proxy: what the agent says as each of the profiles.

const HOUR_S = 3600;

setDefaultTimeout(60_000);

let lab: Lab;
let replication: Replication;
let primary: MariaDb;
let replica: MariaDb;
let other: MariaDb;
let proxy: HaProxy;

beforeAll(async () => {
  lab = await Lab.create({ name: "replication-health" });
  const [started, third, proxyHost] = await Promise.all([
    startReplication(lab, { replicas: 1, prefix: "db" }),
    lab.host("other").then(
      async (host) =>
        await MariaDb.start(host, {
          hasBinlog: true,
          options: { server_id: 9, gtid_domain_id: 9 },
        }),
    ),
    lab.host("proxy"),
  ]);
  replication = started;
  primary = replication.primary;
  replica = replication.replicas[0] as MariaDb;
  other = third;
  await primary.sql(
    "CREATE USER mon@'%'; GRANT SLAVE MONITOR ON *.* TO mon@'%'; CREATE USER bare@'%'; CREATE DATABASE app; GRANT SELECT ON app.* TO bare@'%'; CREATE TABLE app.t (id INT PRIMARY KEY); CREATE TABLE app.flag (id INT PRIMARY KEY)",
  );
  await other.sql(
    "SET sql_log_bin = 0; CREATE USER replication@'%' IDENTIFIED BY 'replication'; GRANT REPLICATION SLAVE ON *.* TO replication@'%'",
  );
  await replication.untilCaughtUp(replica);
  proxy = await HaProxy.start(
    proxyHost,
    `defaults\n mode tcp\n retries 0\n timeout connect 1s\n timeout client 1m\n timeout server 1m\nlisten db\n bind :3307\n server replica ${replica.address}:3306`,
  );
});

afterAll(async () => {
  await lab.destroy();
});

/** An agent that looks five times a second; agents of one host differ in their port. */
async function startAgent(host: Host, port: number, flags: readonly string[]): Promise<Process> {
  const own = ["--runtime-dir", `/run/sluice-${port}`, "--state-dir", `${host.folder}/state-${port}`];
  const pace = ["--monitor-interval", "200ms"];
  const args = ["agent", "--name", host.name, "--http-port", String(port), ...own, ...pace, ...flags];
  return await startSluice(host, args, { ports: [port] });
}

const onSocket = (server: MariaDb, user = "mon"): string[] => ["--socket", server.socketPath, "--user", user];

/** The HTTP status of each endpoint. */
async function endpoints(host: Host, port = 9200): Promise<Record<string, number>> {
  const paths = ["/", "/primary", "/read-write", "/read-only", "/replica", "/replica?lag=5s", "/synced"];
  const answers = await Promise.all(paths.map(async (path) => (await host.http(path, { port })).status));
  return Object.fromEntries(paths.map((path, i) => [path, answers[i] ?? 0]));
}

/** Waits until the endpoint answers so, and returns the text. */
async function answers(host: Host, path: string, status: number, port = 9200): Promise<string> {
  return await eventually(
    async () => {
      const answer = await host.http(path, { port });
      if (answer.status !== status) throw new Error(`${answer.status} ${answer.body}`);
      return answer.body;
    },
    { what: `${host.name}:${port}${path} ${status}` },
  );
}

describe("profile auto", () => {
  beforeAll(async () => {
    await Promise.all([
      startAgent(primary.host, 9200, onSocket(primary)),
      startAgent(replica.host, 9200, [...onSocket(replica), "--max-replication-lag", "10s"]),
    ]);
  });

  test("takes a server that nothing replicates to for standalone: it takes reads and writes", async () => {
    expect(await agentSays(primary.host, "STANDALONE_HEALTHY")).toMatchObject({
      up: true,
      profile: "standalone",
    });
    expect(await endpoints(primary.host)).toEqual({
      "/": 200,
      "/primary": 200,
      "/read-write": 200,
      "/read-only": 200,
      "/replica": 503,
      "/replica?lag=5s": 503,
      "/synced": 503,
    });
  });

  test("takes a server that replicates for a replica: it takes reads", async () => {
    expect(await agentSays(replica.host, "REPLICA_HEALTHY")).toMatchObject({
      up: true,
      profile: "replica",
      role: "replica",
      sentence: "the replica replicates, 0 s behind",
    });
    expect(await endpoints(replica.host)).toEqual({
      "/": 200,
      "/primary": 503,
      "/read-write": 503,
      "/read-only": 200,
      "/replica": 200,
      "/replica?lag=5s": 200,
      "/synced": 503,
    });
  });

  test("a replica that stops replicating for good becomes a server on its own, and back", async () => {
    await replica.sql("STOP SLAVE; RESET SLAVE ALL");
    expect(await agentSays(replica.host, "STANDALONE_HEALTHY")).toMatchObject({ profile: "standalone" });
    await replication.follow(replica, primary);
    await agentSays(replica.host, "REPLICA_HEALTHY");
  });

  test("a server that does not answer keeps the profile it had", async () => {
    await replica.kill();
    expect(await agentSays(replica.host, "PROBE_REFUSED")).toMatchObject({ up: false, profile: "replica" });
    await replica.start();
    await replication.untilReplicating(replica);
    await agentSays(replica.host, "REPLICA_HEALTHY");
  });
});

describe("a replica", () => {
  test("IO thread stopped", async () => {
    await replica.sql("STOP SLAVE IO_THREAD");
    expect((await agentSays(replica.host, "REPLICA_IO_STOPPED")).sentence).toBe(
      "the replication IO thread does not run (No)",
    );
    expect(await endpoints(replica.host)).toMatchObject({
      "/": 503,
      "/replica": 503,
      "/replica?lag=5s": 503,
    });
    await replica.sql("START SLAVE");
    await agentSays(replica.host, "REPLICA_HEALTHY");
  });

  test("SQL thread stopped", async () => {
    await replica.sql("STOP SLAVE SQL_THREAD");
    expect((await agentSays(replica.host, "REPLICA_SQL_STOPPED")).sentence).toBe(
      "the replication SQL thread does not run (No)",
    );
    await replica.sql("START SLAVE");
    await agentSays(replica.host, "REPLICA_HEALTHY");
  });

  test("broken by a row that is there already: the server's own words", async () => {
    await replica.sql("SET sql_log_bin = 0; INSERT INTO app.t VALUES (1)");
    await primary.sql("INSERT INTO app.t VALUES (1)");
    const { sentence } = await agentSays(replica.host, "REPLICA_SQL_STOPPED");
    expect(sentence).toContain("error 1062: ");
    expect(sentence).toContain("Duplicate entry '1' for key 'PRIMARY'");
    await replica.sql("SET sql_log_bin = 0; DELETE FROM app.t; START SLAVE");
    await agentSays(replica.host, "REPLICA_HEALTHY");
  });

  test("an account of its primary that is wrong: the server's own words", async () => {
    await primary.sql("ALTER USER replication@'%' IDENTIFIED BY 'changed'");
    await replica.sql("STOP SLAVE; START SLAVE");
    // Stopped and not yet started again, and not yet refused, it does not run, either.
    await agentSays(replica.host, "REPLICA_IO_STOPPED", {
      sentence: /^the replication IO thread does not run \(\w+, error 1045: .*Access denied/,
    });
    await primary.sql("ALTER USER replication@'%' IDENTIFIED BY 'replication'");
    await replica.sql("STOP SLAVE; START SLAVE");
    await agentSays(replica.host, "REPLICA_HEALTHY");
  });

  test("behind: by the limit of the agent, and of the question", async () => {
    const release = await lockTable(replica, "app.t");
    // Written an hour ago, says the primary: the lag is there at once.
    await primary.sql(`SET timestamp = UNIX_TIMESTAMP() - ${HOUR_S}; INSERT INTO app.t VALUES (2)`);
    const { sentence } = await agentSays(replica.host, "REPLICA_LAGGING");
    expect(sentence).toMatch(/^the replica is 36\d\d s behind, 10 s are allowed$/);
    expect(await endpoints(replica.host)).toMatchObject({
      "/": 503,
      "/replica": 503,
      "/replica?lag=5s": 503,
    });
    expect((await replica.host.http("/replica?lag=2h")).status).toBe(200);
    await release();
    await replica.sql("SELECT 1");
    await agentSays(replica.host, "REPLICA_HEALTHY", { within: 30_000 });
  });

  test("its primary hangs: it does not know how far it is behind, and says so", async () => {
    await primary.hang();
    try {
      // The first attempt to connect again is under way: no error yet, and no lag either.
      expect((await agentSays(replica.host, "REPLICA_LAG_UNKNOWN")).sentence).toBe(
        "the replica does not know how far it is behind",
      );
      // It has failed: now there is a reason.
      expect((await agentSays(replica.host, "REPLICA_IO_STOPPED")).sentence).toContain("Connecting, error ");
    } finally {
      await primary.resume();
    }
    await agentSays(primary.host, "STANDALONE_HEALTHY");
    await agentSays(replica.host, "REPLICA_HEALTHY", { within: 30_000 });
  });

  test("read-only is as it should be, and takes no writes", async () => {
    await replica.sql("SET GLOBAL read_only = ON");
    await eventually(async () => /"read_only":\s*true/.test((await replica.host.http("/status")).body));
    expect(await endpoints(replica.host)).toMatchObject({
      "/": 200,
      "/primary": 503,
      "/read-only": 200,
      "/replica": 200,
    });
    await replica.sql("SET GLOBAL read_only = OFF");
  });

  test("of two primaries: every channel counts, and the one at fault is named", async () => {
    await replication.follow(replica, other, "second");
    await agentSays(replica.host, "REPLICA_HEALTHY");
    await replica.sql("STOP SLAVE 'second' SQL_THREAD");
    expect((await agentSays(replica.host, "REPLICA_SQL_STOPPED")).sentence).toBe(
      "the replication SQL thread does not run (No) on channel second",
    );
    await replica.sql("STOP SLAVE 'second'; RESET SLAVE 'second' ALL");
    await agentSays(replica.host, "REPLICA_HEALTHY");
  });
});

describe("a primary that is read-only", () => {
  test("is no primary", async () => {
    await primary.sql("SET GLOBAL read_only = ON");
    expect(await answers(primary.host, "/primary", 503)).toContain("read_only is ON: it takes no writes");
    expect(await endpoints(primary.host)).toMatchObject({ "/": 200, "/read-write": 503, "/read-only": 200 });
    await primary.sql("SET GLOBAL read_only = OFF");
    await answers(primary.host, "/primary", 200);
  });
});

describe("an account that may not ask for the replication status", () => {
  test("cannot be told a replica from a server on its own: it never answers for a primary", async () => {
    await startAgent(primary.host, 9210, onSocket(primary, "bare"));
    await agentSays(primary.host, "STANDALONE_HEALTHY", { port: 9210 });
    const { status, body } = await primary.host.http("/primary", { port: 9210 });
    expect({ status, body }).toEqual({
      status: 503,
      body: expect.stringContaining("so it may be a replica"),
    });
  });

  test("is no account for the profile replica", async () => {
    await startAgent(replica.host, 9210, [...onSocket(replica, "bare"), "--profile", "replica"]);
    await agentSays(replica.host, "PROBE_PRIVILEGE_MISSING", { port: 9210 });
  });
});

describe("profile standalone", () => {
  const query = ["--profile", "standalone", "--check-query", "SELECT id FROM app.flag"];

  test("its query must bring a row", async () => {
    await startAgent(primary.host, 9220, [...onSocket(primary, "bare"), ...query]);
    expect((await agentSays(primary.host, "NO_ROWS", { port: 9220 })).sentence).toBe(
      "the check query brought no row",
    );
    await primary.sql("INSERT INTO app.flag VALUES (1)");
    await agentSays(primary.host, "STANDALONE_HEALTHY", { port: 9220 });
  });

  test("a query that waits for a lock ends at the deadline", async () => {
    const release = await lockTable(primary, "app.flag");
    await agentSays(primary.host, "PROBE_QUERY_TIMEOUT", { port: 9220 });
    await release();
    await agentSays(primary.host, "STANDALONE_HEALTHY", { port: 9220 });
  });

  test("a query that is wrong: the server's own words", async () => {
    await startAgent(primary.host, 9230, [
      ...onSocket(primary),
      "--profile",
      "standalone",
      "--check-query",
      "SELECT 1 FROM app.gone",
    ]);
    const { sentence } = await agentSays(primary.host, ["PROBE_QUERY_FAILED", "PROBE_PRIVILEGE_MISSING"], {
      port: 9230,
    });
    expect(sentence).toMatch(/error 11\d\d: .*app/);
  });
});

describe("profile connector", () => {
  const throughProxy = ["--host", "proxy", "--port", "3307", "--user", "mon", "--profile", "connector"];

  test("is up while the proxy passes queries through, and names the server behind it", async () => {
    await startAgent(proxy.host, 9200, throughProxy);
    expect(await agentSays(proxy.host, "CONNECTOR_HEALTHY")).toMatchObject({
      up: true,
      role: "connector",
      sentence: "the connector passes queries through to db2",
    });
    expect((await proxy.host.http("/primary")).status).toBe(200);
  });

  test("the server behind it dies, and comes back", async () => {
    await replica.kill();
    await agentSays(proxy.host, "PROBE_CONNECTION_LOST");
    await replica.start();
    await agentSays(proxy.host, "CONNECTOR_HEALTHY");
  });

  test("the proxy itself is gone", async () => {
    await proxy.stop();
    await agentSays(proxy.host, "PROBE_REFUSED");
  });
});
