import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { eventually } from "../eventually.ts";
import { startGalera } from "../lab/galera.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { MariaDb } from "../lab/maria-db.ts";
import { NotifySocket } from "../lab/notify-socket.ts";
import type { Process } from "../lab/process.ts";
import type { RunResult } from "../lab/run.ts";
import { runSluice, sluicePath, startSluice } from "../lab/sluice.ts";
import { agentSays } from "../support/agent-says.ts";

// `sluice agent` as the daemon of a host: how it starts, what it leaves, who it is, and whom it tells.

const PASSWORD = "Kept out of argv 1!";
const HOURLY = ["--monitor-interval", "1h"];
const NOBODY = "65534";

setDefaultTimeout(60_000);

let lab: Lab;
let host: Host;
let server: MariaDb;
const running: Process[] = [];

beforeAll(async () => {
  lab = await Lab.create({ name: "agent-lifecycle" });
  host = await lab.host("db1");
  server = await MariaDb.start(host);
  await server.sql(`CREATE USER mon@'%' IDENTIFIED BY '${PASSWORD}'; GRANT SLAVE MONITOR ON *.* TO mon@'%'`);
  host.write("/etc/mysql/my.cnf", ""); // Debian's names a socket of its own
  host.write("/etc/my.cnf", `[client]\nsocket=${server.socketPath}\nuser=mon\npassword=${PASSWORD}\n`, 0o600);
});

afterEach(async () => {
  await Promise.all(running.splice(0).map(async (agent) => await agent.terminate()));
  rmSync(`${host.folder}/state`, { recursive: true, force: true });
});

afterAll(async () => {
  await lab.destroy();
});

const agentArgs = (flags: readonly string[]): string[] => [
  ...["agent", "--name", "db1", "--monitor-interval", "200ms", "--state-dir", `${host.folder}/state`],
  ...flags,
];

/** An agent that answers on 9200, or on the port of its flags. */
async function startAgent(
  flags: readonly string[] = [],
  { port = 9200, ...launch }: { port?: number; env?: Record<string, string> } = {},
): Promise<Process> {
  const args = agentArgs(["--http-port", String(port), ...flags]);
  const agent = await startSluice(host, args, { ports: [port], ...launch });
  running.push(agent);
  await agentSays(host, "STANDALONE_HEALTHY", { port });
  return agent;
}

/** An agent that must not start. */
async function refused(flags: readonly string[], user?: string): Promise<RunResult> {
  return await runSluice(host, agentArgs(flags), { mayFail: true, ...(user === undefined ? {} : { user }) });
}

/** A field of /proc/PID/status. */
function statusField(agent: Process, name: string): string {
  const line = readFileSync(`/proc/${agent.pid}/status`, "utf8").match(new RegExp(`^${name}:\\s*(.*)$`, "m"));
  return line?.[1]?.trim() ?? "";
}

/** The agent's own idea of its process number: in the namespace of its host. */
const pidInside = (agent: Process): string => statusField(agent, "NSpid").split(/\s+/).at(-1) ?? "";

const here = (path: string): boolean => existsSync(host.path(path));

describe("the end", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("%s: exit 0 at once, and nothing left", async (signal) => {
    const agent = await startAgent(["--pid-file", "/run/agent.pid"]);
    expect(readFileSync(host.path("/run/agent.pid"), "utf8")).toBe(`${pidInside(agent)}\n`);
    expect([here("/run/sluice/agent.sock"), here("/run/sluice/control.sock")]).toEqual([true, true]);
    // A server that hangs and a client that says nothing are no reason to stay.
    const silent = connect({ host: host.address, port: 9200 });
    silent.on("error", () => {});
    await server.hang();
    try {
      agent.kill(signal);
      expect(await agent.ended(10_000)).toEqual({ code: 0, signal: null });
    } finally {
      await server.resume();
      silent.destroy();
    }
    expect(
      ["agent.pid", "sluice/agent.sock", "sluice/control.sock"].filter((name) => here(`/run/${name}`)),
    ).toEqual([]);
    expect(host.isListening(9200)).toBe(false);
    expect((await host.run(["pgrep", "-x", "sluice"], { mayFail: true })).stdout).toBe("");
  });
});

