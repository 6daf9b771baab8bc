import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type NetConnectOpts, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../../test/eventually.ts";
import { RawClient } from "../../../test/support/raw-client.ts";
import { SYSTEM_CLOCK } from "../../telemetry/clock.ts";
import { AcceptValve } from "./accept-valve.ts";
import { listen } from "./listen.ts";
import { listenUnix } from "./unix-socket.ts";

/** Fewer than the kernel's queue takes (512), for on a unix socket others are refused. */
const CROWD = 400;

let server: Server;
let valve: AcceptValve;
let crowd: RawClient[];
/** Those that were let in, as the server has them. */
let sockets: Socket[];
let directory: string;
/** What happened on the server's side, in order. */
let log: ("accepted" | "read" | "turn")[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-valve-"));
  crowd = [];
  sockets = [];
  log = [];
  server = createServer((socket) => {
    log.push("accepted");
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("data", () => {
      log.push("read");
      socket.end("answer");
    });
  });
  valve = new AcceptValve(server);
});

afterEach(async () => {
  for (const client of crowd) client.close();
  valve.close();
  // The next test counts descriptors.
  await eventually(() => crowd.every(({ isClosed }) => isClosed) && sockets.every(({ closed }) => closed));
  rmSync(directory, { recursive: true });
});

const descriptors = () => readdirSync("/proc/self/fd").length;
const accepted = () => log.filter((event) => event === "accepted").length;

async function openTcp(): Promise<NetConnectOpts> {
  await valve.open((made) => listen(made, { kind: "tcp", host: "127.0.0.1", port: 0 }));
  return { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
}

async function openUnix(): Promise<NetConnectOpts> {
  const path = join(directory, "s");
  await valve.open((made) => listenUnix(made, { path, mode: 0o600, gid: undefined }, SYSTEM_CLOCK));
  return { path };
}

async function come(target: NetConnectOpts, count: number): Promise<void> {
  const some = Array.from({ length: count }, () => new RawClient(target));
  crowd.push(...some);
  for (const client of some) client.send("question");
  await eventually(() => some.every((client) => client.hasEnded || client.isClosed), { what: "all served" });
}

/** The most that came in without a turn of the event loop between them. */
function largestPortion(): number {
  const portions = log.join(" ").split("turn");
  return Math.max(...portions.map((portion) => portion.split("accepted").length - 1));
}

describe.each([
  ["TCP", openTcp],
  ["a unix socket", openUnix],
])("on %s", (_, open) => {
  test("a crowd is let in by portions, and each is answered", async () => {
    const target = await open();
    const turn = () => {
      log.push("turn");
      if (accepted() < CROWD) setImmediate(turn);
    };
    turn();
    await come(target, CROWD);
    expect(crowd.map(({ received, errorCode }) => [received, errorCode])).toEqual(
      Array.from({ length: CROWD }, () => ["answer", undefined]),
    );
    expect(accepted()).toBe(CROWD);
    expect(largestPortion()).toBeLessThanOrEqual(64);
  });

  test("once closed, nobody is let in, though clients are still there", async () => {
    const before = descriptors();
    const target = await open();
    await come(target, 200);
    const staying = new RawClient(target);
    crowd.push(staying);
    await eventually(() => accepted() === 201, { what: "in" });
    valve.close();
    const late = new RawClient(target);
    await eventually(() => late.isClosed, { what: "refused" });
    expect(late.errorCode).toMatch(/ECONNREFUSED|ENOENT/);
    staying.send("question");
    expect(await staying.untilEnd()).toBe("answer");
    for (const client of crowd) client.close();
    await eventually(() => descriptors() <= before, { what: "all descriptors given back" });
  });
});

test("closed while it holds a crowd back, it lets nobody in after that", async () => {
  const target = await openTcp();
  server.on("connection", () => {
    if (accepted() === 64) valve.close();
  });
  crowd.push(...Array.from({ length: 200 }, () => new RawClient(target)));
  await eventually(() => crowd.filter(({ isClosed }) => isClosed).length >= 200 - 64, { what: "sent home" });
  expect(accepted()).toBe(64);
  expect(server.listening).toBe(false);
});

test("what cannot be bound is told, and leaves nothing open", async () => {
  const before = descriptors();
  const failed = valve.open((made) => listen(made, { kind: "tcp", host: "192.0.2.1", port: 0 }));
  await expect(failed).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  expect(descriptors()).toBe(before);
});
