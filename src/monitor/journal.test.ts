import { afterEach, describe, expect, test } from "bun:test";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { RecordingLog } from "../../test/support/recording-log.ts";
import { TemporaryFolders } from "../../test/support/temporary-folders.ts";
import type { ReplicaLink } from "../topology/replica-link.ts";
import { Journal, type JournalOptions } from "./journal.ts";
import { INITIAL_STATE, type ModuleState } from "./modules/monitor-module.ts";

const folders = new TemporaryFolders();
afterEach(() => folders.remove());

const HOUR_MS = 3_600_000;
const tcp = (name: string, host: string) => ({ name, endpoint: { kind: "tcp", host, port: 3306 } as const });
const DB1 = tcp("db1", "10.0.0.1");
const DB2 = tcp("db2", "10.0.0.2");

const LINK: ReplicaLink = {
  channel: "",
  sourceHost: "10.0.0.1",
  sourcePort: 3306,
  sourceServerId: 1,
  state: "connected",
  lagSeconds: undefined,
  error: undefined,
};
const state = (chosen: string, link: Partial<ReplicaLink> = {}): ModuleState => ({
  chosen,
  clusterUuid: null,
  kind: "replication",
  servers: [
    { name: "db1", serverId: 1, links: [], downSince: 123 },
    { name: "db2", serverId: null, links: [{ ...LINK, ...link }], downSince: null },
  ],
});

function open(directory: string, changes: Partial<JournalOptions> = {}) {
  const log = new RecordingLog();
  const clock = new FakeClock();
  const options = { monitor: "fleet", module: "mariadbmon", servers: [DB1, DB2], maxAgeMs: 8 * HOUR_MS };
  const journal = new Journal({ directory, log, clock, ...options, ...changes });
  return { journal, log, clock, path: join(directory, "fleet.journal.json") };
}

const onDisk = (path: string): string => JSON.parse(readFileSync(path, "utf8")).state.chosen;

describe("a state", () => {
  test("comes back as it was, without its lags", () => {
    const directory = folders.make();
    const { journal, path } = open(directory);
    expect(journal.load()).toBe(INITIAL_STATE);
    const kept = state("db1", {
      lagSeconds: 5,
      error: "Duplicate entry",
      state: "broken",
      sourceServerId: undefined,
    });
    journal.save(kept);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const { journal: next, log } = open(directory, { servers: [DB2, DB1] });
    expect(next.load()).toStrictEqual(
      state("db1", { error: "Duplicate entry", state: "broken", sourceServerId: undefined }),
    );
    expect(log.lines).toEqual([]);
  });

  test("is written at once, then at most once a second, the last one wins", async () => {
    const { journal, clock, path } = open(folders.make());
    journal.save(state("db1"));
    expect(onDisk(path)).toBe("db1");
    for (const chosen of ["db2", "db1", "db2"]) {
      clock.advance(300);
      journal.save(state(chosen));
      expect(onDisk(path)).toBe("db1");
    }
    clock.advance(100);
    expect(onDisk(path)).toBe("db2");
  });

  test("that has not changed, or only its lag, is written again before it looks old", () => {
    const directory = folders.make();
    const { journal, clock, path } = open(directory);
    journal.save(state("db1"));
    utimesSync(path, 1, 1);
    for (let n = 0; n < 59; n += 1) {
      clock.advance(60_000);
      journal.save(state("db1", { lagSeconds: n }));
    }
    expect(statSync(path).mtimeMs).toBe(1000);
    for (let n = 0; n < 100; n += 1) clock.advance(HOUR_MS);
    const later = open(directory, { clock });
    expect(later.journal.load()).toEqual(state("db1"));
    journal.close();
    expect(clock.pending).toBe(0);
  });

  test("that waits is written at the end, and its age begins then", async () => {
    const directory = folders.make();
    const { journal, clock, path } = open(directory);
    journal.save(state("db1"));
    journal.save(state("db2"));
    clock.advance(999);
    journal.close();
    clock.advance(10_000);
    expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({
      writtenAt: clock.now() - 10_000,
      state: { chosen: "db2" },
    });
    expect(readdirSync(directory)).toEqual(["fleet.journal.json"]);
  });

  test("nobody has given is not written", () => {
    const directory = folders.make();
    open(directory).journal.close();
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe("a journal is ignored", () => {
  function written(): { readonly directory: string; readonly path: string } {
    const directory = folders.make();
    const { journal, path } = open(directory);
    journal.save(state("db1"));
    return { directory, path };
  }

  test.each<[string, Partial<JournalOptions>, string]>([
    ["of a longer fleet", { servers: [DB1] }, "it is of other servers, or other addresses"],
    [
      "of another address",
      { servers: [DB1, tcp("db2", "10.0.0.9")] },
      "it is of other servers, or other addresses",
    ],
    ["of another module", { module: "galeramon" }, "it is of the module mariadbmon"],
  ])("that is %s", (_name, changes, reason) => {
    const { directory, path } = written();
    const { journal, log } = open(directory, changes);
    expect(journal.load()).toBe(INITIAL_STATE);
    expect(log.messages("warn")).toEqual([`${path} is ignored: ${reason}`]);
  });

  test("that is older than journal_max_age", async () => {
    const { directory, path } = written();
    const { journal, log, clock } = open(directory);
    clock.advance(8 * HOUR_MS);
    expect(journal.load()).toEqual(state("db1"));
    clock.advance(1000);
    expect(journal.load()).toBe(INITIAL_STATE);
    expect(log.messages("warn")).toEqual([
      `${path} is ignored: it is 28801 s old, and journal_max_age is 28800 s`,
    ]);
  });

  test("that is cut off, wherever it was", () => {
    const { directory, path } = written();
    const text = readFileSync(path, "utf8");
    for (let size = 0; size < text.length - 1; size += 1) {
      writeFileSync(path, text);
      truncateSync(path, size);
      const { journal, log } = open(directory);
      expect(journal.load()).toBe(INITIAL_STATE);
      expect(log.messages("warn")[0]).toStartWith(`${path} is ignored: it is damaged (`);
    }
  });

  test.each([
    ["null", "it is damaged (: Invalid input: expected object, received null)"],
    [`{"chosen":"db1"}`, "it is damaged (writtenAt: Invalid input: expected number, received undefined)"],
  ])("that says %s", (text, reason) => {
    const { directory, path } = written();
    writeFileSync(path, text);
    const { journal, log } = open(directory);
    expect(journal.load()).toBe(INITIAL_STATE);
    expect(log.messages("warn")).toEqual([`${path} is ignored: ${reason}`]);
  });

  test("that cannot be read", () => {
    const directory = folders.make();
    const { journal, log, path } = open(directory);
    mkdirSync(path);
    expect(journal.load()).toBe(INITIAL_STATE);
    expect(log.messages("warn")).toHaveLength(1);
  });
});

test("a disk that cannot be written costs one warning, and is tried again", () => {
  const directory = join(folders.make(), "data");
  writeFileSync(directory, "");
  const { journal, log, clock } = open(directory);
  for (const chosen of ["db1", "db2", "db1"]) {
    journal.save(state(chosen));
    clock.advance(20_000);
  }
  expect(log.messages("warn")).toHaveLength(1);
  expect(log.messages("warn")[0]).toStartWith("the journal is not kept: ");
  rmSync(directory);
  mkdirSync(directory);
  clock.advance(30_000);
  expect(open(directory).journal.load()).toEqual(state("db1"));
});
