import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { connect, type NetConnectOpts } from "node:net";
import { type Connection, createConnection } from "mariadb";
import { eventually } from "../eventually.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { MariaDb } from "../lab/maria-db.ts";
import { NotifySocket } from "../lab/notify-socket.ts";
import type { Process } from "../lab/process.ts";
import type { RunResult } from "../lab/run.ts";
import { sluicePath } from "../lab/sluice.ts";
import { patientMonitor } from "../support/fleet-settings.ts";
import { Habit } from "../support/habit.ts";

// A daemon that goes on as another executable, or as the old one where the new one is no good: nobody who uses it notices.

/** SLUICE_UPGRADES=20 for the long form. */
const UPGRADES = Number(process.env["SLUICE_UPGRADES"] ?? 5);
/** SLUICE_RESTARTS=20 likewise. */
const RESTARTS = Number(process.env["SLUICE_RESTARTS"] ?? 3);
const CLIENTS = 50;
const PASSWORD = "Kept out of argv 1!";
const PORT = 4006;
const FEW = 4010;
const HEALTH = 9200;
const GATE = 4306;
const SOCKET = "/run/proxy.sock";

let lab: Lab;
let proxy: Host;
let db: MariaDb;
let sluice: Process;
let systemd: NotifySocket;
/** The installed executable, as the host sees it. */
let installed: string;
let tracked: string;

beforeAll(async () => {
  lab = await Lab.create({ name: "upgrade" });
  db = await MariaDb.start(await lab.host("db1"), { options: { max_connections: 500 } });
  await db.sql(
    `CREATE USER monitor@'%' IDENTIFIED BY '${PASSWORD}'; GRANT ALL ON *.* TO monitor@'%';
     CREATE USER app@'%' IDENTIFIED BY '${PASSWORD}'; GRANT ALL ON *.* TO app@'%'`,
  );
  proxy = await lab.host("proxy");
  installed = `${proxy.folder}/sluice`;
  tracked = `${proxy.folder}/track`;
  install();
  configure();
  systemd = await NotifySocket.open(proxy, "/run/notify.sock");
  await start();
}, 60_000);

afterAll(async () => {
  await lab.destroy();
});

/** What a package does: a new file takes the place of the old one. */
function install(): void {
  copyFileSync(sluicePath(), `${installed}.new`);
  renameSync(`${installed}.new`, installed);
}

function installScript(text: string, mode = 0o755): void {
  writeFileSync(`${installed}.new`, text);
  chmodSync(`${installed}.new`, mode);
  renameSync(`${installed}.new`, installed);
}

function configure(more = ""): void {
  proxy.write(
    "/etc/sluice.cnf",
    `[sluice]
threads=2
datadir=${proxy.folder}/data
persistdir=${proxy.folder}/data/sluice.cnf.d

[db1]
type=server
address=${db.address}
[away]
type=server
address=${db.host.address6}

${patientMonitor("one", "db1", PASSWORD)}${patientMonitor("two", "away", PASSWORD)}
[app]
type=service
router=readconnroute
servers=db1,away
[few]
type=service
router=readconnroute
servers=db1
max_connections=2
queue_timeout=0s

[tcp]
type=listener
service=app
port=${PORT}
[unix]
type=listener
service=app
socket=${SOCKET}
[few-listener]
type=listener
service=few
port=${FEW}

[health]
type=publisher
module=http
server=db1
port=${HEALTH}
[agent]
type=publisher
module=agent-check
server=db1
port=${HEALTH + 1}
[track]
type=publisher
module=track-file
server=db1
file=${tracked}
[gate]
type=publisher
module=port-gate
server=db1
mirror_port=${GATE}
real_port=${PORT}
${more}`,
    0o600,
  );
}

async function start(): Promise<void> {
  const args = [installed, "run", "--config", "/etc/sluice.cnf", "--pid-file", "/run/sluice.pid"];
  sluice = await proxy.spawn(args, { env: { NOTIFY_SOCKET: systemd.path } });
  await proxy.untilListening(sluice, [PORT, FEW, HEALTH, 8989]);
}

const command = async (...args: readonly string[]): Promise<RunResult> =>
  await proxy.run([sluicePath(), ...args], { mayFail: true, timeoutMs: 60_000 });

/** Connects, asks for something and leaves; a refusal or reset rejects. */
async function visit(place: object): Promise<void> {
  const connection = await open(place);
  await connection.query("SELECT 1");
  await connection.end();
}

