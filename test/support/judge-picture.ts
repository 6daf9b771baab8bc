import { expect } from "bun:test";
import { type FleetJudgement, judgeFleet } from "../../src/monitor/judge-fleet.ts";
import {
  INITIAL_STATE,
  type ModuleState,
  type MonitorModule,
} from "../../src/monitor/modules/monitor-module.ts";
import { stateString } from "../../src/topology/state.ts";
import { readPicture } from "./fleet-picture.ts";

interface Setting<Options> {
  readonly options?: Partial<Options>;
  readonly previous?: ModuleState;
  readonly now?: number;
}

/** Judges a picture and compares the state strings with those it expects. */
export function judgePicture<Options>(
  module: MonitorModule<Options>,
  picture: string,
  setting: Setting<Options> = {},
): FleetJudgement {
  const now = setting.now ?? 0;
  const pictured = readPicture(picture, now);
  const judgement = judgeFleet(
    module,
    setting.previous ?? INITIAL_STATE,
    pictured.map((server) => server.input),
    { ...module.defaults, ...setting.options },
    now,
  );
  const drawn = pictured.filter((server) => server.expected !== undefined).map((server) => server.input.name);
  const strings = new Map([...judgement.servers].map(([name, state]) => [name, stateString(state)]));
  expect(drawn.map((name) => `${name} -> ${strings.get(name)}`)).toEqual(
    pictured.flatMap(({ input, expected }) =>
      expected === undefined ? [] : [`${input.name} -> ${expected}`],
    ),
  );
  return judgement;
}

/** Judges pictures one after the other, a second apart; answers the last judgement. */
export function judgePictures<Options>(
  module: MonitorModule<Options>,
  pictures: readonly string[],
  options: Partial<Options> = {},
): FleetJudgement {
  let last: FleetJudgement | undefined;
  pictures.forEach((picture, index) => {
    const previous = last?.state ?? INITIAL_STATE;
    last = judgePicture(module, picture, { options, previous, now: index * 1000 });
  });
  if (last === undefined) throw new Error("no picture to judge");
  return last;
}
