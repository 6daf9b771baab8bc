import type { Balancer, Candidate, Random } from "./balancer.ts";

/** Any server, by weight. */
export class RandomChoice implements Balancer {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  pick<C extends Candidate>(candidates: readonly C[]): C | undefined {
    return drawByWeight(candidates, this.#random);
  }
}

/** Draws one by weight, leaving `except` out unless it is the only one; undefined where there are none. */
export function drawByWeight<C extends Candidate>(
  candidates: readonly C[],
  random: Random,
  except?: C,
): C | undefined {
  let total = 0;
  for (const candidate of candidates) if (candidate !== except) total += candidate.weight;
  let left = random() * total;
  let last = except;
  for (const candidate of candidates) {
    if (candidate === except) continue;
    last = candidate;
    left -= candidate.weight;
    if (left < 0) return candidate;
  }
  return last; // what rounding left over
}
