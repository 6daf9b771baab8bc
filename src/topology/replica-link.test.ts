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
  ] as const)("%j: %s", (more, state) => {
    expect(read(more)?.state).toBe(state as ReplicaLink["state"]);
  });

  test("an error is told on one line", () => {
    expect(read({ sqlRunning: "No", sqlError: error(1062) })?.error).toBe("no luck");
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
