/** The role a monitor gave a server, from all servers of its fleet. */
export type Role = "primary" | "replica" | "relay" | "binlog-relay" | "none";

/** `donor`: donor or desynced. `none`: no Galera node, or one outside the primary component or unable to serve. */
export type GaleraRole = "synced" | "donor" | "joined" | "joining" | "none";

/** `drained`: no connection is left of those that a draining server still had. */
export type AdminStatus = "none" | "draining" | "drained" | "maintenance";

/** Why something is as it is: a code of the catalogue (errors/catalogue.ts) and one clause for a person (no full stop). */
export interface Cause {
  readonly code: string;
  readonly sentence: string;
}

/**
 * What the fleet's monitor holds of one server. Liveness, role, Galera state and administrative state are separate;
 * only `stateString` mixes them. Whatever the rest says, a server in maintenance has no role.
 */
export interface ServerState {
  readonly liveness: "running" | "down";
  /** The login was denied, or the account may not ask what the monitor needs to know. */
  readonly authError: boolean;
  readonly role: Role;
  readonly galera: GaleraRole;
  readonly admin: AdminStatus;
  /** Any of the server's read-only switches; undefined while it is not reached. */
  readonly readOnly: boolean | undefined;
  /** Seconds behind the primary: 0 for a primary or Galera node, undefined where it is unknown or has no meaning. */
  readonly lagSeconds: number | undefined;
  /** A replica that still serves reads, but is cut off from the primary: it gets nothing new. */
  readonly staleReplica: boolean;
  /** Why it has this role, or none. */
  readonly cause: Cause;
}

/** A server of which nothing is known yet. */
export const UNKNOWN_STATE: ServerState = Object.freeze({
  liveness: "down",
  authError: false,
  role: "none",
  galera: "none",
  admin: "none",
  readOnly: undefined,
  lagSeconds: undefined,
  staleReplica: false,
  cause: Object.freeze({ code: "STARTING", sentence: "no probe has ended yet" }),
});

const ADMIN_WORDS: Record<AdminStatus, readonly string[]> = {
  none: [],
  draining: ["Draining"],
  drained: ["Drained"],
  maintenance: ["Maintenance"],
};

// A relay is a replica that others replicate from: MaxScale's users know both words beside each other.
const ROLE_WORDS: Record<Role, readonly string[]> = {
  primary: ["Master"],
  relay: ["Relay Master", "Slave"],
  replica: ["Slave"],
  "binlog-relay": ["Binlog Relay"],
  none: [],
};

/** The state in MaxScale's words and fixed order, e.g. `Drained, Slave, Running`. */
export function stateString(state: ServerState): string {
  return [
    ...ADMIN_WORDS[state.admin],
    ...ROLE_WORDS[state.role],
    ...(isSynced(state) ? ["Synced"] : []),
    ...(state.authError ? ["Auth Error"] : []),
    state.liveness === "running" ? "Running" : "Down",
  ].join(", ");
}

/** A Galera node that may be used: synced, or a donor that the policy lets serve (it has a role then). */
export function isSynced(state: ServerState): boolean {
  if (state.admin === "maintenance") return false;
  return state.galera === "synced" || (state.galera === "donor" && state.role !== "none");
}

/** True for what MaxScale calls Slave: a replica, or a relay. */
export function isReplica(state: ServerState): boolean {
  return state.role === "replica" || state.role === "relay";
}

/** What the state string leaves out, on one line: the reason, the lag, and whether reads are stale. */
export function stateDetails(state: ServerState): string {
  const details = [state.cause.sentence];
  if (state.staleReplica) details.push("cut off from the primary: reads may be stale");
  if (isReplica(state) && state.lagSeconds !== undefined && state.lagSeconds > 0) {
    details.push(`${state.lagSeconds} s behind`);
  }
  return details.join("; ");
}
