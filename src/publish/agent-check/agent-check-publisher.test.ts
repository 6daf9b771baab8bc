import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { eventually } from "../../../test/eventually.ts";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { aVerdict, FakeFleet, JUDGED_AT } from "../../../test/support/fake-fleet.ts";
import { exchange, RawClient } from "../../../test/support/raw-client.ts";
import { SILENT_LOG } from "../../telemetry/log.ts";
import type { ServerSelection } from "../published-servers.ts";
import { AGENT_CHECK_DEFAULTS, AgentCheckPublisher } from "./agent-check-publisher.ts";

let clock: FakeClock;
let fleet: FakeFleet;
let publisher: AgentCheckPublisher;

async function start(servers: ServerSelection): Promise<void> {
  const listen = { kind: "tcp", host: "::", port: 0 } as const;
  publisher = new AgentCheckPublisher(
    { ...AGENT_CHECK_DEFAULTS, name: "a", listen, servers },
    fleet,
    clock,
    SILENT_LOG,
  );
  await publisher.start();
}

const target = () => ({ host: "127.0.0.1", port: publisher.port ?? 0 });

beforeEach(() => {
  clock = new FakeClock(JUDGED_AT);
  fleet = new FakeFleet({
    db1: aVerdict(),
    db2: aVerdict({ up: false, code: "PROBE_REFUSED", sentence: "No." }),
  });
});

afterEach(async () => {
  const closed = publisher.close();
  clock.advance(1000);
  await closed;
});

describe("one server", () => {
  beforeEach(() => start(["db1"]));

  test("is told at once, whether or not a line comes", async () => {
    const client = await RawClient.open(target());
    expect(await client.untilEnd()).toBe("up ready 100%\n");
    client.send("db2\n".repeat(1000)); // too late, and no reason for a reset
    await eventually(() => client.socket.writableLength === 0, { what: "sent" });
    expect(client.errorCode).toBeUndefined();
    client.close();
  });

  test("follows the fleet", async () => {
    fleet.set("db1", aVerdict({ up: false, draining: true, code: "DRAINING" }));
    expect(await exchange(target(), "")).toBe("drain\n");
    fleet.set("db1", aVerdict({ up: false, known: false, code: "STARTING" }));
    expect(await exchange(target(), "")).toBe("\n");
  });
});

describe("several servers", () => {
  beforeEach(() => start(["db1", "db2"]));

  test.each([
    ["db1\n", "up ready 100%\n"],
    ["db2\r\n", "down #PROBE_REFUSED: No.\n"],
    ["galera/db2\n", "down #PROBE_REFUSED: No.\n"],
    ["db9\n", "down #unknown server db9; there are: db1, db2.\n"],
    ["galera/db9\n", "down #unknown server galera/db9; there are: db1, db2.\n"],
    ["\n", "down #Which server? There are: db1, db2.\n"],
    ["\x00\x16\xff\n", "down #unknown server ???; there are: db1, db2.\n"],
  ])("%j is answered with %j", async (line, answer) => {
    expect(await exchange(target(), Buffer.from(line, "latin1"))).toBe(answer);
  });

  test("a name may come in pieces, and without a line's end if the client then half-closes", async () => {
    const client = await RawClient.open(target());
    client.send("d");
    client.send("b");
    client.send("1");
    client.socket.end();
    expect(await client.untilEnd()).toBe("up ready 100%\n");
    client.close();
  });

  test("who names none is told so after a while, and who names no end is cut short", async () => {
    const silent = await RawClient.open(target());
    await eventually(() => publisher.counters.accepted === 1, { what: "accepted" });
    clock.advance(500);
    expect(await silent.untilEnd()).toStartWith("down #Which server?");
    expect(await exchange(target(), "x".repeat(100_000))).toStartWith("down #unknown server xxx");
    silent.close();
  });
});
