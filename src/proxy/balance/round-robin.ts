import type { Balancer, Candidate } from "./balancer.ts";
import { Turns } from "./turns.ts";

/** All take turns, by weight. */
export class RoundRobin implements Balancer {
  readonly #turns = new Turns();

  pick<C extends Candidate>(candidates: readonly C[]): C | undefined {
    return this.#turns.next(candidates, () => true);
  }
}
