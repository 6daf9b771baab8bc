import type { Observation } from "./observation.ts";

/** What a server is, as far as one probe of it tells. Fleet-wide roles are in fleet.ts. */
export type NodeRole =
  | "primary"
  | "replica"
  | "standalone"
  | "synced"
  | "donor"
  | "joined"
  | "joining"
  | "connector"
  | "unknown";

/** Taken out by a person (`sluice maintenance`, an off-switch file). */
export type AdminState = "none" | "drain" | "maintenance";

export type ProfileName = "galera" | "replica" | "standalone" | "connector" | "port";

/** The judged state of one server. Immutable; a new one replaces it at every probe. */
export interface Verdict {
  /** May this server take traffic? False while draining: no new sessions. */
  readonly up: boolean;
  readonly role: NodeRole;
  readonly draining: boolean;
  /** Stable reason code of the catalogue, e.g. `GALERA_SYNCED`, `PROBE_REFUSED`. */
  readonly code: string;
  /** One human sentence, without a trailing newline. */
  readonly sentence: string;
  readonly profile: ProfileName;
  /** When `up`, `code` or `role` last changed (ms since 1970). */
  readonly since: number;
  /** When it was judged last (ms since 1970). Its age is now - at. */
  readonly at: number;
  /** Past this moment (ms since 1970) the verdict is a "no". */
  readonly staleAt: number;
  /** False until the first probe has ended. */
  readonly known: boolean;
  readonly observation: Observation | undefined;
  /** Each rule in order, with what it saw; the last one decided. */
  readonly rules: readonly RuleTrace[];
}

export interface RuleTrace {
  readonly rule: string;
  /** What it looked at, e.g. `wsrep_local_state = 2 (Donor/Desynced)`. */
  readonly saw: string;
  readonly outcome: "pass" | "decides" | "not reached";
}
