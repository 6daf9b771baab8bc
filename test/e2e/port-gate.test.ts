import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { eventually } from "../eventually.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { MariaDb } from "../lab/maria-db.ts";
import type { Process } from "../lab/process.ts";
import { runSluice, startSluice } from "../lab/sluice.ts";

// A real server, the kernel's own firewall, and clients on this host and on another one.

const MIRROR = 3308;
const TTL_MS = 2000;

let lab: Lab;
let host: Host;
let server: MariaDb;
let agent: Process | undefined;
const sockets = new Set<Socket>();

beforeAll(async () => {
  lab = await Lab.create({ name: "port-gate" });
  host = await lab.host("db1");
  server = await MariaDb.start(host);
  await server.sql("CREATE USER checker@localhost; CREATE USER app@'%'");
}, 60_000);

afterAll(async () => {
  await lab.destroy();
});

beforeEach(async () => {
  if (!server.isRunning) await server.start();
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  if (agent !== undefined && !agent.hasExited) await agent.terminate();
  agent = undefined;
});

async function startAgent(backend: string, ...flags: readonly string[]): Promise<Process> {
  const account = ["--socket", server.socketPath, "--user", "checker", "--profile", "standalone"];
  const gate = ["--gate", "--gate-backend", backend, "--gate-ttl", `${TTL_MS}ms`];
  const pace = ["--monitor-interval", "500ms", "--check-timeout", "500ms"];
  agent = await startSluice(host, ["agent", "--name", "db1", ...account, ...gate, ...pace, ...flags], {
    ports: [9200],
  });
  return agent;
}

const running = (): Process => {
  if (agent === undefined) throw new Error("no agent runs");
  return agent;
};

/** A connection from another host that has had the server's greeting, or the code of the error that it met. */
function dial(port: number, address = host.address): Promise<Socket | string> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    sockets.add(socket);
    socket.once("data", () => resolve(socket));
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once("end", () => resolve("ended"));
    socket.setTimeout(3000, () => {
      socket.destroy();
      resolve("timeout");
    });
  });
}

async function isOpen(port = MIRROR, address = host.address): Promise<boolean> {
  const found = await dial(port, address);
  if (typeof found === "string") return false;
  found.destroy();
  return true;
}

async function isOpenInside(address: string, port = MIRROR): Promise<boolean> {
  const script = `exec 3<>/dev/tcp/${address}/${port} && head -c 4 <&3 | wc -c`;
  const { stdout } = await host.run(["timeout", "3", "bash", "-c", script], { mayFail: true });
  return stdout.trim() === "4";
}

const opens = async (within = 5000): Promise<unknown> =>
  await eventually(() => isOpen(), { within, what: "the gate open" });
const closes = async (within: number): Promise<unknown> =>
  await eventually(async () => !(await isOpen()), { within, every: 5, what: "the gate closed" });

/** A login that makes no sense gets an answer, if there is anybody at the other end. */
function answersTo(socket: Socket): Promise<unknown> {
  socket.setTimeout(3000);
  return new Promise((resolve, reject) => {
    socket.once("data", resolve);
    socket.once("timeout", () => reject(new Error("the server does not answer through the closed gate")));
    socket.write(Buffer.from([1, 0, 0, 1, 0]));
  });
}

/** Every line of the firewall that is Sluice's. */
async function ownRules(): Promise<string> {
  const script = "nft list ruleset; iptables-save; ip6tables-save";
  const { stdout } = await host.run(["sh", "-c", script]);
  return stdout
    .split("\n")
    .filter((line) => /sluice/i.test(line))
    .join("\n");
}

/** From here on, each command of the firewall takes so much longer on this host; until /usr/local/sbin is what it was. */
async function slowCommands(ms: number): Promise<void> {
  const folder = `${host.folder}/slow`;
  mkdirSync(folder, { recursive: true });
  for (const name of ["nft", "iptables", "ip6tables", "iptables-restore", "ip6tables-restore"])
    writeFileSync(join(folder, name), `#!/bin/sh\nsleep ${ms / 1000}\nexec /usr/sbin/${name} "$@"\n`, {
      mode: 0o755,
    });
  await host.run(["mount", "--bind", folder, "/usr/local/sbin"]);
}

