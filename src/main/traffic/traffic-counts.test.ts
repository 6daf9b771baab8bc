import { expect, test } from "bun:test";
import type { WorkerCounters } from "../../proxy/worker/messages.ts";
import { TrafficCounts } from "./traffic-counts.ts";

const counters = (current: number, total: number): WorkerCounters => ({
  sessions: current,
  listeners: 1,
  rssBytes: 0,
  cpuMicros: 0,
  services: {
    app: {
      current,
      total,
      most: current,
      refused: 1,
      waiting: 0,
      retried: 0,
      bytesIn: 10 * total,
      bytesOut: 20 * total,
      reads: total,
      servers: { db1: { current, total } },
    },
  },
});

test("adds up the workers; of one that died its totals stay, and its sessions do not", () => {
  const counts = new TrafficCounts();
  expect(counts.service("app", [counters(3, 10), counters(4, 20)])).toMatchObject({
    current: 7,
    total: 30,
    most: 7,
    refused: 2,
  });
  counts.retire(counters(4, 20));
  expect(counts.service("app", [counters(3, 10)])).toMatchObject({
    current: 3,
    total: 30,
    most: 7,
    refused: 2,
  });
  expect(counts.server("db1", [counters(3, 10)])).toEqual({ current: 3, total: 30, max: 3 });
  expect(counts.service("other", [])).toMatchObject({ current: 0, total: 0 });
});
