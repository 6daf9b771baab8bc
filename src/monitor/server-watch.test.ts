import { beforeEach, describe, expect, test } from "bun:test";
import { failed, galeraFacts, reached } from "../../test/support/facts.ts";
import { FakeClock } from "../../test/support/fake-clock.ts";
import type { Probe } from "../probe/probe.ts";
import { SILENT_LOG } from "../telemetry/log.ts";
import type { ServerSnapshot } from "../topology/fleet.ts";
import type { Observation } from "../topology/observation.ts";
import { NO_OVERLAY } from "../verdict/judge.ts";
import { DEFAULT_POLICY } from "../verdict/policy.ts";
import { ServerWatch } from "./server-watch.ts";

const GOOD = reached(galeraFacts());
const REFUSED = failed("PROBE_REFUSED");
const DENIED = failed("PROBE_AUTH_DENIED");
const HUNG = failed("PROBE_QUERY_TIMEOUT");

/** Answers what it is told to, at once or when released, and notes when it was asked. */
class ScriptedProbe implements Probe {
  readonly asked: number[] = [];
  pings = 0;
  next: Observation = GOOD;
  nextPing: Observation | undefined;
  isClosed = false;
  holdAnswers = false;
  lose: () => void = () => {};
  readonly #clock: FakeClock;
  #waiting: (() => void)[] = [];

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  async ask(): Promise<Observation> {
    this.asked.push(this.#clock.now());
    if (this.holdAnswers) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return { ...this.next, at: this.#clock.now() };
  }

  async ping(): Promise<Observation | undefined> {
    this.pings += 1;
    return this.nextPing;
  }

  onConnectionLost(callback: () => void): void {
    this.lose = callback;
  }

  close(): void {
    this.isClosed = true;
  }

  release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

let clock: FakeClock;
let probe: ScriptedProbe;
let told: ServerSnapshot[];

function watch(changes: { intervalMs?: number; heartbeatMs?: number } = {}): ServerWatch {
  const server = {
    name: "db1",
    endpoint: { kind: "tcp", host: "10.0.0.1", port: 3306 } as const,
    policy: { ...DEFAULT_POLICY, staleAfterMs: 3000 },
    intervalMs: 1000,
    checkTimeoutMs: 1000,
    heartbeatMs: 0,
    ...changes,
  };
  return new ServerWatch(server, probe, NO_OVERLAY, clock, SILENT_LOG, (snapshot) => told.push(snapshot));
}

/** Times of the questions since the start, ms. */
const askedAfter = (start: number): number[] => probe.asked.map((at) => at - start);
const lastCode = (): string | undefined => told.at(-1)?.verdict.code;

beforeEach(() => {
  clock = new FakeClock(1_000_000);
  probe = new ScriptedProbe(clock);
  told = [];
});

describe("schedule", () => {
  test("asks at once and then once per interval", async () => {
    const start = clock.now();
    watch().start();
    await clock.advanceSettling(3500);
    expect(askedAfter(start)).toEqual([0, 1000, 2000, 3000]);
    expect(lastCode()).toBe("GALERA_SYNCED");
  });

  test("is on time again after a busy moment, and so are the others that it held up", async () => {
    const start = clock.now();
    watch().start();
    await clock.advanceSettling(900);
    probe.holdAnswers = true;
    await clock.advanceSettling(1400); // the question of 1000 is answered at 2300
    probe.holdAnswers = false;
    probe.release();
    await clock.advanceSettling(2200);
    expect(askedAfter(start)).toEqual([0, 1000, 2300, 3000, 4000]);
  });

  test("never has two questions under way", async () => {
    probe.holdAnswers = true;
    const watched = watch();
    watched.start();
    await clock.advanceSettling(5000);
    watched.hint();
    probe.lose();
    await clock.advanceSettling(100);
    expect(probe.asked).toHaveLength(1);
    probe.release();
    await clock.advanceSettling(1);
    expect(probe.asked).toHaveLength(2);
  });

  test("a refused connection is tried again soon, never slower than a tenth of a second", async () => {
    probe.next = REFUSED;
    const start = clock.now();
    watch().start();
    await clock.advanceSettling(2000);
    const gaps = askedAfter(start).map((at, i, all) => at - (all[i - 1] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(101);
    expect(gaps[1]).toBeLessThanOrEqual(26);
  });

  test("other failures back off up to the interval, with jitter", async () => {
    probe.next = DENIED;
    clock.randomness = 1;
    const start = clock.now();
    watch().start();
    await clock.advanceSettling(10_000);
    const gaps = askedAfter(start)
      .map((at, i, all) => at - (all[i - 1] ?? 0))
      .slice(1);
    expect(gaps.slice(0, 4).every((gap, i) => i === 0 || gap > (gaps[i - 1] ?? 0))).toBe(true);
    expect(Math.max(...gaps)).toBe(1000);
  });
});

describe("what asks at once", () => {
  test("a lost connection", async () => {
    const start = clock.now();
    watch().start();
    await clock.advanceSettling(300);
    probe.next = REFUSED;
    probe.lose();
    await clock.advanceSettling(0);
    expect(askedAfter(start)).toEqual([0, 300]);
    expect(lastCode()).toBe("PROBE_REFUSED");
  });

  test("a hint; many hints ask only every 50 ms", async () => {
    const start = clock.now();
    const watched = watch();
    watched.start();
    await clock.advanceSettling(200);
    for (let i = 0; i < 100; i++) {
      watched.hint();
      await clock.advanceSettling(1);
    }
    expect(askedAfter(start).slice(0, 3)).toEqual([0, 200, 250]);
    expect(askedAfter(start).length).toBeLessThanOrEqual(5);
  });
});

describe("heartbeat", () => {
  test("pings between the probes and leaves the verdict alone", async () => {
    watch({ heartbeatMs: 100 }).start();
    await clock.advanceSettling(1001);
    expect(probe.asked).toHaveLength(2);
    expect(probe.pings).toBeGreaterThanOrEqual(8);
    expect(told.filter(({ verdict }) => verdict.known)).toHaveLength(2);
  });

  test("silence is a verdict", async () => {
    watch({ heartbeatMs: 100 }).start();
    await clock.advanceSettling(150);
    probe.next = HUNG;
    probe.nextPing = HUNG;
    await clock.advanceSettling(100);
    expect(lastCode()).toBe("PROBE_QUERY_TIMEOUT");
  });
});

test("maintenance is told without a tick", async () => {
  const watched = watch();
  watched.start();
  await clock.advanceSettling(10);
  watched.setAdmin("maintenance");
  expect(lastCode()).toBe("MAINTENANCE");
  expect(told.at(-1)?.admin).toBe("maintenance");
  expect(probe.asked).toHaveLength(1);
});

test("after stop nothing is asked or told", async () => {
  const watched = watch();
  watched.start();
  await clock.advanceSettling(10);
  watched.stop();
  const count = told.length;
  watched.hint();
  await clock.advanceSettling(5000);
  expect(probe.isClosed).toBe(true);
  expect(told).toHaveLength(count);
});
