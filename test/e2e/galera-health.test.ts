import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { eventually } from "../eventually.ts";
import { type Galera, startGalera } from "../lab/galera.ts";
import { Lab } from "../lab/lab.ts";
import type { MariaDb } from "../lab/maria-db.ts";
import { runSluice, startSluice } from "../lab/sluice.ts";
import { type AgentStatus, agentSays } from "../support/agent-says.ts";

// A real Galera node in every state a balancer can meet, and what the agent on its host says of it.

// One agent for each donor policy on the second node: they differ in nothing else.
const POLICY_PORTS = { never: 9200, nonblocking: 9210, always: 9220 } as const;
const CHECK_TIMEOUT_MS = 500;
const PASSWORD = "Kept out of argv 1!";

let lab: Lab;
let galera: Galera;
let one: MariaDb;
let two: MariaDb;
let three: MariaDb;

beforeAll(async () => {
  lab = await Lab.create({ name: "galera-health" });
  galera = await startGalera(lab);
  [one, two, three] = galera.nodes as [MariaDb, MariaDb, MariaDb];
  await one.sql(
    `CREATE USER sluice@localhost IDENTIFIED BY '${PASSWORD}'; CREATE USER filler@localhost; CREATE DATABASE app; CREATE TABLE app.t (a INT PRIMARY KEY)`,
  );
  await Promise.all([
    ...Object.entries(POLICY_PORTS).map(([policy, port]) => startAgent(two, policy, port)),
    startAgent(three, "never", 9200),
  ]);
}, 120_000);

afterAll(async () => {
  await lab.destroy();
});

