import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { eventually } from "../eventually.ts";
import { Agent, createAccount } from "../lab/agent.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { MariaDb } from "../lab/maria-db.ts";
import { run } from "../lab/run.ts";
import { RawClient } from "../support/raw-client.ts";

// Crowds that mean no good, before an agent with its usual limits (1,000 places). Meanwhile others ask from another host, and
// each of them must get the right answer; afterwards the agent must be what it was.

const CROWD = 2000;
const RESETS = 10_000;
const RESETTERS = 50;
const MALFORMED = 200;
/** More than this above what it had, and something is kept that should not be. */
const MAX_GROWTH_MIB = 150;

let lab: Lab;
let friend: Host;
let db: MariaDb;
let agent: Agent;
let atStart: Footprint;

beforeAll(async () => {
  lab = await Lab.create({ name: "flood" });
  friend = await lab.host("friend");
  db = await MariaDb.start(await lab.host("db"));
  await createAccount(db);
  agent = await Agent.start(db, { flags: ["--agent-port", "9201"] });
  await agent.says("STANDALONE_HEALTHY");
  await othersAsk();
  atStart = footprint();
}, 60_000);

afterAll(async () => {
  await lab.destroy();
});

interface Footprint {
  readonly residentMiB: number;
  readonly descriptors: number;
}

/** What the agent's process holds, as the kernel counts it. */
function footprint(): Footprint {
  const { pid } = agent.process;
  const [, kib] = readFileSync(`/proc/${pid}/status`, "utf8").match(/^VmRSS:\s+(\d+) kB$/m) ?? [];
  return { residentMiB: Number(kib) / 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

/**
 * Others ask as balancers do. Two in parallel, for a standalone server is no replica: who is taken for silent and answered
 * as if for `/` would hear a yes where there is none.
 */
async function othersAsk(times = 50, port = 9200): Promise<void> {
  const [primary, replica] = await Promise.all([ask("primary", times, port), ask("replica", times, port)]);
  expect(primary).not.toContain("Non-2xx responses");
  expect(replica).toMatch(new RegExp(`^Non-2xx responses: +${times}$`, "m"));
  const line = await friend.run(["nc", "-d", db.address, "9201"]);
  expect(line.stdout).toBe("up ready 100%\n");
}

/** ab ends in failure at the first connection that is refused or reset. */
async function ask(path: string, times: number, port: number): Promise<string> {
  const url = `http://${db.address}:${port}/${path}`;
  const { stdout } = await friend.run(["ab", "-q", "-n", `${times}`, "-c", "3", url], { timeoutMs: 30_000 });
  expect(stdout).toMatch(new RegExp(`^Complete requests: +${times}$`, "m"));
  expect(stdout).toMatch(/^Failed requests: +0$/m);
  return stdout;
}

/** The agent is what it was: the same process, healthy, with no client and no memory left over. */
async function isUnharmed(): Promise<void> {
  expect(agent.process.hasExited).toBe(false);
  await agent.says("STANDALONE_HEALTHY");
  await othersAsk();
  await eventually(() => footprint().descriptors <= atStart.descriptors + 2, { what: "all clients gone" });
  expect(footprint().residentMiB - atStart.residentMiB).toBeLessThan(MAX_GROWTH_MIB);
  expect(agent.process.output).not.toMatch(/uncaught|request_failed|accept_failed|panic/i);
}

/** Clients of one kind; who is closed comes again at once, until all are sent home. */
class Crowd {
  opened = 0;
  readonly #behave: (socket: Socket) => void;
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #isOver = false;

  constructor(size: number, behave: (socket: Socket) => void, port = 9200) {
    this.#behave = behave;
    this.#port = port;
    for (let i = 0; i < size; i++) this.#join();
  }

  /** What each does from time to time. */
  each(act: (socket: Socket) => void): void {
    for (const socket of this.#sockets) if (socket.writable && !socket.connecting) act(socket);
  }

  end(): void {
    this.#isOver = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(): void {
    const socket = connect({ host: db.address, port: this.#port }, () => {
      this.opened++;
      this.#behave(socket);
    });
    this.#sockets.add(socket);
    socket.on("error", () => {}); // closed by the other side, as it should be
    socket.on("close", () => {
      this.#sockets.delete(socket);
      if (!this.#isOver) this.#join();
    });
  }
}

describe("others are answered, and the agent is unharmed, under", () => {
  test("slow, silent and deaf clients, twice as many as there are places", async () => {
    const silent = new Crowd(CROWD * 0.4, (socket) => socket.resume());
    const slow = new Crowd(CROWD * 0.4, (socket) => socket.resume().write("GET / HTTP/1.1\r\nX-Slow: "));
    const deaf = new Crowd(CROWD * 0.2, (socket) =>
      socket.pause().write("GET /metrics HTTP/1.1\r\n\r\n".repeat(200)),
    );
    const crowds = [silent, slow, deaf];
    const typing = setInterval(() => slow.each((socket) => socket.write("x")), 100);
    try {
      await eventually(() => crowds.reduce((sum, { opened }) => sum + opened, 0) >= CROWD, {
        what: "the crowd",
      });
      let most = 0;
      for (let round = 0; round < 4; round++) {
        await othersAsk(25); // each waits its turn among a thousand that want in
        most = Math.max(most, footprint().residentMiB);
      }
      expect(most - atStart.residentMiB).toBeLessThan(MAX_GROWTH_MIB);
    } finally {
      clearInterval(typing);
      for (const crowd of crowds) crowd.end();
    }
    await isUnharmed();
  }, 60_000);

  test("clients that connect and reset, before or after a request", async () => {
    const before = await resetsReceived();
    let left = RESETS;
    const others = othersAskUntil(() => left === 0);
    const resetter = async (): Promise<void> => {
      while (left > 0) {
        left--;
        await connectAndReset(left % 2 === 0 ? "" : "GET /status HTTP/1.1\r\n\r\n");
      }
    };
    await Promise.all(Array.from({ length: RESETTERS }, resetter));
    await others;
    expect((await resetsReceived()) - before).toBeGreaterThan(RESETS / 2);
    await isUnharmed();
  }, 60_000);

  test("as many as there are places, where the process may open 1,024 files", async () => {
    const other = await Agent.start(db, { port: 9300 });
    await other.says("STANDALONE_HEALTHY");
    await run(["prlimit", "--pid", `${other.process.pid}`, "--nofile=1024:1024"]);
    const slow = new Crowd(1100, (socket) => socket.resume().write("GET / HTTP/1.1\r\nX-Slow: "), 9300);
    try {
      await eventually(() => slow.opened >= 1000, { what: "the crowd" });
      for (let round = 0; round < 4; round++) await othersAsk(25, 9300);
    } finally {
      slow.end();
    }
    await othersAsk(25, 9300);
    await other.says("STANDALONE_HEALTHY");
    expect(other.process.output).not.toMatch(/uncaught|request_failed|panic/i);
  }, 60_000);

  test("malformed requests", async () => {
    let isOver = false;
    const others = othersAskUntil(() => isOver);
    const answers = await Promise.all(
      Array.from({ length: MALFORMED }, async (_, i) => {
        const [name, bytes] = malformed(i);
        return [name, await answerTo(bytes)] as const;
      }),
    );
    isOver = true;
    await others;
    // A refusal in HTTP, or the end of the connection without a word.
    for (const [name, answer] of answers)
      expect([name, answer]).toEqual([name, expect.stringMatching(/^(HTTP\/1\.1 (400|405|413|431|505) |$)/)]);
    await isUnharmed();
  }, 60_000);
});

async function othersAskUntil(isOver: () => boolean): Promise<void> {
  do await othersAsk();
  while (!isOver());
}

async function connectAndReset(bytes: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host: db.address, port: 9200 }, () => {
      if (bytes === "") socket.resetAndDestroy();
      else socket.write(bytes, () => socket.resetAndDestroy());
    });
    socket.on("error", reject);
    socket.on("close", () => resolve());
  });
}

