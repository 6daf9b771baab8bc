import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Connection, createConnection } from "mariadb";
import { eventually } from "../eventually.ts";
import type { Host } from "../lab/host.ts";
import { httpRequest } from "../lab/http.ts";
import { Lab } from "../lab/lab.ts";
import { MariaDb } from "../lab/maria-db.ts";
import type { Process } from "../lab/process.ts";
import { runSluice, sluiceAs, sluicePath, startSluice } from "../lab/sluice.ts";
import { hostOf } from "../support/host-of.ts";

// GLB's init script, command line, control socket, FIFO, watchdog and latency weights, in front of real servers.

const PASSWORD = "Kept out of argv 1!";
const LISTEN = 8010;
const CONTROL = 8011;

let lab: Lab;
let servers: readonly MariaDb[];
let balancer: Host;
const open: Connection[] = [];
const running: Process[] = [];

beforeAll(async () => {
  lab = await Lab.create({ name: "glb" });
  // The servers of the init script; divjobs4 is switched off.
  const hosts = await Promise.all(
    ["djdb2", "djdb3", "divjobs3", "divjobs4", "balancer"].map((name) => lab.host(name)),
  );
  balancer = hosts[4] as Host;
  servers = await Promise.all(hosts.slice(0, 3).map((host) => MariaDb.start(host, { port: 8000 })));
  for (const server of servers)
    await server.sql(`CREATE USER app@'%' IDENTIFIED BY '${PASSWORD}'; GRANT ALL ON *.* TO app@'%'`);
}, 120_000);

afterAll(async () => {
  await lab.destroy();
});

afterEach(async () => {
  for (const connection of open.splice(0)) connection.destroy();
  for (const process of running.splice(0)) await process.terminate();
});

async function client(port = LISTEN): Promise<Connection> {
  const connection = await createConnection({
    host: balancer.address,
    port,
    user: "app",
    password: PASSWORD,
    connectTimeout: 5000,
  });
  connection.on("error", () => {});
  open.push(connection);
  return connection;
}

/** Which servers new sessions get; those opened on the way are closed. */
async function hostsBehind(port = LISTEN, count = 12): Promise<readonly string[]> {
  const names = new Set<string>();
  const opened = await Promise.all(Array.from({ length: count }, async () => await client(port)));
  for (const connection of opened) {
    names.add(await hostOf(connection));
    await connection.end();
  }
  return [...names].sort();
}

const untilHosts = async (names: readonly string[], port = LISTEN): Promise<void> => {
  await eventually(async () => JSON.stringify(await hostsBehind(port)) === JSON.stringify(names), {
    what: `sessions on ${names.join(", ")}`,
    within: 20_000,
  });
};

/** What Debian's nc gets for a command. */
async function control(command: string, port = CONTROL): Promise<string> {
  const { stdout } = await balancer.run(["nc", "127.0.0.1", String(port)], { stdin: `${command}\n` });
  return stdout;
}

/** `djdb2:8000` -> weight and connections, of getinfo. */
async function routes(port = CONTROL): Promise<Record<string, { weight: number; connections: number }>> {
  const rows = [...(await control("getinfo", port)).matchAll(/^ *(\S+) : +(\S+) +\S+ +\S+ +(\d+)$/gm)];
  return Object.fromEntries(
    rows.map(([, name, weight, conns]) => [name, { weight: Number(weight), connections: Number(conns) }]),
  );
}

/** A session on each of the servers, which have none. */
async function sessionOnEach(names: readonly string[]): Promise<readonly Connection[]> {
  // One that its client has left is there until the worker has seen that.
  await eventually(async () => Object.values(await routes()).every(({ connections }) => connections === 0), {
    what: "no session left",
  });
  const sessions = new Map<string, Connection>();
  for (const _ of names) {
    const connection = await client();
    sessions.set(await hostOf(connection), connection);
  }
  return names.map((name) => {
    const session = sessions.get(name);
    if (session === undefined) throw new Error(`the sessions are on ${[...sessions.keys()].join()}`);
    return session;
  });
}

