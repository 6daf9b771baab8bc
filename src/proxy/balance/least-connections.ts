import type { Balancer, Candidate } from "./balancer.ts";

/**
 * The server with the largest weight per session it would then have: weight / (connections + 1). Among equals they take
 * turns, so that short sessions, which leave every count at 0, do not all go to the first.
 */
export class LeastConnections implements Balancer {
  #turn = 0;

  pick<C extends Candidate>(candidates: readonly C[]): C | undefined {
    const count = candidates.length;
    if (count === 0) return undefined;
    this.#turn = (this.#turn + 1) % count;
    let best: C | undefined;
    let bestShare = 0;
    for (let i = 0; i < count; i++) {
      const candidate = candidates[(this.#turn + i) % count];
      if (candidate === undefined) continue;
      const share = candidate.weight / (candidate.connections + 1);
      if (best !== undefined && share <= bestShare) continue;
      best = candidate;
      bestShare = share;
    }
    return best;
  }
}
