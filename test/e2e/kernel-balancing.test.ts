import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { type Connection, createConnection } from "mariadb";
import { eventually } from "../eventually.ts";
import { deadline } from "../lab/deadline.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { MariaDb } from "../lab/maria-db.ts";
import type { Process } from "../lab/process.ts";
import { runSluice, startSluice } from "../lab/sluice.ts";

// Two real servers behind rules of nftables; clients on the host with the rules, and on another one.

const PASSWORD = "Kept out of argv 1!";
/** Three to one. */
const TURNS = 4008;
const BY_SOURCE = 4009;
/** Each wait has a shorter deadline of its own, whose message tells what was waited for. */
const TEST_MS = 120_000;
/** For one answer, or the end of one. */
const ANSWER_MS = 8000;
/** Ends 2 s after the daemon. */
const BRIEF = 4010;
const TTL_MS = 2000;
/** Servers see their clients. */
const SHOWN = 4011;
const PORTS = [TURNS, BY_SOURCE, BRIEF, SHOWN];

let lab: Lab;
let proxy: Host;
let servers: readonly [MariaDb, MariaDb];
let sluice: Process;
const open: Connection[] = [];
/** What afterEach puts right: hosts that are slow or cut off, servers that a person has taken out. */
const impaired = new Set<Host>();
const away = new Set<string>();
const sockets = new Set<Socket>();

beforeAll(async () => {
  lab = await Lab.create({ name: "kernel-balancing" });
  const hosts = await Promise.all([lab.host("db1"), lab.host("db2")]);
  const options = { options: { bind_address: "*" } };
  servers = (await Promise.all(hosts.map((host) => MariaDb.start(host, options)))) as unknown as readonly [
    MariaDb,
    MariaDb,
  ];
  for (const server of servers)
    await server.sql(
      `CREATE USER monitor@'%' IDENTIFIED BY '${PASSWORD}';
       CREATE USER app@'%' IDENTIFIED BY '${PASSWORD}'; GRANT ALL ON *.* TO app@'%'`,
    );
  proxy = await lab.host("proxy");
  await setForwarding(1);
  // Their answers to the clients of SHOWN have to pass where they were translated.
  for (const { host } of servers)
    await host.run(["ip", "route", "add", `${lab.address}/32`, "via", proxy.address]);
  proxy.write("/etc/sluice.cnf", configuration(), 0o600);
  sluice = await start();
  for (const port of PORTS) await reaches(port, "greeted");
  await untilBothServe();
}, 120_000);

afterAll(async () => {
  await lab.destroy();
});

// A test that failed halfway must not drag the others down.
afterEach(async () => {
  for (const connection of open.splice(0)) connection.destroy();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  for (const host of impaired) await host.restore();
  impaired.clear();
  for (const server of servers) {
    if (server.isRunning) await server.resume();
    else await server.start();
  }
  if (sluice.hasExited) sluice = await start();
  for (const name of away) await maintenance("off", name);
}, 60_000);

const setForwarding = async (value: 0 | 1): Promise<void> => {
  const settings = [`net.ipv4.ip_forward=${value}`, `net.ipv6.conf.all.forwarding=${value}`];
  // All are in one network here, and a router would tell the servers so.
  const silent = ["all", "eth0"].map((name) => `net.ipv4.conf.${name}.send_redirects=0`);
  await proxy.run(["sysctl", "-w", ...settings, ...silent]);
};