/** Folders that it writes to and that a host shares with the machine. */
const ownFolders = (): readonly string[] => [
  "--state-dir",
  `${balancer.folder}/state`,
  "--fifo",
  `${balancer.folder}/glbd.fifo`,
];

async function glbd(args: readonly string[], ports: readonly number[] = [LISTEN, CONTROL]): Promise<Process> {
  const process = await balancer.spawn([sluiceAs(balancer, "glbd"), ...ownFolders(), ...args]);
  running.push(process);
  await balancer.untilListening(process, ports);
  return process;
}

describe("the init script", () => {
  const script = async (...args: readonly string[]) =>
    await balancer.run(["bash", "/etc/init.d/glbd", ...args], {
      mayFail: true,
      timeoutMs: 30_000,
      // -d stands here as well: it must not go on putting itself into the background.
      env: { GLB_OPTIONS: `-d --fifo=${balancer.folder}/glbd.fifo` },
    });

  beforeAll(async () => {
    balancer.write(
      "/etc/init.d/glbd",
      readFileSync(fileURLToPath(new URL("../fixtures/glb/glbd.init", import.meta.url)), "utf8"),
      0o755,
    );
    await installAsGlbd();
  });

  /** /usr/sbin/glbd of this host alone is Sluice; /var/log and /var/lib are its own as well. */
  async function installAsGlbd(): Promise<void> {
    const folder = `${balancer.folder}/sbin`;
    mkdirSync(`${folder}/machine`, { recursive: true });
    mkdirSync(`${folder}/merged`);
    symlinkSync(sluicePath(), `${folder}/merged/glbd`);
    await balancer.run([
      "sh",
      "-ec",
      `mount --bind /usr/sbin ${folder}/machine
       for file in ${folder}/machine/*; do ln -s "$file" ${folder}/merged/; done
       mount --bind ${folder}/merged /usr/sbin
       mount -t tmpfs tmpfs /var/log
       mount -t tmpfs tmpfs /var/lib`,
    ]);
  }

  test("start, getinfo, getstats, add, remove and stop", async () => {
    const started = await script("start");
    expect(started.stdout).toContain("glbd: starting...");
    expect(started.stdout).toContain("   3: divjobs4:8000, w: 1.000\n");
    expect(started.code).toBe(0);
    await untilHosts(["divjobs3", "djdb2", "djdb3"]);

    // Those who have just left are there until the workers have seen that.
    const info = await eventually(async () => {
      const said = await script("getinfo");
      if (said.stdout.includes("total connections: 0 of ")) return said;
      throw new Error(said.stdout);
    });
    expect(info.code).toBe(0);
    expect(info.stdout).toMatch(/^Router:\n-{54}\n {8}Address {7}: {3}weight {3}usage {4}map {2}conns\n/);
    expect(info.stdout).toContain("           djdb2:8000 :    0.750   0.000    N/A      0\n");
    expect(info.stdout).toContain("        divjobs4:8000 :    1.000   0.000    N/A      0\n");
    expect(info.stdout).toMatch(/-{54}\nDestinations: 4, total connections: 0 of \d+ max\n$/);
    expect((await script("status")).stdout).toContain("Destinations: 4");

    const stats = await script("getstats");
    expect(stats.stdout).toMatch(
      /^in: [1-9]\d* out: [1-9]\d* recv: \d+ \/ \d+ send: \d+ \/ \d+ conns: [1-9]\d* \/ 0 poll: \d+ \/ 0 \/ \d+ elapsed: \d+\.\d{5}\n$/,
    );

    expect((await script("remove", "djdb3:8000")).stdout).toContain("removed 'djdb3:8000' successfully");
    expect((await script("remove", "djdb3:8000")).stdout).toContain("failed to remove target");
    await untilHosts(["divjobs3", "djdb2"]);
    const [, djdb3] = servers;
    expect((await script("add", `${djdb3?.address}:8000:2`)).stdout).toContain("successfully");
    await untilHosts(["divjobs3", "djdb2", "djdb3"]);

    expect((await script("stop")).stdout).toContain("done.");
    await eventually(() => !balancer.isListening(LISTEN) && !balancer.isListening(CONTROL));
    await eventually(
      async () => (await balancer.run(["pgrep", "-f", "glbd-8010"], { mayFail: true })).stdout === "",
    );
  }, 60_000);

  test("-d says why it does not start", async () => {
    const blocker = await balancer.spawn(["nc", "-lk", String(LISTEN)]);
    running.push(blocker);
    await balancer.untilListening(blocker, [LISTEN]);
    const { code, stderr } = await balancer.run(
      [sluiceAs(balancer, "glbd"), "-d", ...ownFolders(), String(LISTEN), "djdb2:8000"],
      {
        mayFail: true,
        timeoutMs: 30_000,
      },
    );
    expect(stderr).toContain("cannot listen on");
    expect(code).toBe(1);
  }, 60_000);
});

