import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chownSync, mkdirSync, rmSync, statSync } from "node:fs";
import { eventually } from "../eventually.ts";
import { childrenOf } from "../lab/daemon-processes.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { MariaDb } from "../lab/maria-db.ts";
import type { Process } from "../lab/process.ts";
import type { RunResult } from "../lab/run.ts";
import { runSluice, sluicePath, startSluice } from "../lab/sluice.ts";
import { startXinetd } from "../lab/xinetd.ts";

// The commands of a database host, by the built executable, on a real server.

const PASSWORD = "Kept out of argv 1!";
const LONG_MS = 30_000;

let lab: Lab;
let host: Host;
let server: MariaDb;

beforeAll(async () => {
  lab = await Lab.create({ name: "commands" });
  host = await lab.host("db1");
  server = await MariaDb.start(host);
  await server.sql(`CREATE USER mon@'%' IDENTIFIED BY '${PASSWORD}'; GRANT SLAVE MONITOR ON *.* TO mon@'%'`);
  host.write("/etc/mysql/my.cnf", ""); // Debian's names a socket of its own
  host.write("/etc/my.cnf", `[client]\nsocket=${server.socketPath}\nuser=mon\npassword=${PASSWORD}\n`, 0o600);
}, 60_000);

afterAll(async () => {
  await lab.destroy();
});

async function sluice(...args: readonly string[]): Promise<RunResult> {
  return await runSluice(host, args, { mayFail: true });
}