function configuration(): string {
  const objects = servers.flatMap(({ host, address, port }, i) => [
    `[${host.name}]\ntype=server\naddress=${address}\nport=${port}\nweight=${i === 0 ? 3 : 1}\n`,
    `[${host.name}-six]\ntype=server\naddress=${host.address6}\nport=${port}\n`,
  ]);
  const names = servers.map(({ host }) => `${host.name},${host.name}-six`).join(",");
  const service = (name: string, port: number, more: string): string => `
[${name}]
type=service
router=readconnroute
dataplane=kernel
cluster=fleet
${more}

[${name}-listener]
type=listener
service=${name}
port=${port}
`;
  return `[sluice]
threads=1
datadir=${proxy.folder}/data
persistdir=${proxy.folder}/data/sluice.cnf.d

${objects.join("\n")}
[fleet]
type=monitor
module=mariadbmon
servers=${names}
user=monitor
password=${PASSWORD}
monitor_interval=200ms
check_timeout=400ms
failcount=2
${service("turns", TURNS, "balance=round-robin")}
${service("by-source", BY_SOURCE, "balance=source")}
${service("brief", BRIEF, `balance=random\nkernel_ttl=${TTL_MS}ms`)}
${service("shown", SHOWN, "balance=random\nkernel_masquerade=false")}`;
}

async function start(...flags: readonly string[]): Promise<Process> {
  const process = await startSluice(proxy, ["run", "--config", proxy.path("/etc/sluice.cnf"), ...flags]);
  await process.waitForOutput(/sluice \S+ watches/, 10_000);
  return process;
}

async function client(port = TURNS, host = proxy.address): Promise<Connection> {
  const account = { user: "app", password: PASSWORD, connectTimeout: 5000 };
  const connection = await createConnection({ host, port, ...account });
  connection.on("error", () => {});
  open.push(connection);
  return connection;
}

/** An answer of one row. One that does not come would otherwise hold the test until it is over. */
async function ask<Row>(connection: Connection, query: string): Promise<Row> {
  const [row] = await deadline(connection.query<Row[]>(query), ANSWER_MS, `the answer to ${query}`);
  if (row === undefined) throw new Error(`${query} has no row`);
  return row;
}

async function hostOf(connection: Connection): Promise<string> {
  return (await ask<{ name: string }>(connection, "SELECT @@hostname AS name")).name;
}

/** A client that waits for its server; `ended` resolves when it has learnt that this is in vain, and rejects where it does not. */
function waiting(connection: Connection): { ended: (why: string) => Promise<void> } {
  // To destroy it the driver would connect once more and kill the query, which is not there any more.
  open.splice(open.indexOf(connection), 1);
  const outcome = connection.query("SELECT SLEEP(60)").then(
    () => "answered",
    () => "ended",
  );
  return {
    ended: async (why) =>
      expect(await deadline(outcome, ANSWER_MS, `the end of a client that waits (${why})`)).toBe("ended"),
  };
}

const idOf = (line: string): string => line.split("\t")[0] ?? "";

async function serverBehind(port = TURNS): Promise<string> {
  const connection = await client(port);
  const name = await hostOf(connection);
  await connection.end();
  return name;
}

/** A session on that very server. */
async function clientOn(server: MariaDb, port = TURNS, family: 4 | 6 = 4): Promise<Connection> {
  const address = family === 4 ? proxy.address : proxy.address6;
  return await eventually(
    async () => {
      const connection = await client(port, address);
      if ((await hostOf(connection)) === server.host.name) return connection;
      await connection.end();
      return false;
    },
    { what: `a session on ${server.host.name}` },
  );
}

/** The server's greeting, or the code of the error that a client met. */
function dial(port = TURNS, host = proxy.address, localPort?: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, ...(localPort === undefined ? {} : { localPort }) });
    sockets.add(socket);
    const settle = (found: string): void => {
      socket.destroy();
      sockets.delete(socket);
      resolve(found);
    };
    socket.once("data", () => settle("greeted"));
    socket.once("error", (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
    socket.setTimeout(5000, () => settle("timeout"));
  });
}

/** The same from the host with the rules. */
async function dialInside(address: string, port = TURNS): Promise<boolean> {
  const script = `exec 3<>/dev/tcp/${address}/${port} && head -c 4 <&3 | wc -c`;
  const { stdout } = await proxy.run(["timeout", "5", "bash", "-c", script], { mayFail: true });
  return stdout.trim() === "4";
}

const reaches = async (port: number, expected: string, within = 10_000): Promise<unknown> =>
  await eventually(async () => (await dial(port)) === expected, { within, what: `${expected} on ${port}` });

