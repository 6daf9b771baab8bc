/**
 * The contract of every monitor module, for whatever the servers say: fleets are drawn at random as pictures
 * (test/support/fleet-picture.ts), so that a failure prints one that can be read.
 */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { CATALOGUE } from "../../src/errors/catalogue.ts";
import { fleetEvents } from "../../src/monitor/events.ts";
import { type FleetJudgement, judgeFleet } from "../../src/monitor/judge-fleet.ts";
import type { AutoOptions } from "../../src/monitor/modules/auto.ts";
import {
  INITIAL_STATE,
  type ModuleState,
  type MonitorModule,
  type ServerInput,
} from "../../src/monitor/modules/monitor-module.ts";
import { readPicture } from "../support/fleet-picture.ts";
import { MODULES } from "../support/modules.ts";

const NAMES = ["db1", "db2", "db3", "db4", "db5"];

const maybe = (arbitrary: fc.Arbitrary<string>) => fc.oneof(fc.constant(""), arbitrary);
const oneOf = (...words: readonly string[]) => fc.constantFrom(...words);
const words = (...parts: readonly fc.Arbitrary<string>[]) =>
  fc.tuple(...parts).map((found) => found.join(" "));

const sources = fc
  .uniqueArray(
    fc.tuple(
      oneOf(...NAMES, "elsewhere"),
      oneOf("", "", ":connecting", ":sql", ":io", ":denied", ":stopped"),
    ),
    { maxLength: 2, selector: ([host]) => host },
  )
  .map((found) => found.map(([host, state]) => `<${host}${state}`).join(" "));
const galera = words(
  fc
    .tuple(oneOf("synced", "synced", "donor", "joined", "joining"), oneOf("-1", "0", "1", "2"))
    .map((node) => node.join("@")),
  oneOf("", "uuid=A", "uuid=B", "uuid=empty"),
  maybe(oneOf("nonprimary", "notready", "rejects", "desync", "pxc", "sst=mariabackup")),
);
const admin = oneOf("", "", "", "maint", "drain", "drain:2");
const answers = words(
  oneOf("rw", "rw", "ro"),
  maybe(sources),
  maybe(galera),
  maybe(
    oneOf("offline", "no-grant", "lag=9", "lag=?", "gtid=0-1-5", "gtid=rubbish", "mysql", "proxy", "id=1"),
  ),
);
const silence = oneOf("down", "down", "down:PROBE_AUTH_DENIED", "unasked");
const server = words(
  fc.oneof({ weight: 4, arbitrary: answers }, { weight: 1, arbitrary: silence }),
  admin,
  oneOf("", "prio=1", "prio=-1"),
);
const picture = fc
  .array(server, { minLength: 1, maxLength: NAMES.length })
  .map((servers) => servers.map((line, index) => `${NAMES[index]} ${line}`).join("\n"));

/** Fleets a second apart. */
const history = fc.array(picture, { minLength: 1, maxLength: 6 });
const options: fc.Arbitrary<AutoOptions> = fc.record({
  failcount: fc.nat(3),
  monitorIntervalMs: fc.constant(1000),
  masterConditions: fc.subarray(["connecting_slave", "connected_slave", "running_slave"] as const),
  slaveConditions: fc.subarray(["linked_master", "running_master", "writable_master"] as const),
  assumeUniqueHostnames: fc.boolean(),
  ignoreExternalMasters: fc.boolean(),
  availableWhenDonor: fc.constantFrom("never", "nonblocking", "always"),
  disableMasterFailback: fc.boolean(),
  disableMasterRoleSetting: fc.boolean(),
  rootNodeAsMaster: fc.boolean(),
  usePriority: fc.boolean(),
});

interface Tick {
  readonly inputs: readonly ServerInput[];
  readonly before: ModuleState;
  readonly judgement: FleetJudgement;
  readonly now: number;
}

function play(
  module: MonitorModule<AutoOptions>,
  pictures: readonly string[],
  options: AutoOptions,
): readonly Tick[] {
  let before = INITIAL_STATE;
  return pictures.map((text, index) => {
    const now = index * 1000;
    const inputs = readPicture(text, now).map((pictured) => pictured.input);
    const tick = { inputs, before, now, judgement: judgeFleet(module, before, inputs, options, now) };
    before = tick.judgement.state;
    return tick;
  });
}

