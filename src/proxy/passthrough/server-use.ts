import type { Target } from "../../topology/routing-table.ts";
import type { Candidate } from "../balance/balancer.ts";
import { type Tally, takePlace } from "./tally.ts";

/** A session, as far as its server is concerned. */
interface Endable {
  leaveServer(reason: string): void;
}

/** One server as a service uses it here. */
export class ServerUse implements Candidate {
  readonly server: string;
  readonly sessions = new Set<Endable>();
  readonly #tally: Tally;
  /** As in the last routing table that had it as a target. */
  target: Target;
  /** Sessions it ever got. */
  total = 0;

  constructor(target: Target, tally: Tally) {
    this.server = target.server;
    this.target = target;
    this.#tally = tally;
  }

  get weight(): number {
    return this.target.weight;
  }

  /** Of all services and workers: that is what the server carries. */
  get connections(): number {
    return this.#tally.total;
  }

  get hasRoom(): boolean {
    const { maxConnections } = this.target;
    return maxConnections === 0 || this.#tally.total < maxConnections;
  }

  /** False: the last place went to somebody else. */
  take(session: Endable): boolean {
    if (!takePlace(this.#tally, this.target.maxConnections)) return false;
    this.sessions.add(session);
    this.total++;
    return true;
  }

  release(session: Endable): void {
    if (this.sessions.delete(session)) this.#tally.add(-1);
  }
}
