import { formatHostPort } from "../../topology/endpoint.ts";
import type { Edge, ReplicationGraph } from "../../topology/replication-graph.ts";
import { type Assignment, because, noRole, type ServerView } from "./monitor-module.ts";

/** What a replica is measured against: the same for all replicas of a tick. */
export interface ReplicaRules {
  readonly graph: ReplicationGraph;
  /** Where a replica must have its data from; null: any server of the fleet will do, or one outside. */
  readonly root: string | null;
  /** Only replicas whose whole way up to the root runs and is connected. */
  readonly mustBeLinked: boolean;
  /** False: no replicas at all, since the root does not fulfil the conditions for having any. */
  readonly mayHaveReplicas: boolean;
}

/** Gives each running server that replicates from the root, directly or through others, its role. */
export class ReplicaRoles {
  readonly #rules: ReplicaRules;
  /** Servers that have all of the root's data, as fast as replication brings it. */
  readonly #upToDate: ReadonlySet<string>;
  /** Servers that have their data from the root, be the way interrupted now. */
  readonly #descended: ReadonlySet<string>;

  constructor(names: readonly string[], rules: ReplicaRules) {
    const { graph, root } = rules;
    const origins = root === null ? names : [root];
    this.#rules = rules;
    this.#descended = graph.descend(origins, () => true);
    // Whether we reach the root does not matter: a replica that is connected to it is not cut off.
    this.#upToDate = graph.descend(
      origins,
      (replica, link) => link.state === "connected" && graph.isRunning(replica),
    );
  }

  /**
   * Undefined if the server does not replicate from the root. A replica whose way to the root is interrupted somewhere
   * stays one, and is stale.
   */
  assignment(view: ServerView): Assignment | undefined {
    const ways = this.#rules.graph.edges(view.name).filter((edge) => this.#leadsUp(edge));
    const connected = ways.filter((edge) => this.#isConnected(edge));
    const way = connected[0] ?? ways[0];
    const isStale = connected.length === 0;
    if (way === undefined) return undefined;
    if (!this.#rules.mayHaveReplicas || (isStale && this.#rules.mustBeLinked)) {
      const words = `replicates from ${sourceName(way)}, but slave_conditions are not fulfilled`;
      return noRole(because("ROLE_CONDITIONS_UNMET", words));
    }
    return {
      ...this.#role(view, way, isStale),
      galera: "none",
      staleReplica: isStale,
      lagSeconds: worstLag(connected),
    };
  }

  /** A working link to a source that has its data from the root. */
  #leadsUp({ link, source }: Edge): boolean {
    if (link.state === "broken") return false;
    return source === undefined ? this.#rules.root === null : this.#descended.has(source);
  }

  #isConnected({ link, source }: Edge): boolean {
    return link.state === "connected" && (source === undefined || this.#upToDate.has(source));
  }

  #role(view: ServerView, way: Edge, isStale: boolean): Pick<Assignment, "role" | "cause"> {
    const from = sourceName(way);
    // A relay or proxy that only passes binary logs on has no data to read.
    if (view.facts?.flavour === "proxy") {
      return {
        role: "binlog-relay",
        cause: because("ROLE_BINLOG_RELAY", `passes on the binary log of ${from}`),
      };
    }
    const downstream = this.#downstream(view.name);
    const role = downstream.length > 0 ? "relay" : "replica";
    if (isStale) return { role, cause: because("ROLE_REPLICA_STALE", this.#staleSentence(way)) };
    if (role === "replica") return { role, cause: because("ROLE_REPLICA", `replicates from ${from}`) };
    const sentence = `replicates from ${from}, and ${downstream.join(", ")} from it`;
    return { role, cause: because("ROLE_RELAY", sentence) };
  }

  /** Running servers that replicate from `name`, but not the root, which may do so in a ring. */
  #downstream(name: string): readonly string[] {
    const { graph, root } = this.#rules;
    return graph.replicas(name).filter((replica) => {
      if (replica === root || !graph.isRunning(replica)) return false;
      return graph.edges(replica).some((edge) => edge.source === name && edge.link.state !== "broken");
    });
  }

  #staleSentence(way: Edge): string {
    const from = sourceName(way);
    if (way.source !== undefined && !this.#rules.graph.isRunning(way.source)) {
      return `replicates from ${from}, which is down`;
    }
    if (way.link.state === "connecting") {
      const error = way.link.error === undefined ? "" : `: ${way.link.error}`;
      return `tries to connect to ${from}, from which it replicates${error}`;
    }
    return `replicates from ${from}, which is itself cut off from the primary`;
  }
}

/** The greatest lag; undefined if one is unknown. */
function worstLag(edges: readonly Edge[]): number | undefined {
  const lags = edges.map((edge) => edge.link.lagSeconds);
  if (lags.length === 0) return undefined;
  return lags.reduce((worst, lag) =>
    worst === undefined || lag === undefined ? undefined : Math.max(worst, lag),
  );
}

/** The source's name in the fleet, or its address. */
export function sourceName({ link, source }: Edge): string {
  return source ?? `${formatHostPort(link.sourceHost, link.sourcePort)} (outside this monitor)`;
}
