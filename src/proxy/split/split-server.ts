import type { SplitTarget } from "../../topology/routing-table.ts";
import { type Tally, takePlace } from "../passthrough/tally.ts";

/** A connection, as far as its server is concerned. */
export interface ServedLeg {
  lose(reason: string): void;
}

/** One server as a service that splits reads and writes uses it in this process. */
export class SplitServer {
  readonly name: string;
  readonly #tally: Tally;
  /** As in the last routing table that had it. */
  target: SplitTarget;
  /** The connections that sessions have. */
  readonly legs = new Set<ServedLeg>();
  /** Connections there ever were. */
  total = 0;
  /** Statements that it has not answered yet. */
  running = 0;
  /** Statements it ever got: reads as a replica may answer them, and all others. */
  reads = 0;
  writes = 0;
  /** modeOfSqlMode() of what its sessions begin with; undefined: not asked yet. */
  sqlMode: number | undefined;
  modeAskedAt = 0;

  constructor(target: SplitTarget, tally: Tally) {
    this.name = target.server;
    this.target = target;
    this.#tally = tally;
  }

  /** Of all services and workers. */
  get connections(): number {
    return this.#tally.total;
  }

  /** Takes a place for a connection; false: max_routing_connections. */
  take(): boolean {
    return takePlace(this.#tally, this.target.maxConnections);
  }

  /** Gives a place back. */
  release(): void {
    this.#tally.add(-1);
  }

  add(leg: ServedLeg): void {
    this.legs.add(leg);
    this.total++;
  }

  remove(leg: ServedLeg): void {
    if (this.legs.delete(leg)) this.release();
  }
}
