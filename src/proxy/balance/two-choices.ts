import type { Balancer, Candidate, Random } from "./balancer.ts";
import { drawByWeight } from "./random.ts";

/**
 * Draws two servers by weight, which may be the same, and takes the one with fewer sessions for its weight; the first, where none
 * has. Nearly as even as least connections, but many balancers that do not know of each other never run to the same server at once.
 */
export class TwoChoices implements Balancer {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  pick<C extends Candidate>(candidates: readonly C[]): C | undefined {
    const one = drawByWeight(candidates, this.#random);
    const other = drawByWeight(candidates, this.#random);
    if (one === undefined || other === undefined) return undefined;
    return load(other) < load(one) ? other : one;
  }
}

const load = ({ connections, weight }: Candidate): number => connections / weight;