describe("the pid file", () => {
  const PID_FILE = ["--pid-file", "/run/agent.pid"];

  test("of a living agent refuses a second one, and stays the first one's", async () => {
    const first = await startAgent(PID_FILE);
    const second = await refused([...PID_FILE, "--http-port", "9201", "--runtime-dir", "/run/other"]);
    expect(second).toMatchObject({
      code: 1,
      stdout: "",
      stderr: `sluice agent: already running as process ${pidInside(first)} (/run/agent.pid)\n`,
    });
    expect(readFileSync(host.path("/run/agent.pid"), "utf8")).toBe(`${pidInside(first)}\n`);
    await agentSays(host, "STANDALONE_HEALTHY");
  });

  test("of an agent that was killed is not believed, nor that of another program", async () => {
    const killed = await startAgent(PID_FILE);
    killed.kill();
    await killed.ended();
    expect(here("/run/agent.pid")).toBe(true);
    const next = await startAgent(PID_FILE);
    expect(readFileSync(host.path("/run/agent.pid"), "utf8")).toBe(`${pidInside(next)}\n`);
    await next.terminate();
    host.write("/run/agent.pid", "1\n"); // lives, and is no sluice
    await startAgent(PID_FILE);
  });
});

describe("a place that is taken", () => {
  test("a port: says which, exits 1, and takes away nothing of the other's", async () => {
    await startAgent();
    const second = await refused([
      "--http-port",
      "9200",
      "--runtime-dir",
      "/run/other",
      "--pid-file",
      "/run/other.pid",
    ]);
    expect(second.code).toBe(1);
    expect(second.stderr).toEndWith("sluice agent: cannot listen on [::]:9200: another program does\n");
    expect([here("/run/other/agent.sock"), here("/run/other.pid")]).toEqual([false, false]);
    await agentSays(host, "STANDALONE_HEALTHY");
  });

  test("the port of the agent-check", async () => {
    const second = await refused(["--http-port", "9201", "--agent-port", String(server.port)]);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`:${server.port}: another program does\n`);
  });

  test("the sockets of another agent", async () => {
    await startAgent();
    const second = await refused(["--http-port", "9201"]);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain("/run/sluice/agent.sock");
    const { stdout } = await runSluice(host, ["check", "--format", "json"]);
    expect(JSON.parse(stdout)).toMatchObject({ source: "agent" });
  });
});

describe("--run-as", () => {
  test("gives up root for good, once ports and files are open", async () => {
    const flags = ["--run-as", "nobody", "--pid-file", "/run/agent.pid", "--http-port", "920"];
    const agent = await startAgent(flags, { port: 920 }); // below 1024: root's to open
    expect(statusField(agent, "Uid").split(/\s+/)).toEqual([NOBODY, NOBODY, NOBODY, NOBODY]);
    expect(statusField(agent, "Gid").split(/\s+/)).toEqual([NOBODY, NOBODY, NOBODY, NOBODY]);
    expect(statusField(agent, "Groups")).toBe(NOBODY);
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapAmb"])
      expect({ set, caps: statusField(agent, set) }).toEqual({ set, caps: "0000000000000000" });
    // The option file is root's alone; the next login needs the password all the same.
    await server.restart();
    await agentSays(host, "STANDALONE_HEALTHY", { port: 920 });
    expect((await runSluice(host, ["maintenance", "on"])).stdout).toContain("in maintenance");
    await runSluice(host, ["maintenance", "off"]);
    expect(await agent.terminate()).toEqual({ code: 0, signal: null });
    // Only root may take a file out of /run: it is left empty, and names nobody.
    expect(readFileSync(host.path("/run/agent.pid"), "utf8")).toBe("");
    await startAgent(["--pid-file", "/run/agent.pid"]);
  });

  test("must be able to remember: the state directory has to be its own", async () => {
    mkdirSync(`${host.folder}/state`);
    const { code, stderr } = await refused(["--run-as", "nobody"]);
    expect(code).toBe(4);
    expect(stderr).toEndWith(
      `sluice agent: nobody may not write to ${host.folder}/state: chown nobody ${host.folder}/state\n`,
    );
  });

  test("must be somebody, and is for root", async () => {
    expect(await refused(["--run-as", "noone"])).toMatchObject({
      code: 2,
      stderr: "sluice agent: --run-as noone: there is no user noone\n",
    });
    const own = ["--runtime-dir", "/var/tmp/run", "--state-dir", "/var/tmp/state", "--user", "mon"];
    const { code, stderr } = await refused([...own, "--run-as", "mysql"], "nobody");
    expect(code).toBe(4);
    expect(stderr).toEndWith(
      "sluice agent: only root can become mysql: start as root, or leave --run-as out\n",
    );
  });
});

