import type { Balancer, Candidate } from "./balancer.ts";

/**
 * The same client always to the same server. Rendezvous hashing: each server draws a lot for each client, weighted, and the
 * best lot wins. A server that comes or goes so moves only its own share of the clients; no ring has to be kept.
 */
export class Source implements Balancer {
  pick<C extends Candidate>(candidates: readonly C[], client: string): C | undefined {
    let best: C | undefined;
    let bestLot = 0;
    for (const candidate of candidates) {
      const lot = candidate.weight / -Math.log(uniform(client, candidate.server));
      if (best !== undefined && lot <= bestLot) continue;
      best = candidate;
      bestLot = lot;
    }
    return best;
  }
}

/** A number in (0, 1) that depends on both texts only, so that all workers, also after a restart, agree. */
function uniform(client: string, server: string): number {
  let hash = fold(fold(2166136261, client) ^ 0x2f, server);
  // The last letters have hardly been mixed by FNV-1a; this is the finish of MurmurHash3.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash ^= hash >>> 16;
  return ((hash >>> 0) + 0.5) / 2 ** 32;
}

/** FNV-1a. */
function fold(start: number, text: string): number {
  let hash = start;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
  return hash;
}
