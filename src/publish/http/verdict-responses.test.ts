import { beforeEach, describe, expect, test } from "bun:test";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { aVerdict, FakeFleet, JUDGED_AT } from "../../../test/support/fake-fleet.ts";
import { PublishedServers, type ServerSelection } from "../published-servers.ts";
import { VerdictResponses } from "./verdict-responses.ts";

const isDown = aVerdict({ up: false, code: "PROBE_REFUSED", role: "unknown" });

describe("VerdictResponses", () => {
  let clock: FakeClock;
  let fleet: FakeFleet;

  beforeEach(() => {
    clock = new FakeClock(JUDGED_AT);
    fleet = new FakeFleet({ db1: aVerdict(), db2: isDown });
  });

  const of = (servers: ServerSelection) =>
    new VerdictResponses(fleet, new PublishedServers(fleet, servers), {
      body: "sluice",
      drainStatus: 404,
      clock,
    });
  const body = (bytes: Buffer) => bytes.toString().split("\r\n\r\n")[1];

  test("an answer is made once per target and snapshot", () => {
    const responses = of(["db1"]);
    const first = responses.answer("/", "");
    expect(responses.answer("/", "")).toBe(first);
    expect(responses.answer("/primary", "").status).toBe(200);
    expect(responses.answer("/donor", "").status).toBe(503);
    fleet.set("db2", aVerdict());
    expect(responses.answer("/", "")).not.toBe(first);
  });

  test("the next snapshot is in the next answer", () => {
    const responses = of(["db1"]);
    expect(responses.answer("/", "").status).toBe(200);
    fleet.set("db1", isDown);
    expect(responses.answer("/", "").status).toBe(503);
    fleet.set("db1", aVerdict({ up: false, draining: true, code: "DRAINING" }));
    expect(responses.answer("/", "").status).toBe(404);
  });

  test("a kept yes ends with the verdict's deadline, though the snapshot stays", () => {
    const responses = of(["db1"]);
    clock.advance(3000);
    expect(responses.answer("/", "").status).toBe(200);
    clock.advance(1);
    const stale = responses.answer("/", "");
    expect(stale.status).toBe(503);
    expect(body(stale.bytes(false, false))).toStartWith("STALE: nothing is known since");
    expect(responses.answer("/", "")).toBe(stale);
  });

  test("one server's deadline is not another's", () => {
    fleet.set("db1", aVerdict({ staleAt: JUDGED_AT + 10 }));
    fleet.set("db2", aVerdict({ staleAt: JUDGED_AT + 20 }));
    const responses = of("all");
    const statuses = () => ["db1", "db2"].map((name) => responses.answer("/", `server=${name}`).status);
    expect(statuses()).toEqual([200, 200]);
    clock.advance(11);
    expect(statuses()).toEqual([503, 200]);
    clock.advance(10);
    expect(statuses()).toEqual([503, 503]);
  });

  test("with several servers a request must name one that is published", () => {
    const responses = of("all");
    expect(responses.answer("/primary", "server=db1").status).toBe(200);
    expect(responses.answer("/", "server=db2").status).toBe(503);
    expect(body(responses.answer("/", "").bytes(false, false))).toBe("Which server? There are: db1, db2.\n");
    expect(responses.answer("/", "").status).toBe(400);
    expect(of(["db1"]).answer("/", "server=db2").status).toBe(400);
  });

  test("a configured server that the fleet lacks is never a yes", () => {
    expect(of(["db9"]).answer("/", "").status).toBe(400);
  });

  test("a bad query is refused with its sentence", () => {
    const response = of(["db1"]).answer("/replica", "lag=abc");
    expect(response.status).toBe(400);
    expect(body(response.bytes(false, false))).toStartWith("lag=abc is not a duration");
  });

  test("any number of different targets is answered", () => {
    const responses = of(["db1"]);
    for (let i = 0; i < 1000; i++) expect(responses.answer(`/${i}`, `q=${i}`).status).toBe(200);
  });
});
