import { expect, test } from "bun:test";
import { galeraFacts, reached } from "../../test/support/facts.ts";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { SILENT_LOG } from "../telemetry/log.ts";
import { type ServerState, UNKNOWN_STATE } from "../topology/state.ts";
import { DonorSetter } from "./donor-setter.ts";
import { galeramon } from "./modules/galeramon.ts";
import type { ServerInput } from "./modules/monitor-module.ts";

function input(name: string, localIndex: number): ServerInput {
  const observation = reached(galeraFacts({ nodeName: name, localIndex }));
  return {
    name,
    addresses: [],
    observation,
    admin: "none",
    openConnections: 0,
    priority: 0,
    serverId: undefined,
  };
}

const synced = (role: ServerState["role"]): ServerState => ({
  ...UNKNOWN_STATE,
  liveness: "running",
  galera: "synced",
  role,
});
const INPUTS = [input("a", 0), input("b", 1), input("c", 2)];
const STATES = new Map([
  ["a", synced("primary")],
  ["b", synced("replica")],
  ["c", synced("replica")],
]);

function setter(run: (server: string, sql: string) => Promise<void>, isPassive = false) {
  const clock = new FakeClock();
  const options = { choice: galeramon.defaults, isPassive: () => isPassive, clock, log: SILENT_LOG, run };
  return { clock, setter: new DonorSetter(options) };
}

test("tells each synced node once, replicas only, and again when it has been away", () => {
  const told: string[] = [];
  const { setter: donors } = setter(async (server, sql) => void told.push(`${server}: ${sql}`));
  donors.judged(INPUTS, STATES);
  donors.judged(INPUTS, STATES);
  expect(told).toEqual(["a", "b", "c"].map((name) => `${name}: SET GLOBAL wsrep_sst_donor = 'c,b,'`));
  donors.judged(INPUTS, new Map(STATES).set("a", UNKNOWN_STATE));
  donors.judged(INPUTS, STATES);
  expect(told).toHaveLength(4);
});

test("changes nothing while passive", () => {
  let count = 0;
  const { setter: donors } = setter(async () => void count++, true);
  donors.judged(INPUTS, STATES);
  expect(count).toBe(0);
});

test("a node that refuses is asked again later, not at every judgement", async () => {
  let count = 0;
  const { setter: donors, clock } = setter(() => {
    count += 1;
    return Promise.reject(new Error("no"));
  });
  donors.judged(INPUTS, STATES);
  await clock.advanceSettling(1000);
  donors.judged(INPUTS, STATES);
  expect(count).toBe(3);
  await clock.advanceSettling(30_000);
  donors.judged(INPUTS, STATES);
  expect(count).toBe(6);
});
