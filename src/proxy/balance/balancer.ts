/**
 * proxy/balance/: policies that pick one server for a new session. Pure; imports topology/ only.
 *
 *   targets of the service ─ those with room, not yet tried ─▶ Balancer.pick ─▶ one of them
 *
 * Every policy divides by weight, and every one passes the same contract (balancer-contract.test.ts). A policy may remember what
 * it picked; it keys what it remembers by the server's name, for the candidates change with the fleet.
 */
export interface Candidate {
  readonly server: string;
  /** Above 0. */
  readonly weight: number;
  /** Sessions that this server has now. */
  readonly connections: number;
}

export interface Balancer {
  /** One of the candidates; undefined only where there are none. `client` is the client's address without its port. */
  pick<C extends Candidate>(candidates: readonly C[], client: string): C | undefined;
}

/** A number in [0, 1). */
export type Random = () => number;
