import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { aVerdict, FakeFleet, JUDGED_AT } from "../../../test/support/fake-fleet.ts";
import { exchange } from "../../../test/support/raw-client.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import { SILENT_LOG } from "../../telemetry/log.ts";
import { AgentSocket } from "./agent-socket.ts";

let directory: string;
let fleet: FakeFleet;
let socket: AgentSocket;
let done: string[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "sluice-agent-"));
  fleet = new FakeFleet({ db1: aVerdict() });
  done = [];
  socket = create();
  await socket.start();
});

afterEach(async () => {
  await socket.close();
  expect(readdirSync(directory)).toEqual([]);
  rmSync(directory, { recursive: true });
});

function create(): AgentSocket {
  const actions = {
    hint: () => done.push("hint"),
    explain: (server: string) => `why ${server} is up\n`,
    setAdmin: async (server: string, state: string) => {
      if (server === "db2") throw new SluiceError("IO_FAILED", "cannot remember it: disk full");
      done.push(`${server} ${state}`);
    },
  };
  const options = {
    publicPath: join(directory, "agent.sock"),
    controlPath: join(directory, "control.sock"),
    controlGid: process.getgid?.(),
    actions,
    metrics: undefined,
  };
  return new AgentSocket(options, fleet, new FakeClock(JUDGED_AT), SILENT_LOG);
}

async function ask(socketName: "agent" | "control", request: string, body = "") {
  const head = `${request} HTTP/1.0\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const answer = await exchange({ path: join(directory, `${socketName}.sock`) }, head);
  return { status: Number(answer.split(" ")[1]), body: answer.slice(answer.indexOf("\r\n\r\n") + 4) };
}

describe("agent.sock", () => {
  test("is open to everybody, and has what the health port has", async () => {
    expect(statSync(join(directory, "agent.sock")).mode & 0o777).toBe(0o666);
    expect(await ask("agent", "GET /primary")).toMatchObject({ status: 200 });
    expect(JSON.parse((await ask("agent", "GET /status?server=db1")).body)).toMatchObject({
      server: "db1",
      up: true,
    });
    fleet.set("db2", aVerdict({ up: false, code: "PROBE_REFUSED" }));
    expect((await ask("agent", "GET /?server=db2")).status).toBe(503);
    expect(JSON.parse((await ask("agent", "GET /status")).body).servers).toHaveLength(2);
  });

  test("takes hints, whatever they say", async () => {
    expect((await ask("agent", "POST /hint")).status).toBe(202);
    expect((await ask("agent", "POST /hint", "--status Synced --uuid ; rm -rf /".repeat(100))).status).toBe(
      202,
    );
    expect((await ask("agent", "GET /hint")).status).toBe(405);
    expect((await ask("agent", "POST /hint", "x".repeat(100_000))).status).toBe(413);
    expect(done).toEqual(["hint", "hint"]);
  });

  test("explains", async () => {
    expect(await ask("agent", "GET /explain?server=db1")).toEqual({ status: 200, body: "why db1 is up\n" });
    expect(await ask("agent", "GET /explain")).toMatchObject({ status: 200 });
    const unknown = await ask("agent", "GET /explain?server=db9");
    expect(unknown.status).toBe(400);
    expect(JSON.parse(unknown.body)).toEqual({
      code: "REQUEST_INVALID",
      message: "unknown server db9; there are: db1.",
    });
  });

  test("sets no maintenance", async () => {
    expect(await ask("agent", "POST /maintenance", '{"state":"on"}')).toMatchObject({ status: 403 });
    expect(done).toEqual([]);
  });
});

describe("control.sock", () => {
  test("is for owner and group, and has what the public one has", async () => {
    expect(statSync(join(directory, "control.sock")).mode & 0o777).toBe(0o660);
    expect(await ask("control", "GET /explain")).toMatchObject({ status: 200 });
    expect(await ask("control", "GET /")).toMatchObject({ status: 200 });
  });

  test.each([
    ["on", "maintenance"],
    ["drain", "drain"],
    ["off", "none"],
  ])("maintenance %s", async (state, admin) => {
    const answer = await ask("control", "POST /maintenance", JSON.stringify({ state }));
    expect(JSON.parse(answer.body)).toEqual({ server: "db1", admin_state: admin });
    expect(done).toEqual([`db1 ${admin}`]);
  });

  test.each([
    ['{"state":"maybe"}', 'state must be "on", "off" or "drain"'],
    ["{}", 'state must be "on", "off" or "drain"'],
    ['{"state":"on","server":7}', "server must be the name of a server"],
    ['{"state":"on","server":"db9"}', "unknown server db9; there are: db1."],
    ["[]", 'the body must be a JSON object, such as {"state": "drain"}'],
    ['{"state":', 'the body must be a JSON object, such as {"state": "drain"}'],
    ["", 'the body must be a JSON object, such as {"state": "drain"}'],
  ])("%j is refused with a sentence", async (body, message) => {
    const answer = await ask("control", "POST /maintenance", body);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toEqual({ code: "REQUEST_INVALID", message });
    expect(done).toEqual([]);
  });

  test("with several servers one must be named; a failure is told", async () => {
    fleet.set("db2", aVerdict());
    expect((await ask("control", "POST /maintenance", '{"state":"on"}')).status).toBe(400);
    expect((await ask("control", "POST /maintenance", '{"state":"on","server":"db1"}')).status).toBe(200);
    const failed = await ask("control", "POST /maintenance", '{"state":"on","server":"db2"}');
    expect(failed).toEqual({
      status: 500,
      body: '{"code":"IO_FAILED","message":"cannot remember it: disk full"}\n',
    });
    expect((await ask("control", "GET /maintenance")).status).toBe(405);
  });
});

test("a second agent is refused, and takes nothing from the first", async () => {
  await expect(create().start()).rejects.toMatchObject({ code: "ADDRESS_IN_USE" });
  expect((await ask("agent", "GET /")).status).toBe(200);
  expect((await ask("control", "GET /")).status).toBe(200);
});

test("if the control socket cannot be had, the public one is given back", async () => {
  await socket.close();
  const options = {
    publicPath: join(directory, "agent.sock"),
    controlPath: join(directory, "no", "control.sock"),
  };
  const actions = { hint() {}, explain: () => "", setAdmin() {} };
  const half = new AgentSocket(
    { ...options, controlGid: undefined, actions, metrics: undefined },
    fleet,
    new FakeClock(JUDGED_AT),
    SILENT_LOG,
  );
  await expect(half.start()).rejects.toMatchObject({ code: "IO_FAILED" });
  expect(readdirSync(directory)).toEqual([]);
});
