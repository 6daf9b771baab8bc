import type { ReplicaLink } from "./replica-link.ts";

/**
 * Who replicates from whom, among the servers of one fleet. Edges point from a replica to its source:
 *
 *   db1 ◀── db2 ◀── db3      replicas of db1: db2;  sources of db3: db2;  db1, db2 and db3 in no ring
 */
export interface GraphServer {
  readonly name: string;
  /** Every address by which other servers may name it in CHANGE MASTER TO; empty if only its server_id identifies it. */
  readonly addresses: readonly SourceAddress[];
  readonly serverId: number | undefined;
  readonly isRunning: boolean;
  /** As last seen, where the server does not answer now. */
  readonly links: readonly ReplicaLink[];
}

export interface SourceAddress {
  readonly host: string;
  readonly port: number;
}

export interface Edge {
  readonly link: ReplicaLink;
  /** Name of the source; undefined if it is outside the fleet. */
  readonly source: string | undefined;
}

export interface GraphOptions {
  /**
   * A source is known by the host and port that the replica was given, and by its server_id where no server has that
   * address. False (the servers know each other by other addresses than we do): by server_id alone.
   */
  readonly byAddress: boolean;
  /** Keep the edges that lead out of the fleet. */
  readonly withExternal: boolean;
}

export class ReplicationGraph {
  readonly #servers: ReadonlyMap<string, GraphServer>;
  readonly #edges = new Map<string, readonly Edge[]>();
  readonly #replicas = new Map<string, string[]>();

  constructor(servers: readonly GraphServer[], options: GraphOptions) {
    this.#servers = new Map(servers.map((server) => [server.name, server]));
    const find = sourceFinder(servers, options.byAddress);
    for (const server of servers) {
      const edges = server.links
        .map((link) => ({ link, source: find(link) }))
        .filter(({ source }) => source !== server.name && (source !== undefined || options.withExternal));
      this.#edges.set(server.name, edges);
      for (const source of new Set(edges.map((edge) => edge.source))) {
        if (source === undefined) continue;
        this.#replicas.set(source, [...(this.#replicas.get(source) ?? []), server.name]);
      }
    }
  }

  /** Where `name` replicates from, or is set up to and cannot. */
  edges(name: string): readonly Edge[] {
    return this.#edges.get(name) ?? [];
  }

  /** Those that have `name` as a source, in the fleet's order, whether their replication works or not. */
  replicas(name: string): readonly string[] {
    return this.#replicas.get(name) ?? [];
  }

  isRunning(name: string): boolean {
    return this.#servers.get(name)?.isRunning ?? false;
  }

  /**
   * Running servers that replicate from `name`, directly or through others. `throughDown`: a relay that is down
   * counts as a way. Members of a ring are each other's followers.
   */
  followers(name: string, options: { readonly throughDown: boolean }): readonly string[] {
    const reached = this.descend([name], (replica, link) => {
      return link.state !== "broken" && (options.throughDown || this.isRunning(replica));
    });
    return [...reached].filter((follower) => follower !== name && this.isRunning(follower));
  }

  /** The origins and all that replicate from them, directly or through others, over the links that `passes` lets by. */
  descend(
    origins: Iterable<string>,
    passes: (replica: string, link: ReplicaLink) => boolean,
  ): ReadonlySet<string> {
    // A set is walked in the order of insertion, and what is added on the way is walked too.
    const reached = new Set(origins);
    for (const source of reached) {
      for (const replica of this.replicas(source)) {
        if (reached.has(replica)) continue;
        if (this.#links(replica, source).some((link) => passes(replica, link))) reached.add(replica);
      }
    }
    return reached;
  }

  /** True if `a` and `b` replicate from each other, directly or round a ring. */
  inSameRing(a: string, b: string): boolean {
    const any = () => true;
    return this.descend([a], any).has(b) && this.descend([b], any).has(a);
  }

  #links(replica: string, source: string): readonly ReplicaLink[] {
    return this.edges(replica)
      .filter((edge) => edge.source === source)
      .map((edge) => edge.link);
  }
}

/** Finds the server that a link names as its source. */
function sourceFinder(
  servers: readonly GraphServer[],
  byAddress: boolean,
): (link: ReplicaLink) => string | undefined {
  const addresses = new Map<string, string>();
  const ids = new Map<number, string | undefined>();
  for (const { name, addresses: own, serverId } of servers) {
    for (const address of own) addresses.set(addressKey(address.host, address.port), name);
    // Two servers with one id (a copied datadir): the id names neither.
    if (serverId !== undefined) ids.set(serverId, ids.has(serverId) ? undefined : name);
  }
  return (link) => {
    const named = byAddress ? addresses.get(addressKey(link.sourceHost, link.sourcePort)) : undefined;
    return named ?? (link.sourceServerId === undefined ? undefined : ids.get(link.sourceServerId));
  };
}

const addressKey = (host: string, port: number): string => `${host.toLowerCase()} ${port}`;