async function untilBothServe(): Promise<void> {
  for (const server of servers) {
    if (!server.isRunning) await server.start();
    await (await clientOn(server)).end();
  }
}

/** The rules that lead connections at the moment. */
async function rules(): Promise<string> {
  const list = async (chain: string): Promise<string> =>
    (await proxy.run(["nft", "list", "chain", "inet", "sluice_balance", chain])).stdout;
  const [, side = ""] = /jump (balance_[ab])/.exec(await list("remote")) ?? [];
  return await list(side);
}

/** No rule leads to the server's IPv4 address any more. */
async function untilSpared({ host, address }: MariaDb): Promise<void> {
  const isSpared = async (): Promise<boolean> => !new RegExp(`${address}(:| \\.)`).test(await rules());
  await eventually(isSpared, { what: `rules without ${host.name}` });
}

const maintenance = async (state: "on" | "off" | "drain", server: string): Promise<void> => {
  if (state === "off") away.delete(server);
  else away.add(server);
  await runSluice(proxy, ["maintenance", state, "--server", server]);
};

/** Connections that the rules have led to each server's IPv4 address, from a port. */
async function led(port: number): Promise<readonly number[]> {
  const { stdout } = await proxy.run(["nft", "list", "set", "inet", "sluice_balance", `to4_${port}`]);
  return servers.map(({ address }) => {
    const pattern = new RegExp(`${address.replaceAll(".", "\\.")} \\. 3306 counter packets (\\d+)`);
    return Number(pattern.exec(stdout)?.[1] ?? 0);
  });
}

/** The server with weight 3, and the one with weight 1. */
const heavy = 0;
const light = 1;

describe("clients", () => {
  test("remote and local, IPv4 and IPv6; by a loopback address they are refused at once", async () => {
    for (const port of PORTS) expect([port, await dial(port)]).toEqual([port, "greeted"]);
    await eventually(async () => (await dial(TURNS, proxy.address6)) === "greeted", { what: "IPv6" });
    expect(await dialInside(proxy.address)).toBe(true);
    expect(await dialInside(proxy.address6)).toBe(true);
    expect(await dialInside("127.0.0.1")).toBe(false);
    expect(await dialInside("::1")).toBe(false);
  });

  test("127.0.0.1 works where the kernel lets it out", async () => {
    await proxy.run(["sysctl", "-w", "net.ipv4.conf.all.route_localnet=1"]);
    await eventually(() => dialInside("127.0.0.1"), { what: "a local client by 127.0.0.1" });
    await proxy.run(["sysctl", "-w", "net.ipv4.conf.all.route_localnet=0"]);
  });

  test("servers see this host as the client, or the client itself with kernel_masquerade=false", async () => {
    const userOf = async (port: number): Promise<string> => {
      const connection = await client(port);
      return (await ask<{ user: string }>(connection, "SELECT USER() AS user")).user;
    };
    expect(await userOf(TURNS)).toBe(`app@${proxy.address}`);
    expect(await userOf(SHOWN)).toBe(`app@${lab.address}`);
  });
});

describe("who gets them", () => {
  test(
    "round robin keeps the weights within 1 %; the same client always has the same server",
    async () => {
      const before = await led(TURNS);
      const count = 400;
      for (let i = 0; i < count; i += 20)
        await Promise.all(Array.from({ length: 20 }, async () => expect(await dial()).toBe("greeted")));
      const after = await led(TURNS);
      const [three = 0, one = 0] = after.map((total, i) => total - (before[i] ?? 0));
      expect(three + one).toBe(count);
      expect(Math.abs(three / count - 0.75)).toBeLessThan(0.01);

      const begun = await led(BY_SOURCE);
      for (let i = 0; i < 20; i++) expect(await dial(BY_SOURCE)).toBe("greeted");
      const shares = (await led(BY_SOURCE)).map((total, i) => total - (begun[i] ?? 0));
      expect(shares.toSorted((a, b) => a - b)).toEqual([0, 20]);
    },
    TEST_MS,
  );
});