/** A command that must have worked and said nothing on standard error. */
async function said(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await sluice(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

describe("the command line", () => {
  test("version and help", async () => {
    expect(await said("--version")).toMatch(/^sluice \d+\.\d+\.\d+ \([0-9a-f]{7,}\)\n$/);
    const help = await said("--help");
    const commands = [...help.matchAll(/^ {2}([a-z]+) /gm)]
      .map(([, name = ""]) => name)
      .filter((name) => name !== "help");
    expect(commands).toContain("check");
    for (const name of commands) {
      const text = await said("help", name);
      expect(text).toStartWith(`Usage: sluice ${name}`);
      expect(await said(name, "--help")).toBe(text);
    }
  }, 60_000);

  test.each([
    [["chekc"], "sluice: chekc is not a command: did you mean sluice check?\n"],
    [["help", "explian"], "sluice: explian is not a command: did you mean sluice explain?\n"],
    [
      ["check", "--formta", "json"],
      "sluice check: --formta is not an option of check: did you mean --format?\n",
    ],
    [["check", "--endpoint", "/primry"], "sluice check: --endpoint /primry is unknown; expected"],
    [["agent", "--prot", "1"], "sluice agent: --prot is not an option of agent: did you mean --port?\n"],
    [
      ["maintenance"],
      "sluice maintenance: what is wanted is missing; the form is: sluice maintenance [options] on|off|drain\n",
    ],
  ])("%j is refused in one sentence", async (args, sentence) => {
    const { code, stdout, stderr } = await sluice(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toStartWith(sentence);
    expect(stderr.trimEnd()).not.toContain("\n");
  });

  test("a reader who goes away is no mistake", async () => {
    const { stdout, stderr } = await host.run([
      "bash",
      "-c",
      `for i in 1 2 3; do ${sluicePath()} help agent | true; echo $PIPESTATUS; done`,
    ]);
    expect({ stdout, stderr }).toEqual({ stdout: "0\n0\n0\n", stderr: "" });
  });

  test("files in the working directory do not steer it", async () => {
    const folder = `${host.folder}/hostile`;
    mkdirSync(folder);
    await Bun.write(`${folder}/.env`, "SLUICE_DEBUG=1\nMYSQL_HOST=10.9.9.9\n");
    await Bun.write(`${folder}/bunfig.toml`, 'preload = ["./gone.ts"]\n');
    const { stdout } = await host.run(["bash", "-c", `cd ${folder} && ${sluicePath()} check`], {
      mayFail: true,
    });
    expect(stdout).toBe("up STANDALONE_HEALTHY: the server answers queries\n");
  });
});

describe("check, without an agent", () => {
  test("each format", async () => {
    expect(await said("check")).toBe("up STANDALONE_HEALTHY: the server answers queries\n");
    expect(await said("check", "--exit-code")).toBe("");
    expect(await said("check", "--format", "http")).toStartWith("HTTP/1.1 200 OK\r\n");
    expect(await said("check", "--format", "nagios")).toMatch(
      /^SLUICE OK - STANDALONE_HEALTHY: .* \| up=1 age=[\d.]+s took=[\d.]+s\n$/,
    );
    const document = JSON.parse(await said("check", "--format", "json"));
    expect(document).toMatchObject({
      up: true,
      code: "STANDALONE_HEALTHY",
      address: server.socketPath,
      source: "server",
    });
  });

  test("each endpoint", async () => {
    for (const endpoint of ["/", "/primary", "/read-write", "/read-only"])
      await said("check", "--endpoint", endpoint);
    const { code, stdout } = await sluice("check", "--endpoint", "replica?lag=5s");
    expect({ code, stdout }).toMatchObject({ code: 1, stdout: expect.stringMatching(/^down NOT_REPLICA: /) });
  });

  test("a server that refuses, and a password that is wrong", async () => {
    const refused = await sluice("check", "--host", "127.0.0.1", "--port", "1");
    expect(refused).toMatchObject({
      code: 1,
      stdout: "down PROBE_REFUSED: connection refused by 127.0.0.1:1\n",
    });
    const critical = await sluice("check", "--format", "nagios", "--port", "1");
    expect(critical).toMatchObject({
      code: 2,
      stdout: expect.stringMatching(/^SLUICE CRITICAL - PROBE_REFUSED/),
    });
    const denied = await sluice("check", "--user", "nobody", "--format", "http");
    expect(denied).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^HTTP\/1.1 503 PROBE_AUTH_DENIED/),
    });
    const unknown = await sluice("check", "--format=nagios", "--port", "x");
    expect(unknown).toMatchObject({
      code: 3,
      stdout: expect.stringMatching(/^SLUICE UNKNOWN - --port x is not/),
    });
  });

  test("an off-switch file", async () => {
    host.write("/dev/shm/proxyoff", "");
    expect(await sluice("check")).toMatchObject({
      code: 1,
      stdout: "down OFF_SWITCH: forced out: /dev/shm/proxyoff is there\n",
    });
    expect((await sluice("check", "--format", "nagios")).code).toBe(1);
    rmSync(host.path("/dev/shm/proxyoff"));
  });

  test("a server that hangs: the deadline holds, and SIGTERM ends it at once", async () => {
    await server.hang();
    try {
      expect(await sluice("check", "--timeout", "300ms")).toMatchObject({
        code: 1,
        stdout: expect.stringMatching(/^down PROBE_LOGIN_TIMEOUT: /),
      });
      const process = await host.spawn([sluicePath(), "check", "--timeout", "60s"]);
      const { code, signal } = await process.terminate(5000);
      expect(signal ?? code).not.toBe(0);
      expect(process.output).toBe("");
    } finally {
      await server.resume();
    }
  });

  test.each(["SIGHUP", "SIGINT", "SIGTERM", "SIGKILL"] as const)(
    "keepalived may kill it by %s: it says so to whoever waits, and leaves nothing behind",
    async (signal) => {
      await server.hang();
      try {
        const target = ["--host", "127.0.0.1", "--port", "3306", "--timeout", "60s"];
        const check = await host.spawn([sluicePath(), "check", "--exit-code", "--no-agent", ...target]);
        const asking = ["ss", "-Htn", "state", "established", "dport", "=", ":3306"];
        await eventually(async () => (await host.run(asking)).stdout !== "", { what: "it asks the server" });
        expect(childrenOf(check.pid)).toEqual([]);
        check.kill(signal);
        expect(await check.ended(5000)).toEqual({ code: null, signal });
        expect(check.output).toBe("");
        expect((await host.run(["ps", "-eo", "args"])).stdout).not.toContain("check --exit-code");
        expect((await host.run(asking)).stdout).toBe("");
      } finally {
        await server.resume();
      }
    },
  );

  test("--server can only be answered by an agent", async () => {
    expect(await sluice("check", "--server", "db1")).toMatchObject({
      code: 3,
      stderr: "sluice check: no agent answers on /run/sluice/agent.sock\n",
    });
  });
});

