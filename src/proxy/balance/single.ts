import type { Balancer, Candidate } from "./balancer.ts";

/** All to one: the server of the highest weight, until it fails or one of a strictly higher weight is there. */
export class Single implements Balancer {
  #chosen: string | undefined;

  pick<C extends Candidate>(candidates: readonly C[]): C | undefined {
    let best: C | undefined;
    for (const candidate of candidates) {
      if (best === undefined || candidate.weight > best.weight) best = candidate;
    }
    const chosen = candidates.find(({ server }) => server === this.#chosen);
    if (chosen !== undefined && best !== undefined && chosen.weight >= best.weight) return chosen;
    this.#chosen = best?.server;
    return best;
  }
}
