import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { eventually } from "../eventually.ts";
import { HaProxy } from "../lab/ha-proxy.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { MariaDb } from "../lab/maria-db.ts";
import type { Process } from "../lab/process.ts";
import type { RunResult } from "../lab/run.ts";
import { runSluice, sluicePath, startSluice } from "../lab/sluice.ts";
import { patientMonitor } from "../support/fleet-settings.ts";
import { lockTable } from "../support/lock-table.ts";

// Where listeners listen: both families, unix sockets, sockets of systemd; and how long they wait for a peer that is gone.

const PASSWORD = "Kept out of argv 1!";
const CLIENT = "mysql -uapp -h127.0.0.1 -P4006 -N";
const SOCKET = "/run/proxy.sock";

let lab: Lab;
let db: MariaDb;
let proxy: Host;
let sluice: Process | undefined;

beforeAll(async () => {
  lab = await Lab.create({ name: "sockets" });
  db = await MariaDb.start(await lab.host("db1"));
  await db.sql(
    `CREATE USER monitor@'%' IDENTIFIED BY '${PASSWORD}'; GRANT ALL ON *.* TO monitor@'%';
     CREATE USER app@'%' IDENTIFIED BY '${PASSWORD}'; GRANT ALL ON *.* TO app@'%'`,
  );
  proxy = await lab.host("proxy");
}, 60_000);

afterEach(async () => {
  await sluice?.terminate();
  sluice = undefined;
});

afterAll(async () => {
  await lab.destroy();
});

const listener = (name: string, ...parameters: readonly string[]): string =>
  `[${name}]\ntype=listener\nservice=app\n${parameters.join("\n")}\n`;

function configure(more: string, server = ""): readonly string[] {
  proxy.write(
    "/etc/sluice.cnf",
    `[sluice]
threads=2
datadir=${proxy.folder}/data
persist_runtime_changes=false

[db1]
type=server
address=${db.address}
${server}
${patientMonitor("m", "db1", PASSWORD)}
[app]
type=service
router=readconnroute
cluster=m
on_server_down=keep

${more}`,
    0o600,
  );
  return ["run", "--config", "/etc/sluice.cnf"];
}

const command = async (...args: readonly string[]): Promise<RunResult> =>
  await runSluice(proxy, args, { mayFail: true });

/** What the server says to a client on the proxy's host, or what the client says otherwise. */
async function say(where: readonly string[], sql = "SELECT 42"): Promise<string> {
  const argv = ["mysql", "-uapp", "--connect-timeout=10", "-N", ...where, "-e", sql];
  const { stdout, stderr } = await proxy.run(argv, {
    env: { MYSQL_PWD: PASSWORD },
    mayFail: true,
    timeoutMs: 30_000,
  });
  return `${stdout}${stderr}`.trim();
}
const at = (host: string, port: number): readonly string[] => [`-h${host}`, `-P${port}`, "--protocol=tcp"];
const atSocket = (path: string): readonly string[] => [`-S${path}`];

async function sessions(): Promise<readonly { remote: string }[]> {
  const { stdout } = await command("list", "sessions", "--json");
  return JSON.parse(stdout).data.map(({ attributes }: { attributes: { remote: string } }) => attributes);
}