describe("SIGHUP", () => {
  const lines = (path: string): Record<string, unknown>[] =>
    here(path)
      ? readFileSync(host.path(path), "utf8")
          .trimEnd()
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => JSON.parse(line) as Record<string, unknown>)
      : [];

  test("without a new file to write to, the old one goes on and says so", async () => {
    const log = "/run/sluice.log"; // root's directory
    const agent = await startAgent(["--log-file", log, "--run-as", "nobody"]);
    renameSync(host.path(log), host.path(`${log}.1`));
    agent.kill("SIGHUP");
    const complaint = await eventually(
      () => lines(`${log}.1`).find(({ event }) => event === "reload_failed"),
      { what: "the complaint" },
    );
    expect(complaint["msg"]).toMatch(
      /^cannot write the log file \/run\/sluice.log: EACCES.*; the old one goes on$/,
    );
    renameSync(host.path(`${log}.1`), host.path(log));
    agent.kill("SIGHUP"); // the file is its own, though the directory is not
    await runSluice(host, ["maintenance", "on"]);
    await eventually(() => lines(log).some(({ code }) => code === "MAINTENANCE"), { what: "the news in it" });
  });

  test("a log file that cannot be opened is said at the start", async () => {
    const { code, stderr } = await refused(["--log-file", "/run/missing/sluice.log"]);
    expect(stderr).toMatch(/^sluice agent: cannot write the log file \/run\/missing\/sluice.log: ENOENT/);
    expect(code).toBe(1);
  });

  test.each([
    ["as root", []],
    ["as somebody else", ["--run-as", "nobody"]],
  ])("begins the log file anew after logrotate has moved it, %s", async (name, flags) => {
    const folder = `/var/tmp/${name.replaceAll(" ", "-")}`;
    const log = `${folder}/sluice.log`;
    mkdirSync(host.path(folder), { mode: 0o777 });
    await host.run(["chmod", "0777", folder]);
    const agent = await startAgent(["--log-file", log, ...flags]);
    expect(lines(log).map(({ event }) => event)).toEqual(expect.arrayContaining(["started", "verdict"]));
    renameSync(host.path(log), host.path(`${log}.1`));
    agent.kill("SIGHUP");
    await eventually(() => here(log), { what: "a new log file" });
    const before = lines(`${log}.1`).length;
    await runSluice(host, ["maintenance", "on"]);
    await eventually(() => lines(log).some(({ code }) => code === "MAINTENANCE"), { what: "the news in it" });
    expect(lines(`${log}.1`).length).toBe(before);
    // Not moved: the same file goes on.
    agent.kill("SIGHUP");
    await runSluice(host, ["maintenance", "off"]);
    await eventually(() => lines(log).some(({ code }) => code === "STANDALONE_HEALTHY"), {
      what: "and goes on",
    });
    expect(statSync(host.path(log)).mode & 0o777).toBe(0o640);
  });
});

describe("systemd", () => {
  let systemd: NotifySocket;
  let number = 0;

  const environment = async (watchdogMs: number): Promise<Record<string, string>> => {
    systemd = await NotifySocket.open(host, `/run/notify-${number++}.sock`);
    return { NOTIFY_SOCKET: systemd.path, WATCHDOG_USEC: String(watchdogMs * 1000) };
  };

  test("hears READY=1 once the server has been judged, then WATCHDOG=1, and STOPPING=1", async () => {
    const agent = await startAgent([], { env: await environment(300) });
    await eventually(() => systemd.of("WATCHDOG=1").length >= 3, { what: "the watchdog" });
    const [first] = systemd.notifications;
    expect(first?.text.split("\n")).toEqual([
      "READY=1",
      "STATUS=db1: the server answers queries",
      `MAINPID=${pidInside(agent)}`,
    ]);
    expect(systemd.of("READY=1")).toHaveLength(1);
    await agent.terminate();
    await eventually(() => systemd.of("STOPPING=1").length === 1, { what: "STOPPING=1" });
  });

  test("is told the truth of a server that is down or hangs: the agent is ready, and well", async () => {
    await server.hang();
    try {
      const env = await environment(300);
      const flags = ["--http-port", "9200", "--check-timeout", "300ms"];
      running.push(await startSluice(host, agentArgs(flags), { ports: [9200], env }));
      await eventually(() => systemd.of("READY=1").length === 1, { what: "READY=1" });
      await eventually(() => systemd.of("WATCHDOG=1").length >= 5, { what: "the watchdog" });
      expect(systemd.notifications.at(-1)?.text).toContain("it hangs");
    } finally {
      await server.resume();
    }
  });

  test("hears no WATCHDOG=1 while no probe gets on", async () => {
    const env = await environment(150);
    const staleAfterMs = 300;
    // So soon that nobody need see it healthy.
    const flags = ["--http-port", "9200", ...HOURLY, "--stale-after", `${staleAfterMs}ms`];
    running.push(await startSluice(host, agentArgs(flags), { ports: [9200], env }));
    await eventually(() => systemd.of("READY=1").length === 1, { what: "READY=1" });
    const stale = await eventually(
      async () => {
        const { judged_at: at, age_ms: age } = JSON.parse((await host.http("/status")).body) as {
          judged_at: string;
          age_ms: number;
        };
        return age > 2000 && Date.parse(at);
      },
      { what: "a stalled probe" },
    );
    const latest = systemd.of("WATCHDOG=1").at(-1)?.at ?? 0;
    expect(latest).toBeLessThan(stale + staleAfterMs + 1000);
    const before = systemd.of("WATCHDOG=1").length;
    await runSluice(host, ["hint"]);
    await eventually(() => systemd.of("WATCHDOG=1").length > before, { what: "the watchdog again" });
  });
});