describe.each(["nftables", "iptables"])("%s", (backend) => {
  test("open while the server is up: remote and local, IPv4 and IPv6; a normal stop leaves nothing", async () => {
    await startAgent(backend);
    await opens();
    await eventually(() => isOpen(MIRROR, host.address6), { what: "open for IPv6" });
    for (const address of ["127.0.0.1", "::1", host.address, host.address6]) {
      expect([address, await isOpenInside(address)]).toEqual([address, true]);
    }
    expect(await ownRules()).not.toBe("");
    await running().terminate();
    expect(await isOpen()).toBe(false);
    expect(await ownRules()).toBe("");
  }, 30_000);

  test("a normal stop leaves nothing on a slow machine, either", async () => {
    await startAgent(backend);
    await opens();
    await slowCommands(300);
    try {
      await running().terminate(60_000);
    } finally {
      await host.run(["umount", "/usr/local/sbin"]);
    }
    expect(await ownRules()).toBe("");
  }, 90_000);

  test("kill -9 of the server closes it at once; it opens again with the server", async () => {
    await startAgent(backend);
    await opens();
    process.kill(server.pid, "SIGKILL");
    // A dead server refuses by itself; what is meant is the gate.
    await running().waitForOutput(/port 3308 is closed: /, 5000);
    expect(await dial(MIRROR)).toBe("ECONNREFUSED");
    await server.kill().catch(() => {});
    await server.start();
    await opens();
  }, 30_000);

  test("kill -9 of the agent closes it within gate_ttl; a hung agent likewise", async () => {
    await startAgent(backend);
    await opens();
    running().kill();
    expect(await isOpen()).toBe(true);
    await closes(TTL_MS + 500);

    await startAgent(backend);
    await opens();
    await running().stop();
    await closes(TTL_MS + 500);
    await running().cont();
    await opens();
  }, 30_000);

  test("a new agent takes an open gate over: it is open all the time, longer than the old one's time", async () => {
    await startAgent(backend);
    await opens();
    running().kill();
    await running().ended();
    const refused = watchFor(1.75 * TTL_MS);
    await startAgent(backend);
    expect(await refused).toEqual([]);
  }, 30_000);

  test("a new agent that finds the server down closes it", async () => {
    await startAgent(backend);
    await opens();
    running().kill();
    await running().ended();
    await server.kill();
    await startAgent(backend);
    await running().waitForOutput(/port 3308 is closed: /, 5000);
  }, 30_000);

  test("--keep-on-exit: open through a planned restart", async () => {
    await startAgent(backend, "--keep-on-exit");
    await opens();
    await running().terminate();
    expect(await watchFor(1.25 * TTL_MS)).toEqual([]);
    await startAgent(backend);
    expect(await isOpen()).toBe(true);
  }, 30_000);

  test("what others change is put right within an interval, and said", async () => {
    await startAgent(backend);
    await opens();
    const faults = {
      nftables: [
        "nft flush ruleset",
        "nft flush chain inet sluice_gate_3308 remote",
        "nft delete element inet sluice_gate_3308 open '{ 3308 }'",
      ],
      iptables: [
        "iptables -t nat -F",
        "iptables -t nat -F PREROUTING; ip6tables -t nat -F PREROUTING",
        "iptables -t nat -F SLUICE-REMOTE-3308",
      ],
    }[backend];
    const repairs = (): number => running().output.split("were not as this agent had left them").length - 1;
    for (const fault of faults ?? []) {
      const before = repairs();
      await host.run(["sh", "-c", fault]);
      await opens();
      await eventually(() => repairs() > before, { what: `a word of the repair after ${fault}` });
    }
  }, 30_000);

  test("source addresses", async () => {
    await startAgent(backend, "--source-address", "10.255.0.0/16,192.0.2.7,fd00:bad::/32");
    await eventually(() => isOpenInside("127.0.0.1"), { what: "open on this host" });
    expect(await isOpen()).toBe(false);
    expect(await isOpen(MIRROR, host.address6)).toBe(false);
    await running().terminate();
    await startAgent(backend, "--source-address", `192.0.2.7,${lab.address},${lab.address6}`);
    await opens();
    await eventually(() => isOpen(MIRROR, host.address6), { what: "open for IPv6" });
  }, 30_000);

  test("protect_real_port: only through the gate, from this host and from listed peers", async () => {
    await startAgent(backend, "--protect-real-port", "true");
    await opens();
    expect(await dial(3306)).toBe("ECONNREFUSED");
    expect(await dial(3306, host.address6)).toBe("ECONNREFUSED");
    expect(await isOpenInside("127.0.0.1", 3306)).toBe(true);
    expect(await isOpenInside(host.address, 3306)).toBe(true);
    await running().terminate();
    await startAgent(backend, "--protect-real-port", "true", "--protect-except", `192.0.2.7,${lab.address}`);
    await opens();
    expect(await isOpen(3306)).toBe(true);
    expect(await dial(3306, host.address6)).toBe("ECONNREFUSED");
    await running().terminate();
    expect(await isOpen(3306, host.address6)).toBe(true);
  }, 30_000);

  test("on_close=drain keeps connections, cut resets them, cut_after does so later", async () => {
    for (const [flags, isKept] of [
      [["--on-close", "drain"], true],
      [["--on-close", "cut"], false],
      [["--cut-after", "500ms"], false],
    ] as const) {
      await startAgent(backend, ...flags, "--disable-files", `${host.folder}/off`);
      await opens();
      const client = await dial(MIRROR);
      const direct = await dial(3306);
      if (typeof client === "string" || typeof direct === "string")
        throw new Error(`no connection: ${client}`);
      let end = "";
      client.once("error", (error: NodeJS.ErrnoException) => {
        end = error.code ?? "";
      });
      client.setTimeout(0);
      direct.setTimeout(0);
      await host.run(["touch", `${host.folder}/off`]);
      await closes(2000);
      if (!isKept) await eventually(() => end === "ECONNRESET", { within: 3000, what: "a reset" });
      expect(end).toBe(isKept ? "" : "ECONNRESET");
      expect([client.destroyed, direct.destroyed]).toEqual([!isKept, false]);
      if (isKept) await answersTo(client);
      await host.run(["rm", `${host.folder}/off`]);
      await running().terminate();
    }
  }, 40_000);

  test("a normal stop: connections go on where others have NAT, too, and are reset where nobody would translate", async () => {
    for (const isTranslated of [true, false]) {
      const others = isTranslated
        ? "table ip other { chain c { type nat hook prerouting priority 0; tcp dport 81 redirect to :80; }; }"
        : "";
      await host.run(["nft", "-f", "-"], {
        stdin: `add table ip other\ndelete table ip other\n${others}\n`,
      });
      await startAgent(backend);
      await opens();
      const client = await dial(MIRROR);
      if (typeof client === "string") throw new Error(client);
      let end = "";
      client.once("error", (error: NodeJS.ErrnoException) => {
        end = error.code ?? "";
      });
      client.setTimeout(0);
      await running().terminate();
      if (isTranslated) await answersTo(client);
      else await eventually(() => end === "ECONNRESET", { within: 3000, what: "a reset" });
    }
  }, 30_000);

  test("gives up root with --run-as and goes on", async () => {
    await startAgent(
      backend,
      "--run-as",
      "nobody",
      "--state-dir",
      `${host.folder}/state-${backend}`,
      "--runtime-dir",
      `${host.folder}/run-${backend}`,
    );
    // A gate that was found open is so before the agent has given anything up.
    await running().waitForOutput(/sluice \S+ watches/);
    await opens();
    const status = readFileSync(`/proc/${running().pid}/status`, "utf8");
    expect(status).toMatch(/^Uid:\t65534\t65534/m);
    // CAP_NET_ADMIN, and nothing else.
    expect(status).toMatch(/^CapEff:\t0000000000001000$/m);
    process.kill(server.pid, "SIGKILL");
    await running().waitForOutput(/port 3308 is closed: /, 5000);
    await server.kill().catch(() => {});
    await server.start();
    await opens();
    await running().terminate();
    expect(await ownRules()).toBe("");
  }, 30_000);
});

