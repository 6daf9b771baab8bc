import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { eventually } from "../eventually.ts";
import { type Galera, startGalera } from "../lab/galera.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import type { MariaDb } from "../lab/maria-db.ts";
import type { Process } from "../lab/process.ts";
import { runSluice, sluiceAs, sluicePath, startSluice } from "../lab/sluice.ts";
import { socketActivate } from "../lab/socket-activate.ts";
import { startXinetd } from "../lab/xinetd.ts";
import { exchange, RawClient } from "../support/raw-client.ts";

// The scripts' names, arguments, variables, bytes and exit codes, on a real Galera node, under real xinetd and systemd's activation.

const PASSWORD = "Kept out of argv 1!";
const XINETD_PORT = 9200;
const ACTIVATED_PORT = 9201;
const REQUEST = "GET / HTTP/1.0\r\nHost: x\r\n\r\n";

/** The whole answer of a script. */
function answer(status: 200 | 503, body: string): string {
  const reason = status === 200 ? "OK" : "Service Unavailable";
  const head = [`HTTP/1.1 ${status} ${reason}`, "Content-Type: text/plain", "Connection: close"];
  return [...head, `Content-Length: ${Buffer.byteLength(body)}`, "", body].join("\r\n");
}

const SYNCED = answer(200, "Percona XtraDB Cluster Node is synced.\r\n");
const NOT_SYNCED = answer(503, "Percona XtraDB Cluster Node is not synced.\r\n");
const READ_ONLY = answer(503, "Percona XtraDB Cluster Node is read-only.\r\n");
const DISABLED = answer(503, "Percona XtraDB Cluster Node is manually disabled.\r\n");
const RUNNING = answer(200, "MySQL is running.\r\n");
const DOWN = answer(503, "MySQL is *down*.\r\n");

let lab: Lab;
let galera: Galera;
let node: MariaDb;
let host: Host;
let clustercheck: string;

beforeAll(async () => {
  lab = await Lab.create({ name: "personas" });
  galera = await startGalera(lab, { nodes: 2 });
  node = galera.nodes[0] as MariaDb;
  host = node.host;
  clustercheck = sluiceAs(host, "clustercheck");
  await node.sql(`CREATE USER mon@'%' IDENTIFIED BY '${PASSWORD}'`);
  host.write("/etc/mysql/my.cnf", ""); // Debian's names a socket of its own
  host.write("/etc/my.cnf", `[client]\nsocket = ${node.socketPath}\n`);
  host.write("/etc/sysconfig/clustercheck", `MYSQL_USERNAME=mon\nMYSQL_PASSWORD='${PASSWORD}'\n`, 0o640);
  await startXinetd(host, packagedService("clustercheck"), [XINETD_PORT]);
  await socketActivate(host, [clustercheck], { port: ACTIVATED_PORT });
}, 120_000);

afterAll(async () => {
  await lab.destroy();
});

/** The service file that is shipped, with this very executable, run by a user that every machine has. */
function packagedService(name: string, port = XINETD_PORT): string {
  const file = fileURLToPath(new URL(`../../packaging/xinetd.d/${name}`, import.meta.url));
  return readFileSync(file, "utf8")
    .replace("/usr/bin/sluice", sluicePath())
    .replace(/(user\s+=) sluice/, "$1 root")
    .replace("9200", String(port));
}

/** Asks the sockets of xinetd and of systemd; both must say the same. */
async function asked(request = REQUEST): Promise<string> {
  const [byXinetd, byActivation] = await Promise.all(
    [XINETD_PORT, ACTIVATED_PORT].map((port) => exchange({ host: host.address, port }, request)),
  );
  expect(byActivation).toBe(byXinetd as string);
  return byXinetd as string;
}

interface Printed {
  readonly stdout: string;
  readonly code: number | null;
}

