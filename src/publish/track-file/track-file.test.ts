import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { eventually } from "../../../test/eventually.ts";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { aVerdict, FakeFleet, JUDGED_AT } from "../../../test/support/fake-fleet.ts";
import { guardLine, guardTrackFile, LEAVE_LINE } from "./track-guard.ts";
import { trackedValue } from "./tracked-value.ts";

const VALUES = { up: 0, drain: 1, down: 2 };
const UP = aVerdict();
const DRAINING = aVerdict({ up: false, draining: true, code: "DRAINING" });
const DOWN = aVerdict({ up: false, code: "PROBE_REFUSED" });
const STARTING = aVerdict({ up: false, known: false, code: "STARTING" });

describe("trackedValue", () => {
  const of = (verdicts: readonly (typeof UP)[], now = JUDGED_AT) => {
    const fleet = new FakeFleet(
      Object.fromEntries(verdicts.map((verdict, index) => [`db${index}`, verdict])),
    );
    return trackedValue([...fleet.current().servers.values()], VALUES, now)?.value;
  };

  test("is up while one is, else drained while one is, else down", () => {
    expect(of([DOWN, UP])).toBe(0);
    expect(of([DOWN, DRAINING])).toBe(1);
    expect(of([DOWN, STARTING])).toBe(2);
  });

  test("is not told before anything is known, and an old yes is a no", () => {
    expect(of([STARTING])).toBeUndefined();
    expect(of([UP], UP.staleAt + 1)).toBe(2);
  });
});

describe("guardTrackFile", () => {
  let folder: string;
  let file: string;
  let clock: FakeClock;
  let input: PassThrough;
  let complaints: string[];
  let ended: Promise<void>;
  const reads = (value: string) =>
    eventually(() => readFileSync(file, "utf8") === `${value}\n`, { what: value });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sluice-track-"));
    file = join(folder, "track");
    clock = new FakeClock();
    input = new PassThrough();
    complaints = [];
    ended = guardTrackFile({ file, failingValue: 1 }, input, clock, (line) => complaints.push(line));
  });
  afterEach(async () => {
    input.end();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });

  test("leaves the file to the guard of a successor; where none comes, it fails after all", async () => {
    const leave = async (): Promise<void> => {
      let isOver = false;
      void ended.then(() => {
        isOver = true;
      });
      input.end(LEAVE_LINE);
      await eventually(() => {
        clock.advance(1000);
        return isOver;
      });
    };
    input.write(guardLine(0, 3_600_000));
    await reads("0");
    writeFileSync(`${file}.new`, "7\n");
    renameSync(`${file}.new`, file);
    await leave();
    expect(readFileSync(file, "utf8")).toBe("7\n");

    input = new PassThrough();
    ended = guardTrackFile({ file, failingValue: 1 }, input, clock, (line) => complaints.push(line));
    input.write(guardLine(0, 3_600_000));
    await reads("0");
    await leave();
    expect(readFileSync(file, "utf8")).toBe("1\n");
  });

  test("writes what it is sent, and the failing value when it is not renewed in time", async () => {
    input.write(guardLine(0, 3000));
    await reads("0");
    clock.advance(2000);
    input.write(guardLine(0, 3000));
    await eventually(() => clock.pending === 1 && clock.now() === 2000);
    input.write(guardLine(-5, 3000));
    await reads("-5");
    clock.advance(2999);
    expect(readFileSync(file, "utf8")).toBe("-5\n");
    clock.advance(1);
    expect(readFileSync(file, "utf8")).toBe("1\n");
    input.write(guardLine(0, 3000));
    await reads("0");
  });

  test("writes the failing value when the pipe ends, in the middle of a line too", async () => {
    input.write(`${guardLine(0, 60_000)}0 99`);
    await reads("0");
    input.end();
    await ended;
    expect(readFileSync(file, "utf8")).toBe("1\n");
    expect(clock.pending).toBe(0);
  });

  test("complains of a file that cannot be written, and tries again with the next line", async () => {
    rmSync(folder, { recursive: true });
    input.write(guardLine(0, 60_000));
    await eventually(() => complaints.length === 1);
    expect(complaints[0]).toContain(`cannot write ${file}`);
  });
});