async function startAgent(node: MariaDb, policy: string, port: number): Promise<void> {
  const { host } = node;
  const passwordFile = `${host.folder}/sluice.password`;
  writeFileSync(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
  const account = ["--socket", node.socketPath, "--user", "sluice", "--password-file", passwordFile];
  const health = [
    "--available-when-donor",
    policy,
    "--check-timeout",
    `${CHECK_TIMEOUT_MS}ms`,
    "--monitor-interval",
    "200ms",
    "--busy-grace",
    "2s",
  ];
  const places = [
    "--http-port",
    String(port),
    "--runtime-dir",
    `/run/sluice-${port}`,
    "--state-dir",
    `${host.folder}/state-${port}`,
  ];
  const files = ["--disable-files", `${host.folder}/off`];
  await startSluice(host, ["agent", "--name", host.name, ...account, ...health, ...places, ...files], {
    ports: [port],
  });
  await says(node, "GALERA_SYNCED", { port });
}

const says = async (
  node: MariaDb,
  code: string,
  { port = 9200, within = 10_000 } = {},
): Promise<AgentStatus> => await agentSays(node.host, code, { port, within });

describe("a Galera node", () => {
  test("synced", async () => {
    expect(await says(two, "GALERA_SYNCED")).toMatchObject({
      up: true,
      role: "synced",
      sentence: "the Galera node is synced",
    });
    expect((await two.host.http("/synced")).status).toBe(200);
    expect((await two.host.http("/primary")).status).toBe(200);
    expect((await two.host.http("/donor")).status).toBe(503);
    expect((await two.host.http("/replica")).status).toBe(503);
  });

  test("donor or desynced, under each policy", async () => {
    await galera.desync(two);
    expect(await says(two, "GALERA_DONOR", { port: POLICY_PORTS.never })).toMatchObject({
      up: false,
      role: "donor",
    });
    // The lab's nodes transfer by rsync, which blocks the donor.
    expect(await says(two, "GALERA_DONOR", { port: POLICY_PORTS.nonblocking })).toMatchObject({ up: false });
    expect(await says(two, "GALERA_DONOR_ACCEPTED", { port: POLICY_PORTS.always })).toMatchObject({
      up: true,
      role: "donor",
    });
    expect((await two.host.http("/donor")).status).toBe(200);
    await two.sql("SET GLOBAL wsrep_sst_method=mariabackup");
    expect(await says(two, "GALERA_DONOR_ACCEPTED", { port: POLICY_PORTS.nonblocking })).toMatchObject({
      up: true,
    });
    await two.sql("SET GLOBAL wsrep_sst_method=rsync");
    await galera.desync(two, false);
    await says(two, "GALERA_SYNCED");
  });

  test("read-only", async () => {
    await two.sql("SET GLOBAL read_only=ON");
    expect((await says(two, "GALERA_READ_ONLY")).sentence).toBe("read_only is ON: the node is read-only");
    expect((await two.host.http("/read-only")).status).toBe(200);
    expect((await two.host.http("/read-write")).status).toBe(503);
    await two.sql("SET GLOBAL read_only=OFF");
    await says(two, "GALERA_SYNCED");
  });

  test("rejecting queries", async () => {
    await two.sql("SET GLOBAL wsrep_reject_queries='ALL'");
    expect((await says(two, "GALERA_REJECTS_QUERIES")).sentence).toBe(
      "wsrep_reject_queries is ALL: the node answers no query",
    );
    await two.sql("SET GLOBAL wsrep_reject_queries='NONE'");
    await says(two, "GALERA_SYNCED");
  });

  test("cut off from its cluster", async () => {
    await two.host.cut();
    const inside = async (path: string): Promise<string> =>
      (await two.host.run(["curl", "-s", "-m", "2", `http://127.0.0.1:9200${path}`])).stdout;
    await eventually(
      async () => (JSON.parse(await inside("/status")) as AgentStatus).code === "GALERA_NON_PRIMARY",
      {
        within: 20_000,
        what: "non-Primary",
      },
    );
    expect(await inside("/")).toContain("not in the primary component");
    await two.host.restore();
    await galera.untilSettled();
    await says(two, "GALERA_SYNCED", { within: 30_000 });
  }, 60_000);

  test("killed, and back", async () => {
    await three.kill();
    const { code } = await eventually(
      async () => {
        const status = JSON.parse((await three.host.http("/status")).body) as AgentStatus;
        return !status.up && status;
      },
      { within: 2000, what: "down after kill -9" },
    );
    expect(["PROBE_REFUSED", "PROBE_SOCKET_MISSING", "PROBE_CONNECTION_LOST"]).toContain(code);
    await galera.rejoin(three);
    await says(three, "GALERA_SYNCED");
  }, 60_000);

  test("joining with an empty node: down until it is synced", async () => {
    await three.kill();
    await says(three, "PROBE_REFUSED");
    let wasUpTooEarly = false;
    let isDone = false;
    const watching = (async () => {
      while (!isDone) {
        const isUp = (await three.host.http("/")).status === 200;
        if (isUp && (await three.status("wsrep_local_state")) !== "4") wasUpTooEarly = true;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    await galera.rejoin(three, { needsEverything: true });
    isDone = true;
    await watching;
    expect(wasUpTooEarly).toBe(false);
    await says(three, "GALERA_SYNCED");
  }, 90_000);

  test("hung: the verdict says so, and the server is back at once when it goes on", async () => {
    await two.hang();
    const status = await eventually(
      async () => {
        const found = JSON.parse((await two.host.http("/status")).body) as AgentStatus;
        return /TIMEOUT/.test(found.code) && found;
      },
      { within: CHECK_TIMEOUT_MS + 2000, what: "hung" },
    );
    expect(status.sentence).toContain(`within ${CHECK_TIMEOUT_MS} ms: it hangs`);
    await two.resume();
    await galera.untilSettled();
    await says(two, "GALERA_SYNCED", { within: 30_000 });
  }, 60_000);

  test("wrong password", async () => {
    await two.sql("ALTER USER sluice@localhost IDENTIFIED BY 'another'");
    await killSessions(two);
    expect((await says(two, "PROBE_AUTH_DENIED")).sentence).toContain(
      "error 1045: Access denied for user 'sluice'@'localhost'",
    );
    await two.sql(`ALTER USER sluice@localhost IDENTIFIED BY '${PASSWORD}'`);
    await says(two, "GALERA_SYNCED");
  }, 30_000);

  test("max_connections full: the open connection goes on; without it the verdict is kept for busy_grace", async () => {
    await two.sql("SET GLOBAL max_connections=10");
    const clients = await Promise.all(Array.from({ length: 12 }, () => fillConnection(two)));
    await says(two, "GALERA_SYNCED");
    // The agent and the waiting clients race for the connection that becomes free.
    const kept = await eventually(
      async () => {
        await killSessions(two);
        const found = JSON.parse((await two.host.http("/status")).body) as AgentStatus;
        return /error 1040/.test(found.sentence) && found;
      },
      { within: 10_000, every: 100, what: "kept while busy" },
    );
    expect(kept).toMatchObject({ up: true, code: "GALERA_SYNCED" });
    // Until its grace is over it tries again, and may win the race after all: then it has to lose it once more.
    await eventually(
      async () => {
        const { code, sentence } = JSON.parse((await two.host.http("/status")).body) as AgentStatus;
        if (code === "GALERA_SYNCED" && !/error 1040/.test(sentence)) await killSessions(two);
        return code === "PROBE_TOO_MANY_CONNECTIONS";
      },
      { within: 20_000, every: 100, what: "down, as the grace is over" },
    );
    await says(two, "PROBE_TOO_MANY_CONNECTIONS");
    for (const client of clients) client.killGroup();
    await eventually(() => two.sql("SET GLOBAL max_connections=100"), { what: "room for root" });
    await says(two, "GALERA_SYNCED");
  }, 40_000);
});

describe("taken out by hand", () => {
  test("off-switch file: noticed without a tick", async () => {
    const file = `${two.host.folder}/off`;
    writeFileSync(file, "");
    expect((await says(two, "OFF_SWITCH", { within: 2000 })).sentence).toContain(file);
    rmSync(file);
    await says(two, "GALERA_SYNCED", { within: 2000 });
  });

  test("sluice maintenance drain, on, off", async () => {
    const maintenance = async (word: string): Promise<void> => {
      await runSluice(two.host, ["maintenance", word, "--runtime-dir", "/run/sluice-9200"]);
    };
    await maintenance("drain");
    expect(await says(two, "DRAINING")).toMatchObject({ up: false, draining: true });
    await maintenance("on");
    await says(two, "MAINTENANCE");
    await maintenance("off");
    await says(two, "GALERA_SYNCED");
  });
});

test("the password is in no command line and no log", async () => {
  const { stdout } = await two.host.run(["ps", "axww", "-o", "args"]);
  expect(stdout).not.toContain(PASSWORD);
  expect(existsSync(`${two.host.folder}/sluice.password`)).toBe(true);
});

/** Ends the agents' connections to the server, as a DBA would; a full server has one connection for that. */
async function killSessions(node: MariaDb): Promise<void> {
  await eventually(
    async () => {
      const rows = await node.sql<{ id: number }>(
        "SELECT id FROM information_schema.processlist WHERE user='sluice'",
      );
      for (const { id } of rows) await node.sql(`KILL ${id}`);
      return true;
    },
    { what: "sessions killed" },
  );
}

/** A client that takes one of the server's connections as soon as one is free, and keeps it. */
async function fillConnection(node: MariaDb) {
  const client = `until mariadb -ufiller --socket=${node.socketPath} -e "DO SLEEP(60)"; do :; done`;
  return await node.host.spawn(["bash", "-c", client]);
}