/** Connects, is greeted by the server and leaves: more of them in a second than of those that log in. */
async function knock(place: NetConnectOpts): Promise<void> {
  const socket = connect(place);
  try {
    await once(socket, "data", { signal: AbortSignal.timeout(20_000) });
  } finally {
    socket.destroy();
  }
}

const open = async (place: object): Promise<Connection> => {
  const account = { user: "app", password: PASSWORD, connectTimeout: 20_000 };
  const connection = await createConnection({ ...account, ...place });
  connection.on("error", () => {});
  return connection;
};
const tcp = (port: number): object => ({ host: proxy.address, port });

/** Pids of the worker processes, as the host sees them. */
async function workers(): Promise<readonly string[]> {
  const { stdout } = await proxy.run(["pgrep", "-f", "^sluice worker "], { mayFail: true });
  return stdout.split("\n").filter((pid) => pid !== "");
}

/** The numbers of the sockets that listen on the port. */
async function listeningSockets(): Promise<readonly string[]> {
  const { stdout } = await proxy.run(["ss", "-Hltne", `sport = ${PORT}`]);
  return [...stdout.matchAll(/ ino:(\d+) /g)].map(([, inode = ""]) => inode).toSorted();
}

const descriptors = (): number => readdirSync(`/proc/${sluice.pid}/fd`).length;

const rest = async (path: string): Promise<string> =>
  (await proxy.run(["curl", "-s", "--unix-socket", "/run/sluice/admin.sock", `http://sluice/v1/${path}`]))
    .stdout;

const stateOf = async (server: string): Promise<string> =>
  JSON.parse(await rest(`servers/${server}`)).data.attributes.state;

const events = async (): Promise<readonly { id: string }[]> =>
  JSON.parse(await rest("events?limit=1000")).data;

async function ask(path: string, wanted: number): Promise<void> {
  const { status } = await proxy.http(path, { port: HEALTH });
  if (status !== wanted) throw new Error(`${path} says ${status}`);
}