describe("a hint", () => {
  test("makes the verdict follow at once, however rarely the agent looks", async () => {
    await startAgent(HOURLY);
    await server.sql("SET GLOBAL read_only = ON");
    expect((await host.http("/primary")).status).toBe(200);
    await runSluice(host, ["hint"]);
    await eventually(async () => (await host.http("/primary")).status === 503, { what: "read-only" });
    await server.sql("SET GLOBAL read_only = OFF");
    await runSluice(host, ["hint"]);
    await eventually(async () => (await host.http("/primary")).status === 200, { what: "primary" });
  });

  test("without an agent: no output, exit 0", async () => {
    const result = await runSluice(host, ["hint", "--status", "synced", "--uuid", "x"], { timeoutMs: 5_000 });
    expect(result).toMatchObject({ code: 0, stdout: "", stderr: "" });
  });

  test("of a Galera node, by its wsrep_notify_cmd", async () => {
    const node = await lab.host("node1");
    await lab.host("node2");
    const program = `${lab.folder}/sluice`; // where the server's user can run it
    await node.run(["cp", "--reflink=auto", sluicePath(), program]);
    const galera = await startGalera(lab, {
      nodes: 2,
      prefix: "node",
      options: { wsrep_notify_cmd: `${program} hint` },
    });
    const [one, two] = galera.nodes as [MariaDb, MariaDb];
    const flags = ["--name", "node1", "--socket", one.socketPath, "--user", "root", ...HOURLY];
    const own = ["--state-dir", `${node.folder}/state`];
    running.push(
      await startSluice(node, ["agent", ...flags, ...own], { ports: [9200], env: { SLUICE_PASSWORD: "" } }),
    );
    await agentSays(node, "GALERA_SYNCED");
    await two.kill(); // half of two is no majority
    await agentSays(node, "GALERA_NON_PRIMARY");
    await one.sql("SET GLOBAL wsrep_provider_options = 'pc.bootstrap=1'");
    await agentSays(node, "GALERA_SYNCED");
    expect(one.log).not.toContain("Notification command failed");
  });
});

describe("maintenance", () => {
  test("is remembered through SIGTERM and kill -9", async () => {
    const agent = await startAgent();
    await runSluice(host, ["maintenance", "on"]);
    await agentSays(host, "MAINTENANCE");
    await agent.terminate();
    const next = await startSluice(host, agentArgs([]), { ports: [9200] });
    await agentSays(host, "MAINTENANCE");
    await runSluice(host, ["maintenance", "drain"]);
    next.kill();
    await next.ended();
    running.push(await startSluice(host, agentArgs([]), { ports: [9200] }));
    await agentSays(host, "DRAINING");
    await runSluice(host, ["maintenance", "off"]);
    await agentSays(host, "STANDALONE_HEALTHY");
  });
});

test("the password is in no command line, environment of others, log or answer", async () => {
  const agent = await startAgent(["--log-level", "debug"], { env: { SLUICE_PASSWORD: PASSWORD } });
  const { stdout } = await host.run(["bash", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"]);
  expect(stdout).toContain("sluice agent");
  expect(stdout).not.toContain(PASSWORD);
  expect(
    (await host.run(["cat", `/proc/${pidInside(agent)}/environ`], { user: "nobody", mayFail: true })).code,
  ).not.toBe(0);
  const { body } = await host.http("/status");
  const { stdout: explained } = await runSluice(host, ["explain"]);
  for (const text of [agent.output, body, explained]) expect(text).not.toContain(PASSWORD);
});
