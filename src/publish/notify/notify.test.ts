import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../../test/eventually.ts";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { RecordingLog } from "../../../test/support/recording-log.ts";
import { AcknowledgedFlag } from "./acknowledged-flag.ts";
import { FifoReader } from "./fifo-reader.ts";
import { isPassive, parseVrrpNotice } from "./vrrp-state.ts";

describe("parseVrrpNotice", () => {
  test.each([
    ['INSTANCE "VI_1" MASTER 100', { kind: "INSTANCE", name: "VI_1", state: "MASTER" }],
    ['GROUP "the pair" FAULT 0', { kind: "GROUP", name: "the pair", state: "FAULT" }],
    ["INSTANCE VI_1 STOP", { kind: "INSTANCE", name: "VI_1", state: "STOP" }],
    ["VS [192.168.201.15]:tcp:80 UP", undefined],
    ["", undefined],
  ] as const)("%s", (line, notice) => {
    expect(parseVrrpNotice(line)).toEqual(notice);
  });

  test("MASTER alone is active, and what is no state changes nothing", () => {
    const states = ["MASTER", "BACKUP", "FAULT", "STOP", "MASTER_RX_LOWER_PRI"];
    expect(states.map(isPassive)).toEqual([false, true, true, true, undefined]);
  });
});

describe("AcknowledgedFlag", () => {
  /** Each request waits until the test lets it succeed or fail. */
  function setUp() {
    const clock = new FakeClock();
    const log = new RecordingLog();
    const requests: { passive: boolean; resolve: () => void; reject: (error: Error) => void }[] = [];
    const found = { passive: false };
    const set = (passive: boolean) =>
      new Promise<void>((resolve, reject) => void requests.push({ passive, resolve, reject }));
    const target = { name: "api", set, get: async () => found.passive };
    return { clock, log, requests, found, flag: new AcknowledgedFlag(target, 1000, clock, log) };
  }
  const values = (requests: readonly { passive: boolean }[]) => requests.map(({ passive }) => passive);

  test("is sent again until it is acknowledged, and complained of once", async () => {
    const { clock, log, requests, flag } = setUp();
    flag.want(true);
    for (let at = 0; at < 3; at++) {
      requests[at]?.reject(new Error("refused"));
      await clock.advanceSettling(1000);
    }
    requests[3]?.resolve();
    await flag.settled();
    expect(values(requests)).toEqual([true, true, true, true]);
    expect(log.messages("warn")).toEqual(["api is not passive yet: refused"]);
    expect(log.messages("info")).toEqual(["api is passive"]);
  });

  test("a newer value waits for the request under way, and takes the place of what failed at once", async () => {
    const { clock, requests, flag } = setUp();
    flag.want(true);
    flag.want(false);
    expect(values(requests)).toEqual([true]);
    requests[0]?.reject(new Error("refused"));
    await clock.advanceSettling(0);
    expect(values(requests)).toEqual([true, false]);
    flag.want(true);
    requests[1]?.resolve();
    await clock.advanceSettling(0);
    expect(values(requests)).toEqual([true, false, true]);
    requests[2]?.resolve();
    await flag.settled();
  });

  test("is told again when it has become something else, and only then", async () => {
    const { clock, requests, found, flag } = setUp();
    flag.keep(500);
    await clock.advanceSettling(500);
    flag.want(true);
    requests[0]?.resolve();
    await flag.settled();
    found.passive = true;
    await clock.advanceSettling(500);
    expect(values(requests)).toEqual([true]);
    found.passive = false;
    await clock.advanceSettling(500);
    expect(values(requests)).toEqual([true, true]);
    requests[1]?.resolve();
    await flag.close();
    expect(clock.pending).toBe(0);
  });

  test("close gives up", async () => {
    const { clock, requests, flag } = setUp();
    flag.want(true);
    requests[0]?.reject(new Error("refused"));
    await clock.advanceSettling(10);
    await flag.close();
    flag.want(false);
    expect(requests).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });
});

describe("FifoReader", () => {
  let folder: string;
  let path: string;
  let lines: string[];
  let complaints: string[];
  let clock: FakeClock;
  let reader: FifoReader;
  const mkfifo = () => spawnSync("mkfifo", [path]);
  const look = () => clock.advance(25);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sluice-fifo-"));
    path = join(folder, "fifo");
    lines = [];
    complaints = [];
    clock = new FakeClock();
    reader = new FifoReader(
      path,
      clock,
      (line) => lines.push(line),
      (sentence) => complaints.push(sentence),
    );
    reader.start();
  });
  afterEach(() => {
    reader.close();
    rmSync(folder, { recursive: true });
  });

  test("waits for the FIFO, puts halves of lines together, and follows to the next one", async () => {
    look();
    mkfifo();
    look();
    writeFileSync(path, "one\ntw");
    look();
    writeFileSync(path, "o\n");
    look();
    expect(lines).toEqual(["one", "two"]);
    rmSync(path);
    look();
    mkfifo();
    look();
    writeFileSync(path, "three\n");
    await eventually(() => {
      look();
      return lines.length === 3;
    });
    expect(lines).toEqual(["one", "two", "three"]);
    expect(complaints).toEqual([]);
  });

  test("says once that something else is in its place", () => {
    writeFileSync(path, "no FIFO\n");
    look();
    look();
    expect(complaints).toEqual([`cannot read ${path}: it is no FIFO; keepalived makes one when it starts`]);
  });
});
