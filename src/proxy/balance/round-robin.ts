import type { Balancer, Candidate } from "./balancer.ts";

/**
 * Smooth weighted round robin: at each pick every server earns its weight, the richest is picked and pays what all earned
 * together. A server of weight 3 beside one of weight 1 so gets A A B A, and not A A A B. Weights may be fractions.
 */
export class RoundRobin implements Balancer {
  #credits = new Map<string, number>();

  pick<C extends Candidate>(candidates: readonly C[]): C | undefined {
    if (this.#credits.size > 2 * candidates.length) this.#forgetAllBut(candidates);
    let best: C | undefined;
    let bestCredit = 0;
    let total = 0;
    for (const candidate of candidates) {
      const credit = (this.#credits.get(candidate.server) ?? 0) + candidate.weight;
      this.#credits.set(candidate.server, credit);
      total += candidate.weight;
      if (best !== undefined && credit <= bestCredit) continue;
      best = candidate;
      bestCredit = credit;
    }
    if (best !== undefined) this.#credits.set(best.server, bestCredit - total);
    return best;
  }

  #forgetAllBut(candidates: readonly Candidate[]): void {
    const known = this.#credits;
    this.#credits = new Map(candidates.map(({ server }) => [server, known.get(server) ?? 0]));
  }
}