describe("the control socket", () => {
  test("a drained server keeps its sessions, a removed one loses them", async () => {
    await glbd(["-c", String(CONTROL), "-b", String(LISTEN), "djdb2:8000", "djdb3:8000"]);
    await untilHosts(["djdb2", "djdb3"]);
    const [onDjdb2, onDjdb3] = (await sessionOnEach(["djdb2", "djdb3"])) as [Connection, Connection];
    expect(await routes()).toEqual({
      "djdb2:8000": { weight: 1, connections: 1 },
      "djdb3:8000": { weight: 1, connections: 1 },
    });
    expect(await control("djdb2:8000:0")).toBe("Ok\n");
    await untilHosts(["djdb3"]);
    expect(await hostOf(onDjdb2)).toBe("djdb2");
    expect(await control("djdb2:8000:1")).toBe("Ok\n");
    expect(await control("djdb3:8000:-1")).toBe("Ok\n");
    await eventually(() => !onDjdb3.isValid(), { what: "the end of the session" });
    expect(await hostOf(onDjdb2)).toBe("djdb2");
    await untilHosts(["djdb2"]);
    expect(await control("bogus")).toBe("Error\n");
  }, 60_000);

  test("the FIFO changes weights, and the commands of the fleet show them", async () => {
    await glbd(["-c", String(CONTROL), String(LISTEN), "djdb2:8000", "djdb3:8000"]);
    writeFileSync(`${balancer.folder}/glbd.fifo`, "djdb3:8000:0\n");
    await eventually(async () => (await routes())["djdb3:8000"]?.weight === 0);
    const { stdout } = await runSluice(balancer, ["list", "servers", "--tsv"], {
      env: { SLUICE_RUNTIME_DIR: `/run/glbd-${LISTEN}` },
    });
    expect(stdout).toContain("djdb2-8000");
  }, 60_000);

  test("a change at run time outlives `sluice run`", async () => {
    balancer.write(
      "/etc/sluice.cnf",
      `[sluice]
threads=1
datadir=${balancer.folder}/data
persistdir=${balancer.folder}/data/persist

[djdb2]
type=server
address=djdb2
port=8000

[ports]
type=monitor
module=portmon
servers=djdb2

[app]
type=service
router=readconnroute
cluster=ports
control=127.0.0.1:${CONTROL}

[app-listener]
type=listener
service=app
port=${LISTEN}
`,
    );
    const start = async () => {
      const process = await startSluice(balancer, ["run", "--config", balancer.path("/etc/sluice.cnf")], {
        ports: [LISTEN, CONTROL],
      });
      running.push(process);
      return process;
    };
    const first = await start();
    expect(await control("djdb3:8000:0.5")).toBe("Ok\n");
    await untilHosts(["djdb2", "djdb3"]);
    await first.terminate();
    await start();
    expect(await routes()).toMatchObject({ "djdb2:8000": { weight: 1 }, "djdb3:8000": { weight: 0.5 } });
    await untilHosts(["djdb2", "djdb3"]);
  }, 60_000);
});