describe("refused, with what to do", () => {
  const attempt = async (flags: readonly string[], user?: string) => {
    const places = [
      "--http-port",
      "9299",
      "--runtime-dir",
      `${host.folder}/other`,
      "--state-dir",
      `${host.folder}/other`,
    ];
    const args = ["agent", "--socket", server.socketPath, "--user", "checker", "--gate", ...places, ...flags];
    return await runSluice(host, args, { mayFail: true, ...(user === undefined ? {} : { user }) });
  };

  test("without the privilege", async () => {
    await host.run(["install", "-d", "-o", "nobody", `${host.folder}/other`]);
    for (const backend of ["nftables", "iptables", "auto"]) {
      const { code, stderr } = await attempt(["--gate-backend", backend], "nobody");
      expect([code, stderr]).toEqual([
        4,
        expect.stringContaining("start as root, or give the process CAP_NET_ADMIN"),
      ]);
    }
    await host.run(["rm", "-r", `${host.folder}/other`]);
  }, 30_000);

  test("a second gate of the same port, and a port on which somebody listens", async () => {
    await startAgent("nftables");
    await opens();
    const second = await attempt([]);
    expect(second.stderr).toContain("another process of Sluice keeps the gate of port 3308");
    expect(await isOpen()).toBe(true);
    const taken = await attempt(["--mirror-port", "9200"]);
    expect(taken.stderr).toMatch(/sluice \(process \d+\) listens on the mirror port 9200/);
  }, 30_000);

  test("flags that contradict each other or are wrong", async () => {
    expect((await attempt(["--mirror-port", "3306"])).stderr).toContain("--mirror-port: it is the real port");
    expect((await attempt(["--source-address", "10.0.0.300"])).stderr).toContain("--source-address");
  });
});

/** For so long, what a client from outside met instead of the server's greeting. */
async function watchFor(ms: number): Promise<readonly string[]> {
  const begun = performance.now();
  const refused: string[] = [];
  while (performance.now() < begun + ms) {
    const found = await dial(MIRROR);
    if (typeof found === "string") refused.push(`${Math.round(performance.now() - begun)} ms: ${found}`);
    else found.destroy();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return refused;
}
