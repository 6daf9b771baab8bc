// What every publisher with a socket promises, whatever it says.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import type { NetConnectOpts } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../test/eventually.ts";
import { aVerdict, FakeFleet, JUDGED_AT } from "../../test/support/fake-fleet.ts";
import { freePort } from "../../test/support/free-port.ts";
import { exchange, RawClient } from "../../test/support/raw-client.ts";
import { type Clock, SYSTEM_CLOCK } from "../telemetry/clock.ts";
import { SILENT_LOG } from "../telemetry/log.ts";
import type { FleetView } from "../topology/fleet.ts";
import { AGENT_CHECK_DEFAULTS, AgentCheckPublisher } from "./agent-check/agent-check-publisher.ts";
import { AgentSocket } from "./agent-socket/agent-socket.ts";
import { HTTP_DEFAULTS, HttpPublisher } from "./http/http-publisher.ts";
import type { Publisher } from "./publisher.ts";

interface Place {
  readonly port: number;
  readonly directory: string;
}

interface Contract {
  create(place: Place, fleet: FleetView, clock: Clock): Publisher;
  target(place: Place): NetConnectOpts;
  readonly question: string;
  readonly halfQuestion: string;
  isYes(answer: string): boolean;
}

const tcp = (place: Place) => ({ kind: "tcp", host: "::", port: place.port }) as const;
const http = {
  question: "GET / HTTP/1.0\r\n\r\n",
  halfQuestion: "GET / HT",
  isYes: (answer: string) => answer.startsWith("HTTP/1.1 200 "),
};

/** Those that are asked. */
type Answering = "http" | "agent-check" | "agent-socket";

const CONTRACTS: Readonly<Record<Answering, Contract>> = {
  http: {
    ...http,
    create: (place, fleet, clock) =>
      new HttpPublisher(
        { ...HTTP_DEFAULTS, name: "p", servers: ["db1"], listen: tcp(place) },
        fleet,
        clock,
        SILENT_LOG,
      ),
    target: ({ port }) => ({ host: "127.0.0.1", port }),
  },
  "agent-check": {
    create: (place, fleet, clock) =>
      new AgentCheckPublisher(
        { ...AGENT_CHECK_DEFAULTS, name: "p", servers: "all", listen: tcp(place) },
        fleet,
        clock,
        SILENT_LOG,
      ),
    target: ({ port }) => ({ host: "127.0.0.1", port }),
    question: "",
    halfQuestion: "d",
    isYes: (answer) => answer === "up ready 100%\n",
  },
  "agent-socket": {
    ...http,
    create: ({ directory }, fleet, clock) =>
      new AgentSocket(
        {
          publicPath: join(directory, "agent.sock"),
          controlPath: join(directory, "control.sock"),
          controlGid: undefined,
          actions: { hint() {}, explain: () => "", setAdmin() {} },
          metrics: undefined,
        },
        fleet,
        clock,
        SILENT_LOG,
      ),
    target: ({ directory }) => ({ path: join(directory, "control.sock") }),
  },
};

describe.each(Object.entries(CONTRACTS))("publisher %s", (module, contract) => {
  let place: Place;
  let fleet: FakeFleet;
  let now: number;
  let publisher: Publisher;
  const create = () => contract.create(place, fleet, { ...SYSTEM_CLOCK, now: () => now });
  const ask = () => exchange(contract.target(place), contract.question);

  beforeEach(async () => {
    place = { port: await freePort(), directory: mkdtempSync(join(tmpdir(), "sluice-contract-")) };
    fleet = new FakeFleet({ db1: aVerdict() });
    now = JUDGED_AT;
    publisher = create();
    await publisher.start();
  });

  afterEach(async () => {
    await publisher.close();
    rmSync(place.directory, { recursive: true });
  });

  test("has a name, and its module's", () => {
    expect(publisher.name).not.toBe("");
    expect(publisher.module).toBe(module as Publisher["module"]);
  });

  test("tells the present verdict", async () => {
    expect(contract.isYes(await ask())).toBe(true);
    fleet.set("db1", aVerdict({ up: false, code: "PROBE_REFUSED" }));
    expect(contract.isYes(await ask())).toBe(false);
    fleet.set("db1", aVerdict());
    expect(contract.isYes(await ask())).toBe(true);
  });

  test("says yes of nothing stale, starting, draining or in maintenance", async () => {
    now = JUDGED_AT + 3001;
    expect(contract.isYes(await ask())).toBe(false);
    now = JUDGED_AT;
    for (const code of ["STARTING", "DRAINING", "MAINTENANCE", "OFF_SWITCH"]) {
      const isKnown = code !== "STARTING";
      fleet.set("db1", aVerdict({ up: false, code, known: isKnown, draining: code === "DRAINING" }));
      expect(contract.isYes(await ask())).toBe(false);
    }
  });

  test("answers a crowd, and resets none of it", async () => {
    const crowd = Array.from({ length: 200 }, () => new RawClient(contract.target(place)));
    for (const client of crowd) client.send(contract.question);
    // Each at once: who is late by seconds is rightly reset.
    const isAnswered = async (client: RawClient): Promise<boolean> => {
      const answer = await client.untilEnd();
      client.send("more, too late");
      return contract.isYes(answer);
    };
    expect((await Promise.all(crowd.map(isAnswered))).every(Boolean)).toBe(true);
    await eventually(() => crowd.every((client) => client.socket.writableLength === 0), { what: "all sent" });
    expect(crowd.filter((client) => client.errorCode !== undefined)).toEqual([]);
    for (const client of crowd) client.close();
  });

  test("a place that is taken is named, and left to who has it", async () => {
    await expect(create().start()).rejects.toMatchObject({ code: "ADDRESS_IN_USE" });
    expect(contract.isYes(await ask())).toBe(true);
  });

  test("closes soon though clients hang, and gives its place back", async () => {
    const silent = await RawClient.open(contract.target(place));
    const half = await RawClient.open(contract.target(place));
    half.send(contract.halfQuestion);
    const answered = await RawClient.open(contract.target(place));
    answered.send(contract.question);
    await answered.untilEnd();
    const begun = performance.now();
    await publisher.close();
    expect(performance.now() - begun).toBeLessThan(3000);
    for (const client of [silent, half, answered])
      await eventually(() => client.hasEnded || client.isClosed, { what: "left" });
    await expect(RawClient.open(contract.target(place)).then((client) => client.untilEnd())).resolves.toBe(
      "",
    );

    publisher = create();
    await publisher.start();
    expect(contract.isYes(await ask())).toBe(true);
    for (const client of [silent, half, answered]) client.close();
  });

  test("may be closed twice, and without having been started", async () => {
    await publisher.close();
    await publisher.close();
    await create().close();
  });
});