describe("a watchdog", () => {
  /** In one step: it is read five times a second. */
  const says = (server: string, line: string): void => {
    const next = `${balancer.folder}/watchdog.next`;
    writeFileSync(next, `${line}\n`);
    renameSync(next, `${balancer.folder}/says/${server}`);
  };

  beforeAll(() => {
    rmSync(`${balancer.folder}/says`, { recursive: true, force: true });
    mkdirSync(`${balancer.folder}/says`);
    const path = `${balancer.folder}/watchdog.sh`;
    writeFileSync(
      path,
      `#!/bin/sh\nwhile read -r word; do [ "$word" = poll ] || exit; cat "$2/$1" 2>/dev/null || echo 0; done\n`,
    );
    chmodSync(path, 0o755);
  });

  test("says who gets sessions, who keeps his, and who loses them; -D adds the members that it names", async () => {
    for (const server of ["djdb2:8000", "djdb3:8000", "divjobs3:8000"]) says(server, "3");
    const command = `exec:${balancer.folder}/watchdog.sh ${balancer.folder}/says`;
    await glbd([
      "-D",
      "-i",
      "0.2",
      "-w",
      command,
      "-c",
      String(CONTROL),
      "-b",
      String(LISTEN),
      "djdb2:8000",
      "djdb3:8000",
    ]);
    await untilHosts(["djdb2", "djdb3"]);
    const [, onDjdb3] = (await sessionOnEach(["djdb2", "djdb3"])) as [Connection, Connection];
    says("djdb3:8000", "2");
    await untilHosts(["djdb2"]);
    expect(await hostOf(onDjdb3)).toBe("djdb3");
    says("djdb3:8000", "1");
    await eventually(() => !onDjdb3.isValid(), { what: "the end of the session" });
    says("djdb2:8000", "3 djdb2:8000,djdb3:8000,divjobs3:8000");
    await untilHosts(["divjobs3", "djdb2"]);
    says("djdb3:8000", "3");
    await untilHosts(["divjobs3", "djdb2", "djdb3"]);
    // A member that was found, is gone and is down is forgotten; one of the command line never is.
    says("djdb2:8000", "3 djdb2:8000");
    says("divjobs3:8000", "0");
    says("djdb3:8000", "0");
    await eventually(async () => Object.keys(await routes()).join() === "djdb2:8000,djdb3:8000", {
      what: "the end of divjobs3",
    });
  }, 60_000);
});

test("-L: the server that is far away gets less; and no server notices that its port is tried", async () => {
  const [djdb2, djdb3] = servers as readonly [MariaDb, MariaDb];
  const before = await djdb2.status("Aborted_connects");
  await djdb3.host.slow({ delayMs: 40 });
  try {
    await glbd(["-L", "3", "-i", "0.1", "-c", String(CONTROL), String(LISTEN), "djdb2:8000", "djdb3:8000"]);
    await eventually(async () => {
      const { "djdb2:8000": near, "djdb3:8000": far } = await routes();
      return near !== undefined && far?.weight === 1 && near.weight > 3;
    });
    await untilProbed(20);
  } finally {
    await djdb3.host.restore();
  }
  expect(await djdb2.status("Aborted_connects")).toBe(before);
}, 60_000);

/** Waits for so many probes of all servers together. */
async function untilProbed(count: number): Promise<void> {
  await eventually(async () => {
    const { body } = await httpRequest("localhost", "/metrics", {
      socketPath: balancer.path(`/run/glbd-${LISTEN}/agent.sock`),
    });
    const probes = [...body.matchAll(/^sluice_probes_total\{.*\} (\d+)$/gm)].map(([, number]) =>
      Number(number),
    );
    return probes.reduce((sum, number) => sum + number, 0) >= count;
  });
}