describe("what becomes of connections", () => {
  test(
    "a change of weights, and a server that goes and comes, leave those of others alone",
    async () => {
      const session = await clientOn(servers[light]);
      await runSluice(proxy, ["alter", "server", servers[light].host.name, "weight=5"]);
      await eventually(async () => (await rules()).includes("mod 8"), { what: "rules by the new weights" });
      expect(await hostOf(session)).toBe(servers[light].host.name);
      await maintenance("on", servers[heavy].host.name);
      await untilSpared(servers[heavy]);
      expect(await hostOf(session)).toBe(servers[light].host.name);
      await maintenance("off", servers[heavy].host.name);
      await untilBothServe();
      expect(await hostOf(session)).toBe(servers[light].host.name);
      await runSluice(proxy, ["alter", "server", servers[light].host.name, "weight=1"]);
    },
    TEST_MS,
  );

  test(
    "while rules change again and again nobody is refused",
    async () => {
      let isOver = false;
      const found = watchFor(() => isOver);
      for (const weight of [2, 7, 4, 9, 1])
        await runSluice(proxy, ["alter", "server", servers[light].host.name, `weight=${weight}`]);
      isOver = true;
      expect(await found).toEqual([]);
      expect(sluice.output).not.toContain("kernel_repaired");
    },
    TEST_MS,
  );

  test.each([
    ["masqueraded", TURNS, 4],
    ["masqueraded", TURNS, 6],
    ["seen as it is", SHOWN, 4],
  ] as const)(
    "maintenance resets both ends, a client that waits, too (%s, port %d, IPv%d)",
    async (_, port, family) => {
      const [server] = servers;
      // Between namespaces an answer comes before the question has been put down; between hosts it takes its time.
      impaired.add(server.host);
      await server.host.slow({ delayMs: 5 });
      const session = await clientOn(server, port, family);
      const idle = await clientOn(server, port, family);
      const { id } = await ask<{ id: bigint }>(idle, "SELECT CONNECTION_ID() AS id");
      const { ended } = waiting(session);
      const name = family === 4 ? server.host.name : `${server.host.name}-six`;
      await maintenance("on", name);
      await ended("maintenance");
      const present = `SELECT 1 FROM information_schema.processlist WHERE id = ${id}`;
      await eventually(async () => (await server.sql(present)).length === 0, {
        what: "the end of the idle session on the server",
      });
      impaired.delete(server.host);
      await server.host.restore();
      await maintenance("off", name);
      await untilBothServe();
    },
    TEST_MS,
  );

  test(
    "clients that are about to connect when their server goes are led elsewhere or reset, and never left waiting",
    async () => {
      const { host } = servers[heavy];
      impaired.add(host);
      await host.slow({ delayMs: 20 });
      let isOver = false;
      const found = Promise.all(Array.from({ length: 8 }, () => watchFor(() => isOver, 60_000)));
      for (let i = 0; i < 4; i++) {
        await maintenance("on", host.name);
        await untilSpared(servers[heavy]);
        await maintenance("off", host.name);
        await eventually(async () => (await rules()).includes(servers[heavy].address), {
          what: "it is back",
        });
      }
      isOver = true;
      expect((await found).flat().filter((met) => met.endsWith("timeout"))).toEqual([]);
      impaired.delete(host);
      await host.restore();
      await untilBothServe();
    },
    TEST_MS,
  );

  test.each([4, 6] as const)(
    "a client that was reset may come again from the same port (IPv%d)",
    async (family) => {
      const host = family === 4 ? proxy.address : proxy.address6;
      const names = servers.map((server) => (family === 4 ? server.host.name : `${server.host.name}-six`));
      const localPort = 20_000 + (process.pid % 10_000);
      impaired.add(proxy);
      await proxy.slow({ delayMs: 5 });
      const session = connect({ host, port: TURNS, localPort });
      sockets.add(session);
      session.on("error", () => {});
      const isClosed = new Promise((resolve) => session.once("close", resolve));
      await new Promise((resolve) => session.once("data", resolve));
      for (const name of names) await maintenance("on", name);
      await deadline(isClosed, ANSWER_MS, "the reset of the client");
      for (const name of names) await maintenance("off", name);
      await eventually(async () => (await dial(TURNS, host)) === "greeted", {
        what: "a server that is back",
      });
      // What the kernel remembers of the reset would refuse the port, and each refused try keep the memory alive.
      const own = ["conntrack", "-L", "-f", `ipv${family}`, "-p", "tcp", "--orig-port-src", String(TURNS)];
      await eventually(async () => !(await proxy.run(own)).stdout.includes("tcp"), {
        within: 5000,
        what: "nothing remembered of the reset",
      });
      // It is reset twice, and refused for the blink of an eye each time.
      await eventually(async () => (await dial(TURNS, host, localPort)) === "greeted", {
        within: 5000,
        what: "a connection from the port of before",
      });
    },
    TEST_MS,
  );

  test(
    "kill -9 of a server: its sessions end, new ones go to the other",
    async () => {
      const session = await clientOn(servers[heavy]);
      await servers[heavy].kill();
      await eventually(() => !session.isValid(), { what: "the end of the session" });
      await untilSpared(servers[heavy]);
      expect(await serverBehind()).toBe(servers[light].host.name);
      await untilBothServe();
    },
    TEST_MS,
  );

  test(
    "a host that is cut off, or a server that hangs: a client that waits is reset",
    async () => {
      for (const fault of ["cut", "hang"] as const) {
        const session = await clientOn(servers[heavy]);
        const { ended } = waiting(session);
        impaired.add(servers[heavy].host);
        if (fault === "cut") await servers[heavy].host.cut();
        else await servers[heavy].hang();
        await ended(fault);
        if (fault === "cut") await servers[heavy].host.restore();
        else await servers[heavy].resume();
        await untilBothServe();
      }
    },
    TEST_MS,
  );

  test(
    "drain: no new ones, those that are there go on and are counted until the last",
    async () => {
      const session = await clientOn(servers[heavy]);
      await maintenance("drain", servers[heavy].host.name);
      await untilSpared(servers[heavy]);
      for (let i = 0; i < 8; i++) expect(await serverBehind()).toBe(servers[light].host.name);
      expect(await hostOf(session)).toBe(servers[heavy].host.name);
      const connections = async (): Promise<number> => {
        const { stdout } = await runSluice(proxy, ["list", "servers", "--tsv"]);
        const line = stdout.split("\n").find((one) => one.startsWith(`${servers[heavy].host.name}\t`));
        return Number(line?.split("\t")[3]);
      };
      await eventually(async () => (await connections()) === 1, { what: "one connection", within: 20_000 });
      await session.end();
      await eventually(async () => (await connections()) === 0, { what: "no connection", within: 20_000 });
      await maintenance("off", servers[heavy].host.name);
      await untilBothServe();
    },
    TEST_MS,
  );

  test(
    "sessions are listed, and ended by their id",
    async () => {
      const lines = async (): Promise<readonly string[]> => {
        const { stdout } = await runSluice(proxy, ["list", "sessions", "--tsv"]);
        return stdout.split("\n").filter((line) => line.includes("\tturns"));
      };
      const before = new Set((await lines()).map(idOf));
      const session = await clientOn(servers[light]);
      // Those on the way to that server have ended, and the kernel may not know it yet.
      for (const line of (await lines()).filter((one) => !before.has(idOf(one)))) {
        expect(line).toContain(lab.address);
        await runSluice(proxy, ["destroy", "session", idOf(line)], { mayFail: true });
      }
      await eventually(() => !session.isValid(), { what: "the end of the session" });
    },
    TEST_MS,
  );

  test(
    "nobody left: refused at once",
    async () => {
      for (const server of servers) await maintenance("on", server.host.name);
      await reaches(TURNS, "ECONNREFUSED");
      expect(await dialInside(proxy.address)).toBe(false);
      // IPv6 clients have servers of their own.
      expect(await dial(TURNS, proxy.address6)).toBe("greeted");
      for (const server of servers) await maintenance("off", server.host.name);
      await untilBothServe();
    },
    TEST_MS,
  );
});

