import { describe, expect, test } from "bun:test";
import type { ReplicaChannel, ReplicaError } from "./facts.ts";
import { type ReplicaLink, replicaLinks } from "./replica-link.ts";

const channel = (more: Partial<ReplicaChannel>): ReplicaChannel => ({
  name: "",
  sourceHost: "db1",
  sourcePort: 3306,
  sourceServerId: 1,
  ioRunning: "Yes",
  sqlRunning: "Yes",
  lagSeconds: 0,
  ioError: undefined,
  sqlError: undefined,
  usingGtid: undefined,
  gtidIoPos: undefined,
  delaySeconds: 0,
  ...more,
});
const error = (errno: number): ReplicaError => ({ errno, message: "no\nluck.\n" });
const read = (more: Partial<ReplicaChannel>, before: readonly ReplicaLink[] = []) =>
  replicaLinks([channel(more)], before)[0];

describe("the state of a link", () => {
  test.each([
    [{}, "connected"],
    [{ ioRunning: "Connecting" }, "connecting"],
    [{ ioRunning: "Preparing" }, "connecting"],
    [{ ioRunning: "Connecting", ioError: error(2003) }, "connecting"],
    [{ ioRunning: "Connecting", ioError: error(1045) }, "broken"],
    [{ ioRunning: "No", ioError: error(1236) }, "broken"],
    [{ ioRunning: "No" }, "broken"],
    [{ sqlRunning: "No", sqlError: error(1062) }, "broken"],
    [{ sqlRunning: "No" }, "broken"],
    [{ ioRunning: "No", sqlRunning: "No", sqlError: error(1062) }, "broken"],
    [{ ioRunning: "No", sqlRunning: "No" }, undefined],
    [{ ioRunning: "No", sqlRunning: "No", ioError: error(2003) }, undefined],
    [{ ioRunning: "No", sqlRunning: "No", ioError: error(1236) }, "broken"],
    [{ ioRunning: "No", sqlRunning: "No", ioError: error(1045) }, "broken"],
  ] as const)("%j: %s", (more, state) => {
    expect(read(more)?.state).toBe(state as ReplicaLink["state"]);
  });

  // As MariaDB 10.11 prints them.
  test.each([
    ["no\nluck.\n", "no luck"],
    [
      "error reconnecting to master 'repl@10.0.0.1:3306' - retry-time: 2  maximum-retries: 100000  message: " +
        "Can't connect to server on '10.0.0.1' (111 \"Connection refused\")",
      "Can't connect to server on '10.0.0.1' (111 \"Connection refused\")",
    ],
    [
      "Error 'Duplicate entry '1' for key 'PRIMARY'' on query. Default database: ''. Query: 'insert into t.a values (1)'",
      "Error 'Duplicate entry '1' for key 'PRIMARY''",
    ],
    ["x".repeat(1000), "x".repeat(300)],
  ])("an error is told without SQL, on one short line: %s", (message, told) => {
    expect(read({ sqlRunning: "No", sqlError: { errno: 1062, message } })?.error).toBe(told);
  });
});

describe("the source's server_id", () => {
  test("is believed once the IO thread is connected, and kept while it tries again", () => {
    expect(read({ ioRunning: "Connecting" })?.sourceServerId).toBeUndefined();
    const before = replicaLinks([channel({})], []);
    expect(before[0]?.sourceServerId).toBe(1);
    expect(read({ ioRunning: "Connecting" }, before)?.sourceServerId).toBe(1);
  });

  test("is forgotten when the channel is pointed elsewhere", () => {
    const before = replicaLinks([channel({})], []);
    expect(read({ ioRunning: "Connecting", sourceHost: "db2" }, before)?.sourceServerId).toBeUndefined();
    expect(read({ ioRunning: "Connecting", sourcePort: 3307 }, before)?.sourceServerId).toBeUndefined();
  });

  test("0 is none", () => {
    expect(read({ sourceServerId: 0 })?.sourceServerId).toBeUndefined();
  });
});
