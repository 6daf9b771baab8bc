/**
 * monitor/modules/: how each kind of cluster turns what its servers say into roles. Pure: no clock, no I/O.
 * May import topology/ and errors/. One module per file, all under one contract (test/fuzz/monitor-modules.test.ts):
 *
 *   observations ─▶ ServerView ─▶ module.assign ─▶ roles ─┐
 *        ▲              ▲                                 ├─▶ judgeFleet ─▶ ServerState of each, primary, diagnosis
 *   one per server      └── ModuleState of the last tick ─┘                 and the next ModuleState
 */
import type { Code } from "../../errors/catalogue.ts";
import type { ServerFacts } from "../../topology/facts.ts";
import type { Observation } from "../../topology/observation.ts";
import type { ReplicaLink } from "../../topology/replica-link.ts";
import type { SourceAddress } from "../../topology/replication-graph.ts";
import type { Cause, GaleraRole, Role } from "../../topology/state.ts";
import type { AdminState } from "../../topology/verdict.ts";

/** One server of the monitor, as judgeFleet is given it; their order is the order of `servers=`. */
export interface ServerInput {
  readonly name: string;
  /** Every address by which other servers may know it: `address`, `private_address`, with their ports. */
  readonly addresses: readonly SourceAddress[];
  /**
   * The last finished probe; undefined until one has ended. The caller decides what still counts: within
   * `busy_grace` it passes on the observation from before a server ran out of connections.
   */
  readonly observation: Observation | undefined;
  readonly admin: AdminState;
  /** Client connections that are still open: a draining server without any is drained. */
  readonly openConnections: number;
  /** `priority=`: the lowest positive one is preferred, a negative one never, 0 only where there is no other. */
  readonly priority: number;
  /** A server_id given by configuration, which stands in until the server has told its own. */
  readonly serverId: number | undefined;
}

/** What a module carries from tick to tick: plain data, to be kept across a restart as JSON. */
export interface ModuleState {
  /** The chosen primary. It stays chosen while it is down or in maintenance and nobody may take its place. */
  readonly chosen: string | null;
  /** Galera: the UUID of the cluster whose nodes are members. */
  readonly clusterUuid: string | null;
  /** Auto: what kind of cluster it has found. */
  readonly kind: ClusterKind | null;
  readonly servers: readonly ServerMemory[];
}

export type ClusterKind = "galera" | "replication" | "standalone";

export const INITIAL_STATE: ModuleState = Object.freeze({
  chosen: null,
  clusterUuid: null,
  kind: null,
  servers: [],
});

/** What is remembered of one server while it does not answer. */
export interface ServerMemory {
  readonly name: string;
  readonly serverId: number | null;
  /** Null: it has never been able, or allowed, to tell. */
  readonly links: readonly ReplicaLink[] | null;
  /** When the first of the present row of failed probes ended (ms since 1970); null while it answers. */
  readonly downSince: number | null;
}

/** One server as a module sees it: what it says now, and what is remembered of it. */
export interface ServerView {
  readonly name: string;
  readonly input: ServerInput;
  /** Undefined: it does not answer. */
  readonly facts: ServerFacts | undefined;
  readonly memory: ServerMemory;
}

export interface Fleet<Options> {
  readonly views: readonly ServerView[];
  readonly previous: ModuleState;
  readonly options: Options;
  /** Wall-clock time, ms since 1970. */
  readonly now: number;
}

/** What a module makes of one running server. judgeFleet adds the rest: liveness, maintenance, authentication. */
export interface Assignment {
  readonly role: Role;
  readonly galera: GaleraRole;
  readonly staleReplica: boolean;
  readonly lagSeconds: number | undefined;
  readonly cause: Cause;
}

export interface ModuleJudgement {
  /** By server name; what it says of a server that is down or in maintenance is not used. */
  readonly assignments: ReadonlyMap<string, Assignment>;
  readonly state: Omit<ModuleState, "servers">;
  /** One sentence on the whole cluster, for a person (no full stop). */
  readonly diagnosis: string;
}

/** A kind of cluster. `assign` gives the role `primary` to at most one server. */
export interface MonitorModule<Options> {
  readonly name: string;
  readonly defaults: Options;
  assign(fleet: Fleet<Options>): ModuleJudgement;
}

/** A cause whose code is sure to be in the catalogue. */
export function because(code: Code, sentence: string): Cause {
  return { code, sentence };
}

/** No role, with the reason. */
export function noRole(cause: Cause, galera: GaleraRole = "none"): Assignment {
  return { role: "none", galera, staleReplica: false, lagSeconds: undefined, cause };
}