describe("the daemon", () => {
  test(
    "what others change is put right, and said; their own tables are left alone",
    async () => {
      const others =
        "table ip others { chain c { type nat hook prerouting priority 0; tcp dport 81 redirect to :80; }; }";
      await proxy.run(["nft", "-f", "-"], { stdin: others });
      for (const fault of [
        "delete table inet sluice_balance",
        "flush chain inet sluice_balance remote",
        "flush set inet sluice_balance open",
      ]) {
        const repairs = (): number =>
          sluice.output.split("were not as this program had left them").length - 1;
        const before = repairs();
        await proxy.run(["nft", ...fault.split(" ")]);
        await eventually(() => repairs() > before, { what: `a word of the repair after ${fault}` });
        await reaches(TURNS, "greeted");
      }
      const { stdout } = await proxy.run(["nft", "list", "table", "ip", "others"]);
      expect(stdout).toContain("redirect to :80");
      await proxy.run(["nft", "delete", "table", "ip", "others"]);
    },
    TEST_MS,
  );

  test(
    "kill -9: all goes on, but what has a kernel_ttl is closed after that; a new one takes over without a gap",
    async () => {
      const session = await clientOn(servers[heavy]);
      const brief = await client(BRIEF);
      sluice.kill();
      await sluice.ended();
      expect(await dial(BRIEF)).toBe("greeted");
      await reaches(BRIEF, "ECONNREFUSED", TTL_MS + 5000);
      expect(await dial(TURNS)).toBe("greeted");
      let isOver = false;
      const refused = watchFor(() => isOver, 60_000);
      sluice = await start();
      await reaches(BRIEF, "greeted");
      await untilBothServe();
      isOver = true;
      expect(await refused).toEqual([]);
      await hostOf(session);
      await hostOf(brief);
    },
    TEST_MS,
  );

  test(
    "a service moves from the kernel to worker processes and back; a listener is stopped and started",
    async () => {
      const isInKernel = async (): Promise<boolean> => (await rules()).includes(`dport ${TURNS} `);
      const session = await clientOn(servers[heavy]);
      await runSluice(proxy, ["alter", "service", "turns", "dataplane=user"]);
      expect(await isInKernel()).toBe(false);
      await reaches(TURNS, "greeted");
      expect(proxy.isListening(TURNS)).toBe(true);
      expect(await hostOf(session)).toBe(servers[heavy].host.name);
      await runSluice(proxy, ["alter", "service", "turns", "dataplane=kernel"]);
      await eventually(isInKernel, { what: "rules for the service" });
      expect(proxy.isListening(TURNS)).toBe(false);
      await untilBothServe();
      expect(await hostOf(session)).toBe(servers[heavy].host.name);

      await runSluice(proxy, ["stop", "listener", "turns-listener"]);
      await reaches(TURNS, "ECONNREFUSED");
      expect(await dial(BY_SOURCE)).toBe("greeted");
      expect(await hostOf(session)).toBe(servers[heavy].host.name);
      expect((await runSluice(proxy, ["list", "sessions", "--tsv"])).stdout).toContain("\tturns");
      await runSluice(proxy, ["start", "listener", "turns-listener"]);
      await reaches(TURNS, "greeted");
      const refused = await runSluice(proxy, ["alter", "service", "turns", "balance=two-choices"], {
        mayFail: true,
      });
      expect(refused.stderr).toContain("dataplane=kernel cannot do two-choices");
    },
    TEST_MS,
  );

  test(
    "kernel_keep_on_exit and --run-as: rules outlive a restart, and the user who took over can change them",
    async () => {
      await runSluice(proxy, ["alter", "service", "turns", "kernel_keep_on_exit=true"]);
      const kept = await clientOn(servers[light]);
      const ended = await client(BY_SOURCE);
      await sluice.terminate();
      expect(await dial(TURNS)).toBe("greeted");
      expect(await dial(BY_SOURCE)).toBe("ECONNREFUSED");
      await eventually(() => !ended.isValid(), { what: "the end of the session that is not kept" });
      expect(await hostOf(kept)).toBe(servers[light].host.name);

      await proxy.run(["chown", "-R", "nobody", `${proxy.folder}/data`, "/run/sluice", "/etc/sluice.cnf"]);
      sluice = await start("--run-as", "nobody");
      await reaches(BY_SOURCE, "greeted");
      await maintenance("on", servers[light].host.name);
      await eventually(() => !kept.isValid(), { what: "the end of the session" });
      await maintenance("off", servers[light].host.name);
      await runSluice(proxy, ["alter", "service", "turns", "kernel_keep_on_exit=false"]);
      await sluice.terminate();
      await proxy.run(["chown", "-R", "root", `${proxy.folder}/data`, "/run/sluice", "/etc/sluice.cnf"]);
      sluice = await start();
      await untilBothServe();
    },
    TEST_MS,
  );

  test(
    "a second one is refused, and one without the privilege or without forwarding says what to do",
    async () => {
      proxy.write(
        "/etc/second.cnf",
        configuration().replace("threads=1", "threads=1\nadmin_port=8990"),
        0o644,
      );
      const second = async (user?: string) =>
        await runSluice(
          proxy,
          ["run", "--config", proxy.path("/etc/second.cnf"), "--runtime-dir", `${proxy.folder}/second`],
          { mayFail: true, ...(user === undefined ? {} : { user }) },
        );
      expect((await second()).stderr).toContain(
        "another process of Sluice has services with dataplane=kernel",
      );
      await sluice.terminate();
      await setForwarding(0);
      const { code, stderr } = await second();
      expect([code, stderr]).toEqual([1, expect.stringContaining("sysctl -w net.ipv4.ip_forward=1")]);
      await setForwarding(1);
      await proxy.run(["install", "-d", "-o", "nobody", `${proxy.folder}/second`, `${proxy.folder}/data`]);
      await proxy.run(["chown", "-R", "nobody", `${proxy.folder}/second`, `${proxy.folder}/data`]);
      const doctor = ["doctor", "--config", proxy.path("/etc/second.cnf")];
      expect((await runSluice(proxy, doctor, { mayFail: true })).stdout).toMatch(
        /ok +kernel balancing +nft and/,
      );
      const denied = await second("nobody");
      expect([denied.code, denied.stderr]).toEqual([4, expect.stringContaining("CAP_NET_ADMIN")]);
      sluice = await start();
      await untilBothServe();
    },
    TEST_MS,
  );

  test(
    "a normal end resets every session and leaves nothing in the firewall",
    async () => {
      const session = await clientOn(servers[light]);
      await sluice.terminate();
      await eventually(() => !session.isValid(), { what: "the end of the session" });
      expect(await dial()).toBe("ECONNREFUSED");
      expect(await ruleset()).not.toContain("sluice");
    },
    TEST_MS,
  );

  test(
    "what a killed one has left is taken away by one that has no use for it",
    async () => {
      await reaches(TURNS, "greeted");
      sluice.kill();
      await sluice.ended();
      expect(await ruleset()).toContain("sluice");
      await proxy.run(["rm", "-r", `${proxy.folder}/data/sluice.cnf.d`]);
      proxy.write("/etc/sluice.cnf", configuration().replaceAll("dataplane=kernel", "dataplane=user"), 0o600);
      sluice = await start();
      expect(await ruleset()).not.toContain("sluice");
      await reaches(TURNS, "greeted");
    },
    TEST_MS,
  );
});

async function ruleset(): Promise<string> {
  return (await proxy.run(["nft", "list", "ruleset"])).stdout;
}

/** What a client from outside met instead of the server's greeting, and when, until it is enough. */
async function watchFor(isEnough: () => boolean, within = 15_000): Promise<readonly string[]> {
  const refused: string[] = [];
  const begun = performance.now();
  const end = begun + within;
  do {
    const found = await dial();
    if (found !== "greeted") refused.push(`${Math.round(performance.now() - begun)} ms: ${found}`);
  } while (!isEnough() && performance.now() < end);
  return refused;
}