async function printed(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Printed> {
  const { stdout, stderr, code } = await host.run(argv, { mayFail: true, env });
  expect(stderr).toBe("");
  return { stdout, code };
}

const positional = (...args: readonly string[]): Promise<Printed> => printed([clustercheck, ...args]);

describe("clustercheck by the table of states", () => {
  test("synced", async () => {
    expect(await asked()).toBe(SYNCED);
    expect(await printed([clustercheck])).toEqual({ stdout: SYNCED, code: 0 });
    expect(await printed([sluicePath(), "clustercheck"])).toEqual({ stdout: SYNCED, code: 0 });
    expect(SYNCED).toContain("Content-Length: 40\r\n");
  });

  test("donor or desynced: by the third argument", async () => {
    await galera.desync(node);
    try {
      expect(await asked()).toBe(NOT_SYNCED);
      expect(await positional("mon", PASSWORD, "0")).toEqual({ stdout: NOT_SYNCED, code: 1 });
      expect(await positional("mon", PASSWORD, "1")).toEqual({ stdout: SYNCED, code: 0 });
      expect(NOT_SYNCED).toContain("Content-Length: 44\r\n");
    } finally {
      await galera.desync(node, false);
    }
  });

  test("read-only: by the fifth argument, acceptable by default", async () => {
    await node.sql("SET GLOBAL read_only = ON");
    try {
      expect(await asked()).toBe(SYNCED);
      expect(await positional("mon", PASSWORD, "0", "/dev/null", "1")).toEqual({ stdout: SYNCED, code: 0 });
      expect(await positional("mon", PASSWORD, "0", "/dev/null", "0")).toEqual({
        stdout: READ_ONLY,
        code: 1,
      });
      expect(await printed([clustercheck], { AVAILABLE_WHEN_READONLY: "0" })).toEqual({
        stdout: READ_ONLY,
        code: 1,
      });
      expect(READ_ONLY).toContain("Content-Length: 43\r\n");
    } finally {
      await node.sql("SET GLOBAL read_only = OFF");
    }
  });

  test("disabled by a file", async () => {
    host.write("/var/tmp/clustercheck.disabled", "");
    try {
      expect(await asked()).toBe(DISABLED);
      expect(await positional()).toEqual({ stdout: DISABLED, code: 1 });
      expect(DISABLED).toContain("Content-Length: 51\r\n");
    } finally {
      rmSync(host.path("/var/tmp/clustercheck.disabled"));
    }
  });

  test("wrong password: the reason goes to ERR_FILE, the password nowhere", async () => {
    const log = `${host.folder}/clustercheck.log`;
    expect(await positional("mon", "Not this one 2!", "0", log)).toEqual({ stdout: NOT_SYNCED, code: 1 });
    expect(await positional("mon", "Not this one 2!", "0", log)).toMatchObject({ code: 1 });
    const lines = readFileSync(log, "utf8");
    expect(lines).toMatch(
      /^(\d{4}-\d\d-\d\dT[\d:.]+Z clustercheck: PROBE_AUTH_DENIED: .* refused the login.*\n){2}$/,
    );
    expect(lines).not.toContain("Not this one");
  });

  test("settings that cannot be read, or make no sense, are a no to a client and a sentence to a person", async () => {
    const { stdout, stderr, code } = await host.run([clustercheck], {
      mayFail: true,
      env: { AVAILABLE_WHEN_DONOR: "maybe" },
    });
    expect({ stdout, code }).toEqual({ stdout: "", code: 2 });
    expect(stderr).toStartWith(
      "sluice clustercheck: AVAILABLE_WHEN_DONOR=maybe is not one of the possible words",
    );
    const port = 9202;
    await socketActivate(host, [clustercheck], { port, env: { AVAILABLE_WHEN_DONOR: "maybe" } });
    expect(await exchange({ host: host.address, port }, REQUEST)).toBe(NOT_SYNCED);
  });
});

describe("as a network service", () => {
  test.each(["HEAD / HTTP/1.0\r\n\r\n", "HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n"])(
    "%j gets the head alone",
    async (request) => {
      expect(await asked(request)).toBe(SYNCED.slice(0, SYNCED.indexOf("\r\n\r\n") + 4));
    },
  );

  test.each(["OPTIONS / HTTP/1.0\r\n\r\n", "GET /\n\n", "\r\n\r\n", "\x16\x03\x01\x02\x00garbage\n\n"])(
    "%j gets the answer",
    async (request) => {
      expect(await asked(request)).toBe(SYNCED);
    },
  );

  test("a client that says nothing, or stops halfway, is answered all the same", async () => {
    for (const bytes of ["", "GET / HTTP/1.0\r\nHost"]) {
      const client = await RawClient.open({ host: host.address, port: XINETD_PORT });
      client.send(bytes);
      expect(await client.untilEnd()).toBe(SYNCED);
      client.close();
    }
  });

  test("a request longer than is read does not reset the connection", async () => {
    const long = `GET / HTTP/1.0\r\n${"X-Filler: y\r\n".repeat(4000)}\r\n`;
    const client = await RawClient.open({ host: host.address, port: XINETD_PORT });
    client.send(long);
    expect(await client.untilEnd()).toBe(SYNCED);
    client.socket.end();
    await eventually(() => client.isClosed, { what: "both halves closed" });
    expect(client.errorCode).toBeUndefined();
  });

  test("ab sees no failed and no reset request", async () => {
    const { stdout, code } = await host.run(
      ["ab", "-q", "-n", "200", "-c", "10", `http://127.0.0.1:${XINETD_PORT}/`],
      { timeoutMs: 60_000, mayFail: true },
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/Complete requests: +200\n/);
    expect(stdout).toMatch(/Failed requests: +0\n/);
    expect(stdout).not.toContain("Non-2xx");
  }, 90_000);

  test("clients that connect and reset at once leave nothing behind", async () => {
    for (let i = 0; i < 20; i += 1) {
      const socket = connect({ host: host.address, port: XINETD_PORT });
      socket.on("error", () => {});
      await eventually(() => !socket.connecting);
      socket.resetAndDestroy();
    }
    expect(await asked()).toBe(SYNCED);
    await eventually(async () => !(await processes()).includes("clustercheck"), {
      what: "every check has ended",
    });
  });

  test("checks count as no aborted client of the server", async () => {
    const counted = async (): Promise<string> => {
      const sessions = "SELECT 1 FROM information_schema.processlist WHERE user = 'mon'";
      await eventually(async () => (await node.sql(sessions)).length === 0, {
        what: "the end of every session",
      });
      return await node.status("Aborted_clients");
    };
    const before = await counted();
    for (let i = 0; i < 3; i += 1) await asked();
    expect(await counted()).toBe(before);
  });
});

/** The arguments of every process of the host, as `ps` shows them. */
async function processes(): Promise<string> {
  return (await host.run(["ps", "-eo", "args"])).stdout
    .split("\n")
    .filter((line) => !line.includes("systemd-socket-activate"))
    .join("\n");
}

test("standard input that is an open pipe is not waited for", async () => {
  const process = await host.spawn([clustercheck], { keepInputOpen: true });
  expect(await process.ended()).toMatchObject({ code: 0 });
  expect(process.stdout).toBe(SYNCED);
});

describe("with an agent on the host", () => {
  let agent: Process;
  const none = ["nobody", "wrong"]; // an account that the server does not know: only the agent can say yes

  beforeAll(async () => {
    host.write("/etc/agent.cnf", `[client]\nuser = mon\npassword = ${PASSWORD}\n`, 0o600);
    const ports = ["--http-port", "9300", "--monitor-interval", "200ms"];
    agent = await startSluice(
      host,
      [
        "agent",
        "--name",
        "db",
        "--defaults-extra-file",
        "/etc/agent.cnf",
        "--state-dir",
        `${host.folder}/state`,
        ...ports,
      ],
      { ports: [9300] },
    );
    await eventually(async () => (await host.http("/", { port: 9300 })).status === 200);
  });
  afterAll(async () => {
    await agent.terminate();
  });

  test("its verdict is taken, and no connection is made", async () => {
    const before = Number(await node.status("Connections"));
    expect(await positional(...none)).toEqual({ stdout: SYNCED, code: 0 });
    expect(Number(await node.status("Connections"))).toBe(before + 1); // that of the question itself
    expect(await asked()).toBe(SYNCED);
  });

  test("what it has seen is judged by the persona's own policy", async () => {
    await galera.desync(node);
    try {
      await eventually(async () => (await host.http("/", { port: 9300 })).status === 503);
      expect(await positional(...none, "0")).toEqual({ stdout: NOT_SYNCED, code: 1 });
      expect(await positional(...none, "1")).toEqual({ stdout: SYNCED, code: 0 });
    } finally {
      await galera.desync(node, false);
    }
    await eventually(async () => (await host.http("/", { port: 9300 })).status === 200);
  });

  test("maintenance is seen by all", async () => {
    await runSluice(host, ["maintenance", "on"]);
    expect(await asked()).toBe(DISABLED);
    await runSluice(host, ["maintenance", "off"]);
    expect(await asked()).toBe(SYNCED);
  });

  test("one that hangs is passed over: the server is asked", async () => {
    await agent.stop();
    try {
      expect(await positional(...none)).toEqual({ stdout: NOT_SYNCED, code: 1 });
      expect(await positional("mon", PASSWORD)).toEqual({ stdout: SYNCED, code: 0 });
    } finally {
      await agent.cont();
    }
    await eventually(async () => (await host.http("/", { port: 9300 })).status === 200);
  });

  test("one that watches another server is not asked", async () => {
    const { stdout } = await positional("--host", "127.0.0.1", "--port", "3306", ...none);
    expect(stdout).toBe(NOT_SYNCED);
  });

  test("--no-agent asks the server itself", async () => {
    expect((await positional("--no-agent", ...none)).stdout).toBe(NOT_SYNCED);
  });
});

describe("mysqlchk and connectorchk", () => {
  const account = { MYSQL_USERNAME: "mon", MYSQL_PASSWORD: PASSWORD };
  let mysqlchk: string;
  let connectorchk: string;

  beforeAll(() => {
    mysqlchk = sluiceAs(host, "mysqlchk");
    connectorchk = sluiceAs(host, "connectorchk.sh");
  });

  test("running", async () => {
    expect(await printed([mysqlchk], account)).toEqual({ stdout: RUNNING, code: 0 });
    expect(await printed([connectorchk], account)).toEqual({ stdout: RUNNING, code: 0 });
    expect(await printed([connectorchk, "--host", "127.0.0.1"], account)).toEqual({
      stdout: RUNNING,
      code: 0,
    });
  });

  test("down; connectorchk says why", async () => {
    expect(await printed([mysqlchk])).toEqual({ stdout: DOWN, code: 1 });
    const { stdout, code } = await printed([connectorchk], { ...account, MYSQL_PORT: "1" });
    const reason = `connection refused by ${host.name}:1`;
    expect({ stdout, code }).toEqual({ stdout: answer(503, `MySQL is *down*.\r\n${reason}\r\n`), code: 1 });
  });

  test("forced out by a file", async () => {
    host.write("/dev/shm/proxyoff", "");
    try {
      expect(await printed([mysqlchk], account)).toEqual({ stdout: DOWN, code: 1 });
      expect((await printed([connectorchk], account)).stdout).toContain("/dev/shm/proxyoff is there");
    } finally {
      rmSync(host.path("/dev/shm/proxyoff"));
    }
  });

  test("under xinetd, by the files that are shipped", async () => {
    const variables = `MYSQL_USERNAME=mon\nMYSQL_PASSWORD='${PASSWORD}'\n`;
    host.write("/etc/default/mysqlchk", variables, 0o640);
    host.write("/etc/default/connectorchk", variables, 0o640);
    await startXinetd(
      host,
      `${packagedService("mysqlchk", 9211)}\n${packagedService("connectorchk", 9212)}`,
      [9211, 9212],
    );
    for (const port of [9211, 9212])
      expect(await exchange({ host: host.address, port }, REQUEST)).toBe(RUNNING);
  });
});

// Last, because after these the cluster may be broken.
describe("faults", () => {
  test("a server that hangs: answered within the deadline", async () => {
    await node.hang();
    try {
      expect(await asked()).toBe(NOT_SYNCED);
      expect(await positional()).toEqual({ stdout: NOT_SYNCED, code: 1 });
    } finally {
      await node.resume();
    }
  });

  test("a password among the arguments vanishes from the process list", async () => {
    await node.hang();
    const process = await host.spawn([clustercheck, "--timeout", "20s", "mon", PASSWORD, "1"]);
    try {
      const erased = "x".repeat(PASSWORD.length);
      await eventually(async () => (await processes()).includes(`mon ${erased} 1`), {
        what: "the password overwritten",
      });
      expect(await processes()).not.toContain(PASSWORD);
      const { code, signal } = await process.terminate(5000);
      expect(code ?? signal).not.toBe(0);
    } finally {
      await node.resume();
    }
  });

  test("a node that has lost its cluster is not synced", async () => {
    await galera.untilSettled(); // it has hung in the tests before, and may still be about to be put out for that
    await host.cut();
    const lost = async (): Promise<boolean> => (await node.status("wsrep_cluster_status")) !== "Primary";
    await eventually(lost, { within: 30_000, what: "non-Primary" });
    expect(await positional("mon", PASSWORD)).toEqual({ stdout: NOT_SYNCED, code: 1 });
    // mysqlchk asks what its script asks, and so finds what that would have found.
    const client = [
      "mariadb",
      "--user=mon",
      `--password=${PASSWORD}`,
      `--socket=${node.socketPath}`,
      "-e",
      "SHOW DATABASES",
    ];
    const answers = (await host.run(client, { mayFail: true })).code === 0;
    const account = { MYSQL_USERNAME: "mon", MYSQL_PASSWORD: PASSWORD };
    expect((await printed([sluiceAs(host, "mysqlchk")], account)).stdout).toBe(answers ? RUNNING : DOWN);
  }, 60_000);
});