describe("listeners of one service", () => {
  test("IPv4 alone, IPv6 alone, both, a unix socket; changed while they run", async () => {
    const all = [
      listener("both", "port=4006"),
      listener("four", "address=0.0.0.0", "port=4007"),
      listener("six", `address=${proxy.address6}`, "port=4008"),
      listener("unix", `socket=${SOCKET}`),
    ];
    sluice = await startSluice(proxy, configure(all.join("")), { ports: [4006, 4007, 4008] });
    for (const where of [
      at("127.0.0.1", 4006),
      at("::1", 4006),
      at("127.0.0.1", 4007),
      at(proxy.address6, 4008),
      atSocket(SOCKET),
    ])
      expect(await say(where)).toBe("42");
    expect(await say(at("::1", 4007))).toContain("ERROR 2002");
    expect(await say(at("127.0.0.1", 4008))).toContain("ERROR 2002");
    expect(statSync(proxy.path(SOCKET)).mode & 0o777).toBe(0o666);

    expect((await command("alter", "listener", "both", "backlog=77")).code).toBe(0);
    const { stdout } = await proxy.run(["ss", "-Hltn", "sport = 4006"]);
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => line.trim().split(/\s+/)[2]),
    ).toEqual(["77", "77"]);
    expect(await say(at("127.0.0.1", 4006))).toBe("42");

    await command("stop", "listener", "unix");
    expect(await say(atSocket(SOCKET))).toContain("ERROR 2002");
    await command("start", "listener", "unix");
    expect(await say(atSocket(SOCKET))).toBe("42");
    await command("create", "listener", "app", "late", "address=127.0.0.1", "port=4009");
    expect(await say(at("127.0.0.1", 4009))).toBe("42");
    await command("destroy", "listener", "late");
    expect(proxy.isListening(4009)).toBe(false);
  });

  test("a unix socket replaces the one of a daemon that was killed, and no other program's", async () => {
    const args = configure(listener("unix", `socket=${SOCKET}`));
    sluice = await startSluice(proxy, args, { ports: [8989] });
    expect(await say(atSocket(SOCKET))).toBe("42");
    sluice.kill("SIGKILL");
    await sluice.ended();
    expect(await say(atSocket(SOCKET))).toBe("42");
    sluice = await startSluice(proxy, args, { ports: [8989] });
    expect(await say(atSocket(SOCKET))).toBe("42");
    await sluice.terminate();
    expect(existsSync(proxy.path(SOCKET))).toBe(false);
    // Nor does a worker outlive it that the killed one had, whether that has found the new one by now or not.
    expect((await proxy.run(["ps", "-eo", "args"])).stdout).not.toContain("sluice worker");

    writeFileSync(proxy.path(SOCKET), "precious");
    const refused = await runSluice(proxy, args, { mayFail: true });
    expect(refused.stderr).toContain("a file that is no socket is in its place");
    await proxy.run(["rm", SOCKET]);
    const other = await proxy.spawn(["systemd-socket-activate", `--listen=${SOCKET}`, "sleep", "60"]);
    await eventually(() => existsSync(proxy.path(SOCKET)));
    const second = await runSluice(proxy, args, { mayFail: true });
    expect(second.stderr).toMatch(/cannot listen on \/run\/proxy.sock: process \d+ does/);
    await other.terminate();
    await proxy.run(["rm", "-f", SOCKET]);
    sluice = undefined;
  });
});

describe("sockets of systemd", () => {
  test("are found by address or by name, survive stop, start and an upgrade", async () => {
    const args = configure(
      [
        listener("by-address", "port=4106"),
        listener("by-name", "port=4999"),
        listener("by-path", `socket=${SOCKET}`),
        "[health]\ntype=publisher\nmodule=http\nserver=db1\nport=9200\n",
      ].join(""),
    );
    const sockets = ["4106", "4107", SOCKET, "9200"].map((place) => `--listen=${place}`);
    const names = "--fdname=a:by-name:c:d";
    sluice = await proxy.spawn(["systemd-socket-activate", ...sockets, names, sluicePath(), ...args]);
    await proxy.untilListening(sluice, [4106, 4107, 9200]);
    // The first client wakes it, and is served.
    const everywhere = async (): Promise<void> => {
      for (const where of [at("127.0.0.1", 4106), at("::1", 4106), at("127.0.0.1", 4107), atSocket(SOCKET)])
        expect(await say(where)).toBe("42");
      expect((await proxy.http("/", { port: 9200 })).status).toBe(200);
    };
    await everywhere();
    expect(proxy.isListening(4999)).toBe(false);
    await command("stop", "listener", "by-name");
    expect((await command("start", "listener", "by-name")).code).toBe(0);
    await everywhere();
    await command("stop", "listener", "by-address");
    expect((await command("upgrade")).stdout).toContain("upgraded from");
    await command("start", "listener", "by-address");
    await everywhere();
    expect(sluice.output).not.toContain("socket_unused");
  });

  test("one that is nobody's is told", async () => {
    const args = configure(listener("l", "port=4106"));
    sluice = await proxy.spawn([
      "systemd-socket-activate",
      "--listen=4106",
      "--listen=4222",
      "--fdname=a:lost",
      sluicePath(),
      ...args,
    ]);
    await proxy.untilListening(sluice, [4106]);
    expect(await say(at("127.0.0.1", 4106))).toBe("42");
    await sluice.waitForOutput(/nothing listens on the socket lost of systemd/);
  });
});

