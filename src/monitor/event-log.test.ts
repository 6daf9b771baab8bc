import { afterEach, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { RecordingLog } from "../../test/support/recording-log.ts";
import { anEvent, someEvents } from "../../test/support/some-events.ts";
import { TemporaryFolders } from "../../test/support/temporary-folders.ts";
import type { FleetEvent } from "../topology/fleet-event.ts";
import { EventLog } from "./event-log.ts";

const folders = new TemporaryFolders();
afterEach(() => folders.remove());

interface Opened {
  readonly events: EventLog;
  readonly log: RecordingLog;
  readonly clock: FakeClock;
  readonly path: string;
}

function open(directory = folders.make()): Opened {
  const log = new RecordingLog();
  const clock = new FakeClock();
  return { events: new EventLog(directory, log, clock), log, clock, path: join(directory, "events.jsonl") };
}

const ids = (events: readonly FleetEvent[]): readonly number[] => events.map(({ id }) => id);
const upTo = (last: number, count = last): readonly number[] =>
  Array.from({ length: count }, (_, n) => last - count + 1 + n);
const linesIn = (path: string): number => readFileSync(path, "utf8").split("\n").length - 1;

describe("events", () => {
  test("come back after a restart as they were, and ids go on", async () => {
    const directory = folders.make();
    const first = open(directory);
    first.events.append("east", [anEvent(), anEvent({ event: "new_primary", maxscaleEvent: null })]);
    first.events.append("west", [anEvent({ server: "ü\n", event: "lost_donor" })]);
    await first.events.flush();
    expect(statSync(first.path).mode & 0o777).toBe(0o600);

    const second = open(directory);
    expect(second.events.events()).toEqual(first.events.events());
    expect(second.events.events()[0]).toEqual({ id: 1, monitor: "east", ...anEvent() });
    second.events.append("east", [anEvent()]);
    expect(ids(second.events.events())).toEqual(upTo(4));
    expect(second.log.lines).toEqual([]);
  });

  test("are told one by one, in order, also where a listener fails", () => {
    const { events, log } = open();
    const heard: number[] = [];
    events.subscribe(() => {
      throw new Error("no room");
    });
    const unsubscribe = events.subscribe(({ id }) => heard.push(id));
    events.append("fleet", someEvents(3));
    unsubscribe();
    events.append("fleet", someEvents(1));
    expect(heard).toEqual([1, 2, 3]);
    expect(log.messages("error")[0]).toBe("a listener failed: no room");
  });

  test("are counted by monitor, server and name since the start", async () => {
    const directory = folders.make();
    const before = open(directory);
    before.events.append("fleet", someEvents(5));
    await before.events.flush();
    const { events } = open(directory);
    events.append("fleet", [anEvent(), anEvent({ event: "new_primary" }), anEvent()]);
    events.append("fleet", [anEvent({ server: "db2" })]);
    expect(events.counts()).toEqual([
      { monitor: "fleet", server: "db1", event: "server_up", count: 2 },
      { monitor: "fleet", server: "db1", event: "new_primary", count: 1 },
      { monitor: "fleet", server: "db2", event: "server_up", count: 1 },
    ]);
  });

  test("beyond 1,000 are forgotten, and the file stays below twice as many lines", async () => {
    const directory = folders.make();
    const { events, path } = open(directory);
    for (let n = 0; n < 70; n += 1) {
      events.append("fleet", someEvents(47));
      if (n % 3 === 0) await events.flush();
      if (existsSync(path)) expect(linesIn(path)).toBeLessThanOrEqual(2000);
    }
    await events.flush();
    expect(ids(events.events())).toEqual(upTo(70 * 47, 1000));
    expect(open(directory).events.events()).toEqual(events.events());
    expect(readdirSync(directory)).toEqual(["events.jsonl"]);
  });

  test("that came faster than the disk are written in order", async () => {
    const directory = folders.make();
    const { events } = open(directory);
    for (let n = 0; n < 500; n += 1) events.append("fleet", someEvents(7));
    await events.flush();
    expect(ids(open(directory).events.events())).toEqual(upTo(3500, 1000));
  });
});

describe("a damaged file", () => {
  async function filled(count: number): Promise<{ readonly directory: string; readonly path: string }> {
    const directory = folders.make();
    const { events, path } = open(directory);
    events.append("fleet", someEvents(count));
    await events.flush();
    return { directory, path };
  }

  test("loses a torn last line, wherever it was cut, and is whole again after the next event", async () => {
    const { directory, path } = await filled(3);
    const whole = readFileSync(path);
    const lastLine = whole.lastIndexOf(10, -2) + 1;
    for (let size = lastLine + 1; size < whole.length - 1; size += 1) {
      writeFileSync(path, whole);
      truncateSync(path, size);
      const { events, log } = open(directory);
      expect(ids(events.events())).toEqual([1, 2]);
      expect(log.messages("warn")).toEqual([`${path}: dropped the last line, which was cut off`]);
      events.append("fleet", someEvents(1));
      await events.flush();
      const after = open(directory);
      expect(ids(after.events.events())).toEqual([1, 2, 3]);
      expect(after.log.lines).toEqual([]);
    }
  });

  test("that lacks only its last line feed has lost nothing", async () => {
    const { directory, path } = await filled(3);
    truncateSync(path, statSync(path).size - 1);
    const { events, log } = open(directory);
    events.append("fleet", someEvents(1));
    await events.flush();
    expect(ids(open(directory).events.events())).toEqual(upTo(4));
    expect(log.lines).toEqual([]);
  });

  test("loses the lines that mean nothing, with one warning", async () => {
    const { directory, path } = await filled(2);
    appendFileSync(path, `\0\0\0\nnull\n[]\n{"id":"7"}\n{"id":-1}\n`);
    const { events, log } = open(directory);
    expect(ids(events.events())).toEqual([1, 2]);
    expect(log.messages("warn")).toEqual([`${path}: dropped 5 damaged lines`]);
  });

  test("that others may read is made private", async () => {
    const { directory, path } = await filled(1);
    chmodSync(path, 0o644);
    const { events } = open(directory);
    events.append("fleet", someEvents(1));
    await events.flush();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(linesIn(path)).toBe(2);
  });
});

describe("a disk that fails", () => {
  test.each([
    ["the folder is a file", (path: string) => writeFileSync(path, "")],
    ["the file is a folder", (path: string) => mkdirSync(join(path, "events.jsonl"), { recursive: true })],
    ["the folder is not there", () => {}],
  ])("costs one warning and no event: %s", async (_name, prepare) => {
    const directory = join(folders.make(), "data");
    prepare(directory);
    const { events, log } = open(directory);
    for (let n = 0; n < 5; n += 1) {
      events.append("fleet", someEvents(1));
      await events.flush();
    }
    expect(ids(events.events())).toEqual(upTo(5));
    expect(log.messages("warn")).toHaveLength(1);
    expect(log.messages("warn")[0]).toStartWith("events are kept in memory only: ");
    expect(log.messages("warn")[0]).toContain(directory);
  });

  test("is tried again after a while, and then gets everything that is kept", async () => {
    const directory = join(folders.make(), "data");
    const { events, log, clock, path } = open(directory);
    events.append("fleet", someEvents(2));
    await events.flush();
    mkdirSync(directory);
    events.append("fleet", someEvents(1));
    expect(existsSync(path)).toBe(false);
    clock.advance(30_000);
    events.append("fleet", someEvents(1));
    await events.flush();
    expect(ids(open(directory).events.events())).toEqual(upTo(4));
    expect(log.messages("info")).toEqual([`events are written to ${path} again`]);
  });

  test("gets a last chance at the end", async () => {
    const directory = join(folders.make(), "data");
    const { events } = open(directory);
    events.append("fleet", someEvents(2));
    await events.flush();
    mkdirSync(directory);
    await events.flush();
    expect(ids(open(directory).events.events())).toEqual(upTo(2));
  });

  test("that comes and goes at any moment, with events at any moment, ends with each of them once", async () => {
    const operation = fc.oneof(
      fc.constant("disk"),
      fc.constant("flush"),
      fc.constant("pause"),
      fc.constant("wait"),
      fc.integer({ min: 1, max: 700 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 30 }), async (operations) => {
        const [directory, away] = [join(folders.make(), "data"), join(folders.make(), "away")];
        mkdirSync(directory);
        const { events, clock } = open(directory);
        const flushes: Promise<void>[] = [];
        for (const what of operations) {
          if (typeof what === "number") events.append("fleet", someEvents(what));
          else if (what === "flush") flushes.push(events.flush());
          else if (what === "wait") clock.advance(20_000);
          else if (what === "pause") await new Promise((resolve) => setImmediate(resolve));
          else if (existsSync(directory)) renameSync(directory, away);
          else renameSync(away, directory);
        }
        await Promise.all(flushes);
        if (!existsSync(directory)) renameSync(away, directory);
        await events.flush();
        expect(open(directory).events.events()).toEqual(events.events());
      }),
      { numRuns: 100 },
    );
  });

  test("is left alone where the file could not be read", async () => {
    const directory = folders.make();
    const path = join(directory, "events.jsonl");
    writeFileSync(path, "");
    truncateSync(path, 17 * 1024 * 1024);
    const { events, log } = open(directory);
    events.append("fleet", someEvents(1));
    await events.flush();
    expect(statSync(path).size).toBe(17 * 1024 * 1024);
    expect(log.messages("warn")[0]).toContain("is no event log");
  });

  // On a file system of its own, which only the child sees; it checks itself (test/support/full-disk.ts).
  test("is full", async () => {
    const script = join(import.meta.dir, "../../test/support/full-disk.ts");
    const mount = "mount --make-rprivate / && mount -t tmpfs -o size=1m,mode=700 tmpfs";
    const directory = folders.make();
    const child = spawn(
      "/usr/bin/unshare",
      [
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        `${mount} "$1" && exec "$2" run "$3" "$1"`,
        "sh",
        directory,
        process.execPath,
        script,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      said += chunk;
    });
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect({ code, said: said.split("\n") }).toEqual({
      code: 0,
      said: [
        "warnings 1, kept 1000",
        "with the disk full: some true, in order true, all false",
        "with room again: some true, in order true, all true",
        "",
      ],
    });
  });
});

