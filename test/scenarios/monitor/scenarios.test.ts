import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fleetEvents, type MonitorEvent } from "../../../src/monitor/events.ts";
import { judgeFleet } from "../../../src/monitor/judge-fleet.ts";
import { INITIAL_STATE } from "../../../src/monitor/modules/monitor-module.ts";
import { type ServerState, stateString } from "../../../src/topology/state.ts";
import { MODULES } from "../../support/modules.ts";
import { readScenario, type Scenario } from "./scenario.ts";

const folders = readdirSync(import.meta.dir, { withFileTypes: true }).filter((entry) => entry.isDirectory());

describe.each(folders.map((folder) => folder.name))("%s", (name) => {
  const scenario = readScenario(join(import.meta.dir, name, "scenario.txt"));
  test("at every tick the states, events and diagnosis are as told", () => play(scenario));
});

function play({ module, options, ticks }: Scenario): void {
  const found = MODULES.find((candidate) => candidate.name === module);
  if (found === undefined) throw new Error(`no module ${module}`);
  for (const option of Object.keys(options)) expect(Object.keys(found.defaults)).toContain(option);
  let [state, before] = [INITIAL_STATE, new Map() as ReadonlyMap<string, ServerState>];
  for (const tick of ticks) {
    const inputs = tick.servers.map((server) => server.input);
    const judgement = judgeFleet(found, state, inputs, { ...found.defaults, ...options }, tick.now);
    const seen = {
      at: tick.title,
      servers: [...judgement.servers].map(([name, server]) => `${name} -> ${stateString(server)}`),
      events: fleetEvents(before, judgement.servers, tick.now).map(eventLine),
      diagnosis: tick.diagnosis === undefined ? undefined : judgement.diagnosis,
    };
    expect(seen).toEqual({
      at: tick.title,
      servers: tick.servers.map(({ input, expected }) => `${input.name} -> ${expected}`),
      events: [...tick.events],
      diagnosis: tick.diagnosis,
    });
    [state, before] = [judgement.state, judgement.servers];
  }
}

function eventLine({ server, event, maxscaleEvent, cause }: MonitorEvent): string {
  return `${server} ${event}${maxscaleEvent === null ? "" : `(${maxscaleEvent})`} ${cause.code}`;
}
