import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { createConnection } from "mariadb";
import { eventually } from "../eventually.ts";
import { type Galera, startGalera } from "../lab/galera.ts";
import { HaProxy } from "../lab/ha-proxy.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import type { MariaDb } from "../lab/maria-db.ts";
import { startNginx } from "../lab/nginx.ts";
import { runSluice, sluiceAs, startSluice } from "../lab/sluice.ts";

// Balancers that can only try a port, in front of three Galera nodes with a gate each; and the script's persona.

const PORTS = { nginx: 4001, pen: 4002, haproxy: 4003 } as const;
const INTERVAL_MS = 500;
const PASSWORD = "Not for the process list!";

let lab: Lab;
let galera: Galera;
let two: MariaDb;
let three: MariaDb;
let balancer: Host;

beforeAll(async () => {
  lab = await Lab.create({ name: "gate-balancers" });
  galera = await startGalera(lab);
  const [one] = galera.nodes;
  [, two, three] = galera.nodes as [MariaDb, MariaDb, MariaDb];
  await one?.sql(
    `CREATE USER checker@localhost IDENTIFIED BY '${PASSWORD}'; CREATE USER app@'%'; CREATE DATABASE app; GRANT ALL ON app.* TO app@'%'; CREATE TABLE app.t (a INT AUTO_INCREMENT PRIMARY KEY)`,
  );
  for (const { host, socketPath } of galera.nodes) {
    writeFileSync(
      `${host.folder}/client.cnf`,
      `[client]\nuser=checker\npassword="${PASSWORD}"\nsocket=${socketPath}\n`,
      {
        mode: 0o600,
      },
    );
  }
  await Promise.all(galera.nodes.map((node) => startAgent(node)));
  balancer = await lab.host("lb");
  const servers = galera.nodes.map(({ address }) => `${address}:3308`);
  await startNginx(
    balancer,
    `stream {
      upstream galera { ${servers.map((server) => `server ${server} max_fails=1 fail_timeout=1s;`).join(" ")} }
      server { listen ${PORTS.nginx}; proxy_pass galera; proxy_connect_timeout 500ms; }
    }`,
    [PORTS.nginx],
  );
  await HaProxy.start(
    balancer,
    `defaults
  mode tcp
  timeout connect 500ms
  timeout client 30s
  timeout server 30s
  retries 3
  option redispatch 1
listen galera
  bind :${PORTS.haproxy}
  default-server check inter 200ms fall 1 rise 1
${servers.map((server, i) => `  server db${i + 1} ${server}`).join("\n")}
`,
  );
  // -P: poll. With its epoll, this pen stops answering when a connection to a server fails.
  const pen = await balancer.spawn(["pen", "-f", "-P", "-r", "-b", "1", String(PORTS.pen), ...servers]);
  await balancer.untilListening(pen, [PORTS.pen]);
}, 120_000);

afterAll(async () => {
  await lab.destroy();
});

async function startAgent({ host }: MariaDb): Promise<void> {
  const account = ["--defaults-extra-file", `${host.folder}/client.cnf`];
  const pace = ["--monitor-interval", `${INTERVAL_MS}ms`, "--check-timeout", "500ms"];
  await startSluice(host, ["agent", "--name", host.name, ...account, ...pace, "--gate"], { ports: [9200] });
  await eventually(() => isOpen(host), { what: `the gate of ${host.name}` });
}

const isOpen = (host: Host): Promise<boolean> => accepts(host.address, 3308);

/** Whether a connection from outside is accepted. */
async function accepts(address: string, port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: 1000 });
    const end = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", end(true));
    socket.once("error", end(false));
    socket.once("timeout", end(false));
  });
}

async function query(port: number, sql: string): Promise<readonly Record<string, unknown>[]> {
  const connection = await createConnection({
    host: balancer.address,
    port,
    user: "app",
    connectTimeout: 3000,
  });
  try {
    return await connection.query(sql);
  } finally {
    await connection.end().catch(() => {});
  }
}

/** As clients of a balancer do: pen tells one of them that a node is not there. */
async function tryAgain<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === 4) throw error;
    }
  }
}

/** The nodes that new connections through a balancer reach. */
async function reached(port: number): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for (let i = 0; i < 12; i++) {
    const [row] = await tryAgain(() => query(port, "SELECT @@wsrep_node_name AS name"));
    names.add(String(row?.["name"]));
  }
  return names;
}

const usesAll = async (port: number): Promise<unknown> =>
  await eventually(async () => (await reached(port)).size === 3, {
    within: 15_000,
    what: "all three nodes in use",
  });