describe("with an agent", () => {
  let agent: Process;
  // So rare that only a hint explains a new verdict.
  const flags = ["--name", "db1", "--monitor-interval", "30s", "--http-port", "9200"];

  const startAgent = async (): Promise<Process> => {
    const process = await startSluice(host, ["agent", ...flags, "--state-dir", `${host.folder}/state`], {
      ports: [9200],
    });
    await eventually(async () => (await host.http("/")).status === 200);
    return process;
  };

  /** What a person has set is told from the start; what the server is, once it has been asked. */
  const untilProbed = async (): Promise<void> => {
    await eventually(async () => JSON.parse((await host.http("/status")).body).observation !== null, {
      what: "the first probe",
    });
  };

  beforeAll(async () => {
    agent = await startAgent();
  });
  afterAll(async () => {
    await agent.terminate();
  });

  test("check takes its verdict", async () => {
    // Those who have ever come to the server.
    const before = Number(await server.status("Connections"));
    expect(JSON.parse(await said("check", "--format", "json"))).toMatchObject({
      server: "db1",
      up: true,
      source: "agent",
    });
    expect(await said("check", "--server", "db1")).toStartWith("up ");
    expect(Number(await server.status("Connections"))).toBe(before + 1); // who asks this
    expect(await sluice("check", "--server", "db9")).toMatchObject({
      code: 2,
      stderr: "sluice check: the agent answers: unknown server db9; there are: db1\n",
    });
  });

  test("check asks the server itself, if another one is meant", async () => {
    const document = JSON.parse(
      await said("check", "--format", "json", "--host", "127.0.0.1", "--port", "3306"),
    );
    expect(document).toMatchObject({ address: "127.0.0.1:3306", source: "server" });
  });

  test("a hint makes it look at once", async () => {
    expect(await said("check", "--endpoint", "/primary")).toStartWith("up ");
    await server.sql("SET GLOBAL read_only = ON");
    expect(await said("hint", "--status", "donor", "--members", "$(reboot)/`id`/;x")).toBe("");
    await eventually(async () => (await sluice("check", "--endpoint", "/primary")).code === 1, {
      what: "NOT_PRIMARY",
    });
    await server.sql("SET GLOBAL read_only = OFF");
    await said("hint");
    await eventually(async () => (await sluice("check", "--endpoint", "/primary")).code === 0, {
      what: "primary again",
    });
  });

  test("explain shows what was seen and what decided", async () => {
    const text = await said("explain");
    expect(text).toStartWith(`db1 (${server.socketPath}) is up: the server answers queries\n`);
    expect(text).toContain("\n  =>  4. verdict: nothing speaks against it\n");
    expect(text).toEndWith("\nAs the agent has it.\n");
    const other = await sluice("explain", "--no-agent", "--profile", "galera");
    expect(other.code).toBe(1);
    expect(other.stdout).toContain("=>  2. wsrep_on: wsrep_on = OFF\n");
    expect(other.stdout).toEndWith("Asked of the server itself: no agent that watches it answers.\n");
  });

  test("maintenance is for root and its group, and survives a restart", async () => {
    const nobody = await runSluice(host, ["maintenance", "on"], { mayFail: true, user: "nobody" });
    expect(nobody).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("/run/sluice/control.sock may not be used by this user"),
    });
    expect(await said("maintenance", "drain")).toBe(
      "db1 is draining: draining, set by a person: no new sessions\n",
    );
    expect(await sluice("check")).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^draining DRAINING: /),
    });
    expect(await said("maintenance", "on")).toBe("db1 is down: in maintenance, set by a person\n");
    await agent.terminate();
    agent = await startSluice(host, ["agent", ...flags, "--state-dir", `${host.folder}/state`], {
      ports: [9200],
    });
    await eventually(async () => (await sluice("check")).stdout.startsWith("down MAINTENANCE"), {
      what: "still in maintenance",
    });
    await untilProbed();
    expect((await runSluice(host, ["check"], { mayFail: true, user: "nobody" })).stdout).toStartWith(
      "down MAINTENANCE",
    );
    expect(await said("maintenance", "off")).toBe("db1 is up: the server answers queries\n");
  });

  test("one that hangs or dies is passed over", async () => {
    await agent.stop();
    expect(JSON.parse(await said("check", "--format", "json"))).toMatchObject({ source: "server" });
    expect(await said("hint")).toBe("");
    expect(await sluice("maintenance", "on", "--timeout", "200ms")).toMatchObject({ code: 3 });
    agent.kill(); // as it hangs: let go on, it would do what it was asked to
    await agent.ended();
    expect(JSON.parse(await said("check", "--format", "json"))).toMatchObject({ source: "server" });
    expect(await said("hint", "x")).toBe("");
    agent = await startAgent();
  });
});

