import type { Candidate } from "./balancer.ts";

/** A server that others have long been preferred to may catch up on so many rounds, and no more. */
const MOST_ROUNDS = 4;

/**
 * Smooth weighted turns: at each pick every server earns its weight; of those that may be picked the richest is, and pays what
 * all earned together. A server of weight 3 beside one of weight 1 so gets A A B A, and not A A A B. Weights may be fractions.
 */
export class Turns {
  #credits = new Map<string, number>();

  /** @param mayBePicked of the candidate at that place; undefined is given back only where none may be */
  next<C extends Candidate>(
    candidates: readonly C[],
    mayBePicked: (place: number) => boolean,
  ): C | undefined {
    if (this.#credits.size > 2 * candidates.length) this.#forgetAllBut(candidates);
    let round = 0;
    for (const { weight } of candidates) round += weight;
    const most = MOST_ROUNDS * round;
    let best: C | undefined;
    let bestCredit = 0;
    for (const [place, candidate] of candidates.entries()) {
      const credit = Math.min(most, (this.#credits.get(candidate.server) ?? 0) + candidate.weight);
      this.#credits.set(candidate.server, credit);
      if (!mayBePicked(place) || (best !== undefined && credit <= bestCredit)) continue;
      best = candidate;
      bestCredit = credit;
    }
    if (best !== undefined) this.#credits.set(best.server, Math.max(-most, bestCredit - round));
    return best;
  }

  #forgetAllBut(candidates: readonly Candidate[]): void {
    const known = this.#credits;
    this.#credits = new Map(candidates.map(({ server }) => [server, known.get(server) ?? 0]));
  }
}