describe.each(Object.entries(PORTS))("%s", (_, port) => {
  test("a node that is desynced, hangs or dies gets no new connection", async () => {
    await usesAll(port);
    await galera.desync(two);
    await eventually(async () => !(await isOpen(two.host)), { within: 5000, what: "closed" });
    expect(await reached(port)).not.toContain(two.host.name);
    await galera.desync(two, false);
    await usesAll(port);

    await three.hang();
    await eventually(async () => !(await isOpen(three.host)), { within: 5000, what: "closed" });
    expect(await reached(port)).not.toContain(three.host.name);
    await three.resume();
    await galera.untilSettled();
    await usesAll(port);

    await three.kill();
    await eventually(async () => !(await isOpen(three.host)), { within: 5000, what: "closed" });
    expect(await reached(port)).not.toContain(three.host.name);
    await galera.rejoin(three);
    await usesAll(port);
  }, 120_000);

  test("clients that try again see no transaction fail while a node is drained", async () => {
    await usesAll(port);
    const lost: unknown[] = [];
    let done = 0;
    let isOver = false;
    const client = async (): Promise<void> => {
      while (!isOver) {
        await tryAgain(() => query(port, "INSERT INTO app.t VALUES ()")).then(
          () => (done += 1),
          (error) => lost.push(error),
        );
      }
    };
    const clients = [client(), client(), client()];
    await runSluice(two.host, ["maintenance", "drain"]);
    await eventually(async () => !(await isOpen(two.host)), { within: 2000, what: "closed" });
    const before = done;
    await eventually(() => done > before + 30, { what: "more transactions" });
    await runSluice(two.host, ["maintenance", "off"]);
    isOver = true;
    await Promise.all(clients);
    expect(lost).toEqual([]);
  }, 60_000);
});

describe("mysqlchk_iptables", () => {
  const persona = async (args: readonly string[], mayFail = false) =>
    await two.host.run([sluiceAs(two.host, "mysqlchk_iptables"), ...args], { mayFail });
  const port = "3318";
  const gate = ["-m", port, "-l", "/var/tmp/mysqlchk_iptables.log"];
  const isOpenOnTwo = () => accepts(two.address, Number(port));

  test("-t tells and changes nothing; -d, -s, -x; the disable file; never two", async () => {
    const account = ["-u", "checker", "-p", PASSWORD, "-e", `${two.host.folder}/client.cnf`];
    const rules = async () =>
      (await two.host.run(["nft", "list", "ruleset"])).stdout.replace(/\s*elements = .*/g, "");
    const before = await rules();
    const tested = await persona(["-t", ...gate, ...account]);
    expect(tested.stdout).toMatch(/wsrep_local_state.*4/);
    expect(tested.stdout).toContain("Would open port 3318");
    expect(await rules()).toBe(before);

    expect((await persona(["-s"], true)).code).toBe(1);
    expect((await persona(["-x"], true)).stdout).toBe("mysqlchk_iptables is not running.\n");
    const started = await persona(["-d", ...gate, ...account]);
    const [, pid] = /^mysqlchk_iptables started with PID (\d+)\.\n$/.exec(started.stdout) ?? [];
    await eventually(isOpenOnTwo, { what: "the port open" });
    const { stdout: processes } = await two.host.run(["ps", "axww", "-o", "args"]);
    expect(processes).toContain("mysqlchk_iptables");
    expect(processes).not.toContain(PASSWORD);
    expect((await persona(["-s"])).stdout).toStartWith(
      `mysqlchk_iptables is running with PID ${pid}: the Galera node`,
    );
    const second = await persona(["-d", ...gate, ...account], true);
    expect(second).toMatchObject({ code: 1 });
    expect(second.stderr).toContain(`running already with PID ${pid}`);

    two.host.write("/var/tmp/clustercheck.disabled", "");
    await eventually(async () => !(await isOpenOnTwo()), { within: 3000, what: "closed by hand" });
    rmSync(two.host.path("/var/tmp/clustercheck.disabled"));
    await eventually(isOpenOnTwo, { what: "open again" });
    expect((await persona(["-x"])).stdout).toBe(`mysqlchk_iptables with PID ${pid} is stopped.\n`);
    expect(await isOpenOnTwo()).toBe(false);
    expect(await rules()).not.toContain(port);
  }, 60_000);

  test("empty user and password are left to the file; a wrong one keeps it closed; a stale pid file is not believed", async () => {
    // The number of a process that lives, and is another program.
    two.host.write("/run/mysqlchk_iptables.pid", "1\n");
    const file = ["-e", `${two.host.folder}/client.cnf`];
    await persona(["-d", ...gate, "-u", "", "-p", "", ...file]);
    await eventually(isOpenOnTwo, { what: "open" });
    await persona(["--stop"]);
    const wrong = await persona(["--test", ...gate, "--user=checker", "--password=wrong", ...file], true);
    expect(wrong.code).toBe(1);
    expect(wrong.stdout).toContain("Would keep port 3318 closed");
    const none = await persona([], true);
    expect(none.code).toBe(2);
    expect(none.stderr).toContain("one of -t, -d, -x, -s, -v and -R");
  }, 60_000);
});