describe("grants", () => {
  test("the account that it makes may log in and ask for replication, and nothing else", async () => {
    const sql = await said("grants", "--random-password", "--profile", "replica", "--account", "'least'@'%'");
    await host.run(["mariadb", "--no-defaults", `--socket=${server.socketPath}`, "-uroot"], { stdin: sql });
    const password = /password = (\S+)/.exec(sql)?.[1] ?? "";
    const env = { SLUICE_PASSWORD: password };
    const asReplica = await runSluice(
      host,
      ["explain", "--no-agent", "--profile", "replica", "--user", "least"],
      { mayFail: true, env },
    );
    expect(asReplica.stdout).toContain("REPLICA_NOT_REPLICATING");
    expect(asReplica.stdout).not.toContain("may not ask");
    const [granted] = await server.sql<Record<string, string>>("SHOW GRANTS FOR least@'%'");
    expect(Object.values(granted ?? {})[0]).toMatch(/^GRANT SLAVE MONITOR ON \*\.\* TO/);
  });

  test("without --random-password the SQL has a gap, and no server takes it", async () => {
    const sql = await said("grants");
    const { code } = await host.run(["mariadb", "--no-defaults", `--socket=${server.socketPath}`, "-uroot"], {
      stdin: sql,
      mayFail: true,
    });
    expect(code).not.toBe(0);
    expect(sql).not.toContain(PASSWORD);
  });

  test("a server that cannot be asked is named by its version", async () => {
    const unreachable = ["grants", "--host", "127.0.0.1", "--port", "1"];
    expect(await sluice(...unreachable)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("name it with --server-version"),
    });
    expect(await said(...unreachable, "--server-version", "8.0.36")).toContain(
      "GRANT REPLICATION CLIENT ON *.* TO",
    );
  });
});