/** A writer is killed -9 at 40 random moments: what it said was written is there, in order, and no id comes twice. */
test("kill -9 at any moment loses nothing that was written, and never stops the next start", async () => {
  const directory = folders.make();
  let last = 0;
  for (let round = 0; round < 40; round += 1) {
    const written = await killedWriter(directory, Math.random() * 20);
    const { events, log } = open(directory);
    const found = ids(events.events());
    expect(found.at(-1) ?? 0).toBeGreaterThanOrEqual(written);
    expect(found).toEqual(upTo(found.at(-1) ?? 0, found.length));
    expect(found.length).toBe(Math.min(found.at(-1) ?? 0, 1000));
    for (const warning of log.messages("warn")) expect(warning).toContain("the last line, which was cut off");
    expect(found.at(-1) ?? 0).toBeGreaterThanOrEqual(last);
    last = found.at(-1) ?? 0;
  }
  expect(last).toBeGreaterThan(1000);
}, 120_000);

/** Runs the writer until `afterMs` past its first word, kills it, and returns the last id that it said was written. */
async function killedWriter(directory: string, afterMs: number): Promise<number> {
  const script = join(import.meta.dir, "../../test/support/event-writer.ts");
  const child = spawn(process.execPath, ["run", script, directory], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    said += chunk;
    timer ??= setTimeout(() => child.kill("SIGKILL"), afterMs);
  });
  await new Promise((resolve) => child.once("close", resolve));
  clearTimeout(timer);
  return Number(/.*^written (\d+)\n/ms.exec(said)?.[1] ?? 0);
}