/** Sends as soon as it is connected: who waits is taken for silent. */
async function answerTo(bytes: string | Buffer): Promise<string> {
  const client = new RawClient({ host: db.address, port: 9200 });
  client.send(bytes);
  try {
    return await client.untilEnd();
  } finally {
    client.close();
  }
}

/** Connections that ended on the agent's host because the other side reset them. */
async function resetsReceived(): Promise<number> {
  const { stdout } = await db.host.run(["grep", "^Tcp:", "/proc/net/snmp"]);
  const [names = "", values = ""] = stdout.split("\n");
  return Number(values.split(" ")[names.split(" ").indexOf("EstabResets")]);
}

const HEAD = "GET / HTTP/1.1\r\n";
const LONG = "x".repeat(9000);
const MISTAKES: readonly (readonly [string, (noise: Buffer) => string | Buffer])[] = [
  ["a TLS hello", () => Buffer.from("16030100f8010000f40303", "hex")],
  ["noise", (noise) => Buffer.concat([Buffer.of(0x80), noise])],
  [
    "noise for a header",
    (noise) => Buffer.concat([Buffer.from(HEAD), Buffer.of(0), noise, Buffer.from("\r\n\r\n")]),
  ],
  ["noise for a path", (noise) => Buffer.concat([Buffer.from("GET /"), Buffer.of(0xff), noise])],
  ["a login to a database", () => Buffer.from("5500000185a2bf0100000001", "hex")],
  ["no version and another method", () => "POST /\r\n\r\n"],
  ["HTTP/2's preface", () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["a version that is none", () => "GET / HTTP/x.y\r\n\r\n"],
  ["a path with blanks", () => "GET / and more HTTP/1.1\r\n\r\n"],
  ["a method that is none", () => "G(T / HTTP/1.1\r\n\r\n"],
  ["an endless path", () => `GET /${LONG} HTTP/1.1\r\n\r\n`],
  ["an endless header", () => `${HEAD}X: ${LONG}\r\n\r\n`],
  ["endless headers", () => `${HEAD}${"X: y\r\n".repeat(2000)}\r\n`],
  ["a header without a colon", () => `${HEAD}Host\r\n\r\n`],
  ["a header with a blank before its colon", () => `${HEAD}Host : x\r\n\r\n`],
  ["a folded header", () => `${HEAD}X: y\r\n z\r\n\r\n`],
  ["a negative length", () => `${HEAD}Content-Length: -1\r\n\r\n`],
  ["two lengths", () => `${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx`],
  ["an endless body", () => `POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n${LONG}`],
  ["a method that is not answered", () => "BREW /coffee HTTP/1.1\r\nConnection: close\r\n\r\n"],
];

/** Mistake number i; noise differs from one to the next, and from run to run not at all. */
function malformed(i: number): readonly [string, string | Buffer] {
  const [name, make] = MISTAKES[i % MISTAKES.length] as (typeof MISTAKES)[number];
  let state = i + 1;
  const noise = Buffer.alloc(64 + i);
  for (let at = 0; at < noise.length; at++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    noise[at] = state >>> 16;
  }
  return [`${name} (${i})`, make(noise)];
}
