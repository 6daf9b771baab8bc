/** Verdicts and fleets for tests: a healthy Galera node unless told otherwise, and a view that is changed by hand. */
import type { ServerFacts } from "../../src/topology/facts.ts";
import type { FleetSnapshot, FleetView, ServerSnapshot } from "../../src/topology/fleet.ts";
import type { Verdict } from "../../src/topology/verdict.ts";
import { facts } from "./facts.ts";

/** The moment at which every verdict made here was judged, ms since 1970. */
export const JUDGED_AT = Date.UTC(2026, 0, 2, 3, 4, 5);

export function aVerdict(changes: Partial<Verdict> = {}): Verdict {
  return {
    up: true,
    role: "synced",
    draining: false,
    code: "GALERA_SYNCED",
    sentence: "the Galera node is synced",
    profile: "galera",
    since: JUDGED_AT - 60_000,
    at: JUDGED_AT,
    staleAt: JUDGED_AT + 3000,
    known: true,
    observation: undefined,
    rules: [{ rule: "wsrep_local_state", saw: "wsrep_local_state = 4 (Synced)", outcome: "decides" }],
    ...changes,
  };
}

/** A verdict with an observation that found these facts. */
export function aVerdictWith(found: Partial<ServerFacts>, changes: Partial<Verdict> = {}): Verdict {
  return aVerdict({
    observation: { reached: true, at: JUDGED_AT, tookMs: 2, facts: facts(found) },
    ...changes,
  });
}

/** A fleet whose verdicts a test sets; each change is a new snapshot. */
export class FakeFleet implements FleetView {
  #snapshot: FleetSnapshot = { version: 0, servers: new Map() };
  readonly #listeners = new Set<(snapshot: FleetSnapshot) => void>();

  constructor(verdicts: Readonly<Record<string, Verdict>> = { db1: aVerdict() }) {
    for (const [name, verdict] of Object.entries(verdicts)) this.set(name, verdict);
  }

  current(): FleetSnapshot {
    return this.#snapshot;
  }

  subscribe(listener: (snapshot: FleetSnapshot) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  set(name: string, verdict: Verdict): void {
    const server: ServerSnapshot = {
      name,
      endpoint: { kind: "tcp", host: "10.0.0.1", port: 3306 },
      verdict,
      admin: "none",
    };
    const servers = new Map(this.#snapshot.servers).set(name, server);
    this.#snapshot = { version: this.#snapshot.version + 1, servers };
    for (const listener of this.#listeners) listener(this.#snapshot);
  }
}
