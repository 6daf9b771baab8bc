import type { Endpoint } from "./endpoint.ts";
import type { AdminState, Verdict } from "./verdict.ts";

/** One server in the fleet snapshot. Liveness, role, cluster state and administrative state stay separate fields. */
export interface ServerSnapshot {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly verdict: Verdict;
  readonly admin: AdminState;
}

/** Everything known of all servers at one moment; replaced as a whole, never changed. */
export interface FleetSnapshot {
  /** Counts up by one with every change. */
  readonly version: number;
  readonly servers: ReadonlyMap<string, ServerSnapshot>;
}

/** How the rest of the program sees the fleet: the present snapshot, and a call at each new one. */
export interface FleetView {
  current(): FleetSnapshot;
  /** `listener` runs synchronously after each change; the returned function ends the subscription. */
  subscribe(listener: (snapshot: FleetSnapshot) => void): () => void;
}