describe("an upgrade", () => {
  test(`${UPGRADES} times under ${CLIENTS} clients: nobody is refused or reset, nothing appears down, nothing is forgotten`, async () => {
    await eventually(async () => (await stateOf("away")).includes("Running"));
    await command("set", "server", "away", "maintenance", "--force");
    await command("stop", "listener", "unix");
    await eventually(async () => (await stateOf("away")) === "Maintenance, Running");
    const old = await open(tcp(PORT));
    await eventually(() => readFileSync(tracked, "utf8").trim() === "0");
    await eventually(async () => await visit(tcp(GATE)).then(() => true));
    const before = {
      events: await events(),
      workers: await workers(),
      pid: sluice.pid,
      descriptors: descriptors(),
    };
    const habits = [
      ...Array.from({ length: CLIENTS }, () => new Habit(async () => await visit(tcp(PORT)))),
      new Habit(async () => await ask("/", 200)),
      new Habit(async () => {
        const state = await stateOf("db1");
        if (state !== "Master, Running") throw new Error(state);
      }),
      new Habit(async () => {
        const { stdout } = await proxy.run(["bash", "-c", `cat </dev/tcp/127.0.0.1/${HEALTH + 1}`]);
        if (!stdout.startsWith("up")) throw new Error(`agent-check says ${stdout}`);
      }),
      new Habit(async () => await visit(tcp(GATE))),
      new Habit(async () => {
        const value = readFileSync(tracked, "utf8").trim();
        await new Promise((resolve) => setTimeout(resolve, 5));
        if (value !== "0") throw new Error(`the track file says ${value}`);
      }),
    ];
    for (let i = 0; i < UPGRADES; i++) {
      install();
      const { code, stdout, stderr } = await command("upgrade");
      expect(`${stdout}${stderr}`).toContain("upgraded from");
      expect(code).toBe(0);
    }
    for (const habit of habits) await habit.end();
    expect(habits.flatMap(({ failures }) => failures)).toEqual([]);
    for (const { count } of habits) expect(count).toBeGreaterThan(0);
    expect(readlinkSync(`/proc/${sluice.pid}/exe`)).toBe(installed);
    expect(readFileSync(proxy.path("/run/sluice.pid"), "utf8").trim()).not.toBe("");
    expect([await stateOf("away"), await stateOf("db1")]).toEqual([
      "Maintenance, Running",
      "Master, Running",
    ]);
    expect((await events()).map(({ id }) => id)).toEqual(before.events.map(({ id }) => id));
    expect((await proxy.run(["ls", SOCKET], { mayFail: true })).code).not.toBe(0);
    expect(await old.query("SELECT 1")).toHaveLength(1);
    await eventually(async () => (await workers()).length === 3, {
      what: "two workers, and the one with a session",
    });
    expect(before.workers).toEqual(expect.arrayContaining((await workers()).slice(0, 1)));
    await old.end();
    await eventually(async () => (await workers()).length === 2, { what: "the end of the last old worker" });
    await command("start", "listener", "unix");
    await command("clear", "server", "away", "maintenance");
    await eventually(() => descriptors() <= before.descriptors + 1, { what: "no descriptor left over" });
    await eventually(async () => !/^Z/m.test((await proxy.run(["ps", "-e", "-o", "stat,args"])).stdout), {
      what: "no zombie",
    });
  }, 120_000);

  test("by SIGUSR2, told to systemd; the listeners of a unix socket and of IPv6 go on", async () => {
    const unix = new Habit(async () => {
      await proxy.run(["mysql", "-uapp", `-S${SOCKET}`, "-e", "SELECT 1"], { env: { MYSQL_PWD: PASSWORD } });
    });
    const six = new Habit(async () => await visit({ host: proxy.address6, port: PORT }));
    const [before] = await workers();
    sluice.kill("SIGUSR2");
    await eventually(async () => !(await workers()).includes(before ?? ""), { what: "new workers" });
    await eventually(() => systemd.of("READY=1").length === systemd.of("RELOADING=1").length + 1);
    expect(systemd.of("RELOADING=1").length).toBeGreaterThan(0);
    for (const habit of [unix, six]) await habit.end();
    expect([...unix.failures, ...six.failures]).toEqual([]);
  });

  test("sessions on the workers of before count for max_connections, also after the daemon was killed", async () => {
    const held = [await open(tcp(FEW)), await open(tcp(FEW))];
    const third = async (): Promise<unknown> =>
      await open(tcp(FEW)).catch((error: { errno?: number }) => error.errno);
    expect((await command("upgrade")).code).toBe(0);
    expect(await third()).toBe(1040);
    sluice.kill("SIGKILL");
    await sluice.ended();
    await start();
    for (let i = 0; i < 4; i++) expect(await third()).toBe(1040);
    for (const session of held) expect(await session.query("SELECT 1")).toHaveLength(1);
    await held[0]?.end();
    await eventually(async () => {
      const session = await open(tcp(FEW)).catch(() => undefined);
      await session?.end();
      return session;
    });
    await held[1]?.end();
    await eventually(async () => (await workers()).length === 2, { what: "the end of the old workers" });
  });

  test(`${RESTARTS} times killed and started again under ${CLIENTS} clients: nobody is refused or reset`, async () => {
    await visit(tcp(PORT));
    // There is always somebody whose connection is half made.
    await proxy.slow({ delayMs: 40 });
    const habits = [
      ...Array.from(
        { length: CLIENTS },
        () => new Habit(async () => await knock({ port: PORT, host: proxy.address })),
      ),
      ...Array.from({ length: 10 }, () => new Habit(async () => await knock({ path: proxy.path(SOCKET) }))),
      new Habit(async () => await visit(tcp(PORT))),
    ];
    const sockets = await listeningSockets();
    for (let i = 0; i < RESTARTS; i++) {
      const before = await workers();
      sluice.kill("SIGKILL");
      await sluice.ended();
      await start();
      await eventually(async () => !(await workers()).some((pid) => before.includes(pid)), {
        what: "the end of the workers of before",
      });
    }
    for (const habit of habits) await habit.end();
    await proxy.restore();
    expect(await listeningSockets()).toEqual(sockets);
    expect(habits.flatMap(({ failures }) => failures)).toEqual([]);
    for (const { count } of habits) expect(count).toBeGreaterThan(RESTARTS);
  }, 120_000);

  test("upgrade_timeout ends the sessions of before", async () => {
    await command("alter", "maxscale", "upgrade_timeout", "1s");
    const old = await open(tcp(PORT));
    expect((await command("upgrade")).code).toBe(0);
    await eventually(() => !old.isValid(), { what: "the end of the session" });
    await command("alter", "maxscale", "upgrade_timeout", "0s");
  });
});

