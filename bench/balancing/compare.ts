import type { Host } from "../../test/lab/host.ts";
import { median } from "../health/load.ts";
import type { Contender } from "./contenders.ts";
import { type Load, runLoad } from "./load.ts";
import { cpuMicros } from "./process-cpu.ts";

/** Medians over the rounds, and medians of what each round's own ratio to HAProxy was. */
export interface Figures {
  readonly name: string;
  readonly perSecond: number;
  /** CPU of the proxy for each time; 0: none has a part in it. */
  readonly cpuMicros: number;
  readonly rateRatio: number;
  readonly cpuRatio: number;
}

interface Sample {
  readonly perSecond: number;
  readonly cpuMicros: number;
}

/** Until the engine of a worker has compiled what the load needs: 30,000 statements or more on a machine that has other work. */
const WARM_SECONDS = 6;

/** All of them under the same load, in turn, round after round; who begins changes from round to round. */
export async function compare(
  clients: Host,
  contenders: readonly Contender[],
  load: Load,
  rounds: number,
  seconds: number,
): Promise<readonly Figures[]> {
  const samples = new Map(contenders.map(({ name }) => [name, [] as Sample[]]));
  // What is compiled or allocated once is no part of it.
  for (const contender of contenders) await runLoad(clients, contender, load, WARM_SECONDS);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const contender = contenders[(round + turn) % contenders.length] as Contender;
      samples.get(contender.name)?.push(await measure(clients, contender, load, seconds));
    }
  }
  const reference = samples.get("haproxy") ?? [];
  return contenders.map(({ name }) => figures(name, samples.get(name) ?? [], reference));
}

async function measure(clients: Host, contender: Contender, load: Load, seconds: number): Promise<Sample> {
  const before = cpuMicros(contender.pids);
  const { count, perSecond } = await runLoad(clients, contender, load, seconds);
  return { perSecond, cpuMicros: (cpuMicros(contender.pids) - before) / count };
}

function figures(name: string, own: readonly Sample[], reference: readonly Sample[]): Figures {
  const ratio = (pick: (sample: Sample) => number): number =>
    median(own.map((sample, round) => pick(sample) / pick(reference[round] ?? sample)));
  return {
    name,
    perSecond: median(own.map(({ perSecond }) => perSecond)),
    cpuMicros: median(own.map((sample) => sample.cpuMicros)),
    rateRatio: ratio(({ perSecond }) => perSecond),
    cpuRatio: ratio((sample) => sample.cpuMicros),
  };
}
