import type { Balancer, Candidate } from "./balancer.ts";
import { Turns } from "./turns.ts";

/**
 * One of the servers with the fewest sessions for their weight. That are all those which now have less for their weight than any
 * would have with one session more; they take turns by weight. So few or short sessions, which say little about who
 * is busy (at none at all every server has equally few), are divided by weight as well, and do not all go to the heaviest.
 */
export class LeastConnections implements Balancer {
  readonly #turns = new Turns();

  pick<C extends Candidate>(candidates: readonly C[]): C | undefined {
    // Read once: other workers change the counts at any moment.
    const loads: number[] = [];
    let limit = Number.POSITIVE_INFINITY;
    for (const { connections, weight } of candidates) {
      loads.push(connections / weight);
      limit = Math.min(limit, (connections + 1) / weight);
    }
    return this.#turns.next(candidates, (place) => (loads[place] ?? 0) < limit);
  }
}
