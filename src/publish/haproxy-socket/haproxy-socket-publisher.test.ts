import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../../test/eventually.ts";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { aVerdict, FakeFleet, JUDGED_AT } from "../../../test/support/fake-fleet.ts";
import { RecordingLog } from "../../../test/support/recording-log.ts";
import { type HaproxySocketOptions, HaproxySocketPublisher } from "./haproxy-socket-publisher.ts";

const DOWN = aVerdict({ up: false, code: "PROBE_REFUSED" });

/** Answers as HAProxy 2.6 does; what it was ordered is in `orders`. */
class RuntimeDouble {
  readonly orders: string[] = [];
  process = 100;
  complaint: string | undefined;
  readonly #server: Server;

  constructor(path: string) {
    this.#server = createServer((socket) => {
      socket.once("data", (line) => this.#answer(socket, line.toString().trim()));
      socket.on("error", () => {});
    }).listen(path);
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #answer(socket: Socket, line: string): void {
    if (line === "show info") {
      socket.end(`Name: HAProxy\nPid: ${this.process}\n\n`);
      return;
    }
    const orders = line.split(";").map((order) => order.replace("set server ", ""));
    this.orders.push(...orders);
    socket.end(orders.map(() => (this.complaint === undefined ? "\n" : `${this.complaint}\n\n`)).join(""));
  }
}

describe("HaproxySocketPublisher", () => {
  let folder: string;
  let path: string;
  let haproxy: RuntimeDouble;
  let fleet: FakeFleet;
  let clock: FakeClock;
  let log: RecordingLog;
  let publisher: HaproxySocketPublisher;

  const create = (changes: Partial<HaproxySocketOptions> = {}) =>
    new HaproxySocketPublisher(
      {
        name: "p",
        socket: { kind: "socket", path },
        servers: "all",
        backends: ["galera"],
        serverName: undefined,
        mode: "state",
        ...changes,
      },
      fleet,
      clock,
      log,
    );
  /** Lets a look pass until `orders` is what HAProxy was told since the last time. */
  const expectOrders = async (orders: readonly string[]) => {
    await eventually(
      () => {
        clock.advance(250);
        return haproxy.orders.length >= orders.length;
      },
      { what: `${orders}` },
    );
    expect(haproxy.orders.splice(0)).toEqual([...orders]);
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sluice-haproxy-"));
    path = join(folder, "h.sock");
    haproxy = new RuntimeDouble(path);
    // Every verdict is fresh for an hour, however far the looks move the clock.
    fleet = new FakeFleet({ db1: fresh(), db2: fresh(DOWN) });
    clock = new FakeClock(JUDGED_AT);
    log = new RecordingLog();
    publisher = create();
  });
  afterEach(async () => {
    await publisher.close();
    await haproxy.close();
    rmSync(folder, { recursive: true });
  });

  const fresh = (verdict = aVerdict()) => ({ ...verdict, staleAt: JUDGED_AT + 3_600_000 });

  test("tells everything once, then only what changes, at once", async () => {
    await publisher.start();
    await expectOrders(["galera/db1 state ready", "galera/db2 state maint"]);
    fleet.set("db1", fresh(DOWN));
    await eventually(() => haproxy.orders.length === 1);
    expect(haproxy.orders.splice(0)).toEqual(["galera/db1 state maint"]);
    fleet.set("db1", fresh({ ...DOWN, sentence: "other words" }));
    fleet.set("db2", fresh());
    await expectOrders(["galera/db2 state ready"]);
  });

  test("tells another process of HAProxy everything again", async () => {
    await publisher.start();
    await expectOrders(["galera/db1 state ready", "galera/db2 state maint"]);
    haproxy.process = 101;
    await expectOrders(["galera/db1 state ready", "galera/db2 state maint"]);
  });

  test("HAProxy may come and go: said once each time", async () => {
    await haproxy.close();
    await publisher.start();
    await eventually(() => log.messages("warn").length === 1);
    clock.advance(1000);
    haproxy = new RuntimeDouble(path);
    await expectOrders(["galera/db1 state ready", "galera/db2 state maint"]);
    await eventually(() => log.messages("info").includes("HAProxy is told again"));
    expect(log.messages("warn")).toHaveLength(1);
  });

  test("a verdict that becomes stale takes the server out", async () => {
    fleet = new FakeFleet({ db1: aVerdict({ staleAt: JUDGED_AT + 500 }) });
    publisher = create();
    await publisher.start();
    await eventually(() => haproxy.orders.length === 1);
    expect(haproxy.orders.splice(0)).toEqual(["galera/db1 state ready"]);
    clock.advance(600);
    await expectOrders(["galera/db1 state maint"]);
  });

  test("a name that is not there is said once, with what to look at", async () => {
    haproxy.complaint = "No such server.";
    publisher = create({ servers: ["db1"], backends: ["galera", "reads"] });
    await publisher.start();
    await expectOrders(["galera/db1 state ready", "reads/db1 state ready"]);
    await eventually(() => log.messages("error").length >= 2);
    clock.advance(1000);
    expect(log.messages("error")).toEqual([
      "HAProxy does not set galera/db1: No such server: see `backends` and `server_name` here, and the names there",
      "HAProxy does not set reads/db1: No such server: see `backends` and `server_name` here, and the names there",
    ]);
  });

  test("the server's name there may be another", async () => {
    publisher = create({ servers: ["db1"], serverName: "node1", mode: "agent" });
    await publisher.start();
    await expectOrders(["galera/node1 agent up", "galera/node1 weight 100%"]);
  });
});