describe("doctor", () => {
  const findings = async (...args: readonly string[]) => {
    const { stdout, code } = await sluice("doctor", "--json", ...args);
    const found = (
      JSON.parse(stdout) as { findings: { subject: string; severity: string; sentence: string }[] }
    ).findings;
    return { code, of: (severity: string) => found.filter((finding) => finding.severity === severity) };
  };

  test("a sound set-up has no errors", async () => {
    await server.sql("SET GLOBAL max_connect_errors = 1000000");
    const { code, of } = await findings();
    expect(code).toBe(0);
    expect(of("error")).toEqual([]);
    expect(of("warning").map(({ subject }) => subject)).toEqual(["agent"]);
  });

  test("what is wrong is found, each with its remedy", async () => {
    await server.sql("SET GLOBAL max_connect_errors = 10");
    const service =
      "service mysqlchk\n{\n socket_type = stream\n protocol = tcp\n type = UNLISTED\n wait = no\n user = root\n port = 9200\n server = /var/tmp/mysqlchk\n}\n";
    host.write("/etc/xinetd.d/mysqlchk", service);
    host.write("/var/tmp/mysqlchk", "#!/bin/sh\n", 0o755);
    host.write(
      "/etc/haproxy/haproxy.cfg",
      `listen db\n bind :3307\n option httpchk\n server db1 ${host.address}:3306 check port 9201\n`,
    );
    host.write("/etc/sysconfig/clustercheck", "MYSQL_PASSWORD=x\n");
    host.write(
      "/etc/my.cnf",
      `[client]\nsocket=${server.socketPath}\nuser=mon\npassword=${PASSWORD}\n`,
      0o644,
    );
    const xinetd = await startXinetd(host, service, [9200]);
    try {
      await host.run(["nft", "-f", "-"], {
        stdin:
          "table inet fw {\n chain in { type filter hook input priority 0; policy drop; iif lo accept; ct state established accept; }\n}",
      });
      const { code, of } = await findings();
      expect(code).toBe(1);
      expect(of("error").map(({ subject }) => subject)).toEqual(["port 9200", "old checks"]);
      expect(of("error")[0]?.sentence).toStartWith("xinetd listens on it (process ");
      expect(of("warning").map(({ subject }) => subject)).toEqual([
        "max_connect_errors",
        "agent",
        "firewall",
        "HAProxy",
        "passwords",
      ]);
      const { stdout } = await sluice("doctor");
      expect(stdout).toContain("→ chmod o-r /etc/my.cnf\n");
      expect(stdout).toEndWith("2 errors, 5 warnings\n");
      expect(stdout).not.toContain(PASSWORD);
    } finally {
      await xinetd.terminate();
      await host.run(["nft", "delete", "table", "inet", "fw"], { mayFail: true });
    }
  });

  test("an account that cannot log in, or that is root", async () => {
    const denied = await findings("--user", "nobody");
    expect(denied.code).toBe(1);
    expect(denied.of("error").map(({ sentence }) => sentence.split(":")[0])).toContain("PROBE_AUTH_DENIED");
    const { stdout } = await runSluice(host, ["doctor", "--user", "root"], {
      mayFail: true,
      env: { SLUICE_PASSWORD: "" },
    });
    expect(stdout).toContain("the account may do everything");
  });
});

describe("as the packaged unit starts it", () => {
  test("the directories that systemd has made become the agent's own", async () => {
    const runtime = host.path("/run/sluice");
    const state = `${host.folder}/unit-state`;
    rmSync(runtime, { recursive: true, force: true });
    for (const folder of [runtime, state]) {
      mkdirSync(folder, { recursive: true });
      chownSync(folder, 0, 0);
    }
    const env = { RUNTIME_DIRECTORY: "/run/sluice", STATE_DIRECTORY: state };
    const agent = await startSluice(
      host,
      ["agent", "--name", "db1", "--run-as", "nobody", "--http-port", "9201"],
      { ports: [9201], env },
    );
    await eventually(async () => (await host.http("/", { port: 9201 })).status === 200);
    const { uid } = statSync(`/proc/${agent.pid}`);
    expect(uid).not.toBe(0);
    expect([statSync(runtime).uid, statSync(state).uid]).toEqual([uid, uid]);
    expect(await said("maintenance", "on")).toContain("in maintenance");
    expect(await agent.terminate(LONG_MS)).toMatchObject({ code: 0 });
    expect(statSync(`${state}/admin.json`).uid).toBe(uid);
    expect(await sluice("check", "--server", "db1")).toMatchObject({ code: 3 });
  });
});