describe("tcp_user_timeout", () => {
  test("a server that vanishes while it is owed something ends the session; so does a client", async () => {
    const args = configure(listener("l", "port=4006", "tcp_user_timeout=1s"), "tcp_user_timeout=1s");
    sluice = await startSluice(proxy, args, { ports: [4006] });
    const far = await lab.host("client");
    await db.sql("CREATE DATABASE app; CREATE TABLE app.t (a INT)");
    const release = await lockTable(db, "app.t");
    const clientIs = async (state: string): Promise<void> => {
      const sql = `SELECT 1 FROM information_schema.processlist WHERE user = 'app' AND state = '${state}'`;
      await eventually(async () => (await db.sql(sql)).length === 1, { what: `a client: "${state}"` });
    };
    const sleeper = await far.spawn(
      [
        "mysql",
        "-uapp",
        `-h${proxy.address}`,
        "-P4006",
        "-N",
        "-e",
        "SELECT COUNT(*) FROM app.t; SELECT REPEAT('a', 1000000)",
      ],
      { env: { MYSQL_PWD: PASSWORD } },
    );
    await eventually(async () => (await sessions()).length === 1);
    await clientIs("Waiting for table metadata lock");
    await far.cut();
    await release(); // now there is an answer
    await eventually(async () => (await sessions()).length === 0, {
      within: 20_000,
      what: "the client given up",
    });
    await far.restore();
    sleeper.kill();

    const word = "/run/server-is-gone";
    const talker = await proxy.spawn(
      ["bash", "-c", `(until [ -e ${word} ]; do sleep 0.1; done; echo "SELECT 1;"; sleep 60) | ${CLIENT}`],
      { env: { MYSQL_PWD: PASSWORD } },
    );
    await eventually(async () => (await sessions()).length === 1);
    await db.host.cut();
    proxy.write(word, "");
    await eventually(async () => (await sessions()).length === 0, {
      within: 20_000,
      what: "the server given up",
    });
    await db.host.restore();
    talker.killGroup();
  }, 60_000);
});

describe("the PROXY protocol", () => {
  /** Whom the server takes for its client. */
  const clientSeen = async (from: Host, host: string, port = 4006): Promise<string> => {
    const argv = [
      "mysql",
      "-uapp",
      `-h${host}`,
      `-P${port}`,
      "--connect-timeout=10",
      "-N",
      "-e",
      "SELECT USER()",
    ];
    const { stdout, stderr } = await from.run(argv, { env: { MYSQL_PWD: PASSWORD }, mayFail: true });
    return `${stdout}${stderr}`.trim();
  };
  let near: Host;
  let front: Host;

  beforeAll(async () => {
    await db.sql(`SET GLOBAL proxy_protocol_networks = '${proxy.address}'`);
    [near, front] = await Promise.all([lab.host("near"), lab.host("front")]);
  });

  for (const version of ["v1", "v2"])
    test(`${version} to the server: it sees the client, of either family; one of a unix socket is this host's`, async () => {
      const args = configure(
        listener("l", "port=4006") + listener("unix", `socket=${SOCKET}`),
        `proxy_protocol=${version}`,
      );
      sluice = await startSluice(proxy, args, { ports: [4006] });
      expect(await clientSeen(near, proxy.address)).toBe(`app@${near.address}`);
      expect(await clientSeen(near, proxy.address6)).toBe(`app@${near.address6}`);
      expect(await say(atSocket(SOCKET), "SELECT USER()")).toBe(`app@${proxy.address}`);
    });

  for (const [version, option] of [
    ["v1", "send-proxy"],
    ["v2", "send-proxy-v2"],
  ] as const)
    test(`${version} from a trusted network is believed, and told to the server; from another one it is not`, async () => {
      const networks = `${front.address},${front.address6}`;
      const args = configure(
        listener("l", "port=4006", `proxy_protocol_networks=${networks}`) +
          listener("closed", "port=4007", "proxy_protocol_networks=192.0.2.0/24"),
        "proxy_protocol=v2",
      );
      sluice = await startSluice(proxy, args, { ports: [4006, 4007] });
      const way = (port: number, to: string): string =>
        `listen l${port}\n  mode tcp\n  bind :::${port} v4v6\n  server s ${to} ${option}\n`;
      const haproxy = await HaProxy.start(
        front,
        `defaults\n  timeout connect 5s\n  timeout client 1m\n  timeout server 1m\n${way(4006, `${proxy.address}:4006`)}${way(4007, `${proxy.address}:4007`)}${way(4008, `[${proxy.address6}]:4006`)}`,
      );
      for (const port of [4006, 4008]) {
        expect(await clientSeen(near, front.address, port)).toBe(`app@${near.address}`);
        expect(await clientSeen(near, front.address6, port)).toBe(`app@${near.address6}`);
      }
      // It would be the server's to refuse, and MariaDB believes whoever spoke last.
      expect(await clientSeen(near, front.address, 4007)).toMatch(/^ERROR 2013/);
      // Whom nobody trusts is served as who he is.
      expect(await clientSeen(near, proxy.address, 4007)).toBe(`app@${near.address}`);
      // The trusted one itself, without a header.
      expect(await clientSeen(front, proxy.address)).toBe(`app@${front.address}`);
      const sleeper = await near.spawn(
        ["mysql", "-uapp", `-h${front.address}`, "-P4006", "-e", "SELECT SLEEP(60)"],
        { env: { MYSQL_PWD: PASSWORD } },
      );
      await eventually(async () => (await sessions()).some(({ remote }) => remote === near.address), {
        what: "the client in the list of sessions",
      });
      sleeper.kill();
      await haproxy.stop();
    }, 30_000);
});
