// `sluice haproxy reload` while 50 clients open connections all the time: none is refused, none is reset.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { eventually } from "../eventually.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import type { Process } from "../lab/process.ts";
import { runSluice } from "../lab/sluice.ts";

const CLIENTS = 50;
const RELOADS = 20;
const FILE = "/etc/haproxy/haproxy.cfg";
const NEW = "/etc/haproxy/haproxy.new";
const GREETING = "hello";

let lab: Lab;
let host: Host;
let backend: Server;
let haproxy: Process;

beforeAll(async () => {
  lab = await Lab.create({ name: "haproxy-reload" });
  host = await lab.host("proxy");
  backend = createServer((socket) => {
    socket.on("error", () => {});
    socket.end(GREETING);
  });
  await new Promise<void>((resolve) => backend.listen(0, "0.0.0.0", 4096, resolve));
  // Somebody else has this port; not even SO_REUSEPORT shares it.
  const listen = "require('node:net').createServer().listen(4000, '0.0.0.0')";
  await host.untilListening(await host.spawn([process.execPath, "-e", listen]), [4000]);
}, 30_000);

afterAll(async () => {
  backend.close();
  await lab.destroy();
});

afterEach(async () => {
  await host.run(["pkill", "-x", "haproxy"], { mayFail: true });
  const running = async () => (await host.run(["pgrep", "-x", "haproxy"], { mayFail: true })).stdout;
  await eventually(async () => (await running()) === "", { what: "every HAProxy is gone" });
});

function configuration(number: number, { expose = "expose-fd listeners", extra = "" } = {}): string {
  const address = backend.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return `# ${number}
global
  stats socket /run/haproxy.sock level admin ${expose}
  maxconn ${2000 + number}
defaults
  mode tcp
  timeout connect 5s
  timeout client 10s
  timeout server 10s
listen app
  bind :3306
  server one ${lab.address}:${port}
${extra}
`;
}

/** Two that HAProxy's own check finds, three that pass it and could not start. */
const BROKEN: readonly (readonly [why: string, extra: string])[] = [
  ["a word that is none", "  balanec leastconn"],
  ["a backend that is not there", "frontend f\n  bind :3399\n  default_backend nosuch"],
  ["an address of another host", "frontend f\n  bind 192.0.2.1:3307"],
  ["a port that is taken", "frontend f\n  bind :4000"],
  ["another port that is taken", "frontend f\n  bind 0.0.0.0:4000\nfrontend g\n  bind :3308"],
];

/** Clients that connect, take the greeting and leave, again and again. */
class Load {
  connections = 0;
  readonly faults: string[] = [];
  #isOver = false;
  readonly #clients: Promise<void>[];

  constructor(address: string) {
    this.#clients = Array.from({ length: CLIENTS }, () => this.#run(address));
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#clients);
  }

  async #run(address: string): Promise<void> {
    while (!this.#isOver) {
      const fault = await this.#visit(address);
      this.connections++;
      if (fault !== undefined) this.faults.push(fault);
    }
  }

  #visit(address: string): Promise<string | undefined> {
    return new Promise((resolve) => {
      let received = "";
      const socket = connect({ host: address, port: 3306 });
      socket.setTimeout(10_000, () => socket.destroy(new Error("no answer within 10 s")));
      socket.on("data", (chunk) => {
        received += chunk.toString();
      });
      socket.on("error", (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message));
      socket.on("close", () => resolve(received === GREETING ? undefined : `received "${received}"`));
    });
  }
}

async function reload(text: string) {
  host.write(NEW, text);
  return await runSluice(host, ["haproxy", "reload", "--config", NEW, "--timeout", "5s"], {
    mayFail: true,
    timeoutMs: 20_000,
  });
}

const inService = (): string => readFileSync(host.path(FILE), "utf8");

/** The configuration that answers now, by its maxconn. */
async function answering(): Promise<number> {
  const { stdout } = await host.run(["nc", "-NU", "/run/haproxy.sock"], { stdin: "show info\n" });
  return Number(/^Maxconn: (\d+)$/m.exec(stdout)?.[1]) - 2000;
}

describe.each([
  ["master-worker", ["haproxy", "-W", "-db", "-f", FILE], {}],
  ["expose-fd", ["haproxy", "-db", "-f", FILE], {}],
] as const)("%s", (method, argv, form) => {
  test("20 reloads and 5 broken configurations under load", async () => {
    host.write(FILE, configuration(0, form));
    haproxy = await host.spawn(argv);
    await host.untilListening(haproxy, [3306]);
    await eventually(async () => (await answering()) === 0, { what: "HAProxy has started" });
    const load = new Load(host.address);
    try {
      for (let number = 1; number <= RELOADS; number++) {
        const { code, stdout, stderr } = await reload(configuration(number, form));
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
        expect(stdout).toContain(`(${method})`);
        expect(await answering()).toBe(number);
        const broken = number % 4 === 0 ? BROKEN[number / 4 - 1] : undefined;
        if (broken === undefined) continue;
        const [why, extra] = broken;
        const before = inService();
        const refused = await reload(configuration(number + 100, { ...form, extra }));
        expect({ why, code: refused.code }).toEqual({ why, code: 1 });
        expect(inService()).toBe(before);
        expect(await answering()).toBe(number);
      }
      const reached = load.connections;
      await eventually(() => load.connections > reached + CLIENTS, { what: "the load goes on" });
    } finally {
      await load.stop();
    }
    expect([...new Set(load.faults)]).toEqual([]);
    expect(load.connections).toBeGreaterThan(1000);
  }, 120_000);
});

test("plain, without a runtime socket to pass the listeners on: reloads, and a broken one leaves the old one", async () => {
  const form = { expose: "" };
  host.write(FILE, configuration(0, form));
  haproxy = await host.spawn(["haproxy", "-D", "-f", FILE, "-p", "/run/haproxy.pid"]);
  expect((await haproxy.ended()).code).toBe(0); // what serves is another process, which it has left behind
  await eventually(() => host.isListening(3306));
  expect((await reload(configuration(1, form))).stdout).toContain("(reuseport)");
  expect(await answering()).toBe(1);
  const refused = await reload(configuration(2, { ...form, extra: "frontend f\n  bind :4000" }));
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("cannot bind 0.0.0.0 port 4000: another program has it");
  expect(await answering()).toBe(1);
}, 60_000);

test("says where it cannot: nothing runs, no such file, the file in use", async () => {
  host.write(NEW, configuration(1));
  const none = await runSluice(host, ["haproxy", "reload", "--config", NEW], { mayFail: true });
  expect(none.code).toBe(3);
  expect(none.stderr).toContain("no HAProxy runs here");
  host.write(FILE, configuration(0));
  haproxy = await host.spawn(["haproxy", "-W", "-db", "-f", FILE]);
  await host.untilListening(haproxy, [3306]);
  const missing = await runSluice(host, ["haproxy", "reload", "--config", "/etc/nosuch"], { mayFail: true });
  expect(missing.stderr).toContain("cannot read /etc/nosuch");
  const same = await runSluice(host, ["haproxy", "reload", "--config", FILE], { mayFail: true });
  expect(same.stderr).toContain("is the file in use");
});