describe("no upgrade, and the old program goes on as if nothing had happened:", () => {
  const isRefused = async (why: string): Promise<void> => {
    const before = { exe: readlinkSync(`/proc/${sluice.pid}/exe`), workers: await workers() };
    const clients = new Habit(async () => await visit(tcp(PORT)));
    const { code, stderr } = await command("upgrade");
    await clients.end();
    expect(stderr).toContain(why);
    expect(code).toBe(1);
    expect(clients.failures).toEqual([]);
    expect(readlinkSync(`/proc/${sluice.pid}/exe`).replace(" (deleted)", "")).toBe(
      before.exe.replace(" (deleted)", ""),
    );
    expect(sluice.hasExited).toBe(false);
  };

  test("the new executable does not run", async () => {
    installScript("this is no program");
    await isRefused("cannot be executed");
    installScript("#!/bin/sh\necho broken >&2; exit 9");
    await isRefused("refuses (exit code 9): broken");
    installScript("#!/bin/sh\nexit 0");
    await isRefused("is no sluice that knows --check");
    install();
  });

  test("it rejects the configuration", async () => {
    configure("\n[x]\ntype=listener\nservice=nowhere\nport=1\n");
    await isRefused("nowhere");
    configure();
  });

  test("it cannot start: it gives the place back", async () => {
    configure("\n[taken]\ntype=publisher\nmodule=http\nserver=db1\nport=4030\n");
    const other = await proxy.spawn(["nc", "-l", "0.0.0.0", "4030"], { keepInputOpen: true });
    await proxy.untilListening(other, [4030]);
    const session = await open(tcp(PORT));
    await isRefused("cannot listen on [::]:4030");
    expect(JSON.parse(await rest("maxscale")).data.attributes.upgrade).toMatchObject({ state: "failed" });
    expect(await session.query("SELECT 1")).toHaveLength(1);
    await session.end();
    await ask("/", 200);
    configure();
    await other.terminate();
    // And the next one works.
    expect((await command("upgrade")).stdout).toContain("upgraded from");
    await eventually(async () => (await workers()).length === 2);
  });
});

test("at the end nothing is left", async () => {
  await sluice.terminate();
  // Workers that take too long are killed, and nobody waits for them.
  await eventually(async () => (await workers()).length === 0, { what: "no worker" });
  expect(readdirSync(proxy.path("/run/sluice"))).toEqual([]);
});

describe("an agent that has given up root", () => {
  const agent = async (optionFileMode: number): Promise<Process> => {
    const login = `[client]\nhost=${db.address}\nuser=monitor\npassword=${PASSWORD}\n`;
    proxy.write("/etc/mysql/my.cnf", "");
    proxy.write("/etc/my.cnf", login, optionFileMode);
    const flags = ["--run-as", "nobody", "--pid-file", "/run/agent.pid", "--http-port", "920"];
    const folders = ["--runtime-dir", "/var/tmp/run", "--state-dir", "/var/tmp/state"];
    const process = await proxy.spawn([
      installed,
      "agent",
      ...flags,
      ...folders,
      "--monitor-interval",
      "200ms",
    ]);
    await eventually(async () => (await proxy.http("/", { port: 920 })).status === 200);
    return process;
  };
  const healthy = async (): Promise<void> => {
    expect((await proxy.http("/", { port: 920 })).status).toBe(200);
  };

  test("keeps its port, which it could not open any more", async () => {
    const process = await agent(0o644);
    install();
    const checks = new Habit(healthy);
    process.kill("SIGUSR2");
    await process.waitForOutput(/"event":"upgraded"/);
    await checks.end();
    expect(checks.failures).toEqual([]);
    expect(readlinkSync(`/proc/${process.pid}/exe`)).toBe(installed);
    expect(readFileSync(proxy.path("/run/agent.pid"), "utf8").trim()).not.toBe("");
    await process.terminate();
  });

  test("stays what it is where the password is for root alone", async () => {
    const process = await agent(0o600);
    const checks = new Habit(healthy);
    process.kill("SIGUSR2");
    await process.waitForOutput(
      /"event":"upgrade_failed".*proxy is down to the new program, and up to this one/,
    );
    await checks.end();
    expect(checks.failures).toEqual([]);
    await healthy();
    await process.terminate();
  });
});