/** Plays random histories and looks at every tick of them. */
function forEachTick(
  module: MonitorModule<AutoOptions>,
  look: (tick: Tick, options: AutoOptions) => void,
): void {
  fc.assert(
    fc.property(history, options, (pictures, chosen) => {
      for (const tick of play(module, pictures, chosen)) look(tick, chosen);
    }),
    { numRuns: 500 },
  );
}

describe.each(MODULES.map((module) => [module.name, module] as const))(
  "%s, whatever the servers say",
  (_name, module) => {
    test("never two primaries, and the primary can take writes", () => {
      forEachTick(module, ({ inputs, judgement: { servers, primary } }) => {
        const primaries = [...servers].filter(([, state]) => state.role === "primary");
        expect(primaries.map(([name]) => name)).toEqual(primary === null ? [] : [primary]);
        for (const [name, state] of primaries) {
          expect(state).toMatchObject({ liveness: "running", readOnly: false });
          const { observation } = inputs.find((input) => input.name === name) ?? {};
          expect(observation?.reached === true && observation.facts.readOnly.offlineMode).toBe(false);
        }
      });
    });

    test("maintenance and drain win over everything", () => {
      forEachTick(module, ({ inputs, before, judgement: { servers, primary } }) => {
        for (const { name, admin, openConnections } of inputs) {
          const state = servers.get(name);
          if (admin === "maintenance") expect(state).toMatchObject({ admin, role: "none" });
          if (admin !== "drain") continue;
          expect(state?.admin).toBe(openConnections > 0 ? "draining" : "drained");
          // It may stay the primary, but does not become it.
          if (primary === name) expect(before.chosen).toBe(name);
        }
      });
    });

    test("a server that does not answer has no role", () => {
      forEachTick(module, ({ inputs, judgement: { servers } }) => {
        expect([...servers.keys()]).toEqual(inputs.map((input) => input.name));
        for (const { name, observation } of inputs) {
          if (observation?.reached === true) expect(servers.get(name)?.liveness).toBe("running");
          else expect(servers.get(name)).toMatchObject({ liveness: "down", role: "none", galera: "none" });
        }
      });
    });

    test("the same inputs give the same outputs, and judging them again changes nothing", () => {
      forEachTick(module, ({ inputs, before, judgement, now }, chosen) => {
        expect(judgeFleet(module, before, inputs, chosen, now)).toEqual(judgement);
        expect(judgeFleet(module, judgement.state, inputs, chosen, now)).toEqual(judgement);
      });
    });

    test("the state survives being written as JSON", () => {
      forEachTick(module, ({ inputs, judgement, now }, chosen) => {
        const restored: ModuleState = JSON.parse(JSON.stringify(judgement.state));
        expect(judgeFleet(module, restored, inputs, chosen, now)).toEqual(judgement);
      });
    });

    test("every cause has a code of the catalogue and one line of words", () => {
      forEachTick(module, ({ judgement }) => {
        for (const { cause } of judgement.servers.values()) {
          expect(Object.keys(CATALOGUE)).toContain(cause.code);
          expect(cause.sentence).toMatch(/^\S.*[^.\s]$/);
        }
        expect(judgement.diagnosis).toMatch(/^\S.*[^.\s]$/);
      });
    });

    test("events lead from each state to the next, and nowhere from a state to itself", () => {
      let previous: FleetJudgement | undefined;
      forEachTick(module, ({ before, judgement, now }) => {
        const states = before === INITIAL_STATE ? new Map() : (previous?.servers ?? new Map());
        previous = judgement;
        const moved = fleetEvents(states, judgement.servers, now)
          .filter(({ event }) => event === "lost_primary" || event === "new_primary")
          .map(({ event }) => event);
        expect(["", "lost_primary", "new_primary", "lost_primary,new_primary"]).toContain(moved.join());
        expect(fleetEvents(judgement.servers, judgement.servers, now)).toEqual([]);
      });
    });
  },
);
