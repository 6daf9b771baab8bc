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

/** Draws one by weight; undefined where there are none. */
export function drawByWeight<C extends Candidate>(candidates: readonly C[], random: Random): C | undefined {
  let total = 0;
  for (const { weight } of candidates) total += weight;
  let left = random() * total;
  for (const candidate of candidates) {
    left -= candidate.weight;
    if (left < 0) return candidate;
  }
  return candidates.at(-1); // what rounding left over
}
