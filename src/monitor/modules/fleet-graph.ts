import { type GraphOptions, ReplicationGraph } from "../../topology/replication-graph.ts";
import type { ServerView } from "./monitor-module.ts";

/** Who replicates from whom. The links of servers that do not answer are those last seen. */
export function fleetGraph(views: readonly ServerView[], options: GraphOptions): ReplicationGraph {
  const servers = views.map((view) => ({
    name: view.name,
    addresses: view.input.addresses,
    serverId: view.memory.serverId ?? undefined,
    isRunning: view.facts !== undefined,
    links: view.memory.links ?? [],
  }));
  return new ReplicationGraph(servers, options);
}
