import type { Edge } from "../../topology/replication-graph.ts";
import type { Cause } from "../../topology/state.ts";
import { fleetGraph } from "./fleet-graph.ts";
import {
  choosePrimary,
  diagnoseGalera,
  electCluster,
  type GaleraNode,
  type PrimaryChoiceOptions,
  primaryCause,
} from "./galera-cluster.ts";
import { type DonorPolicy, nodeStanding } from "./galera-node.ts";
import {
  type Assignment,
  because,
  type Fleet,
  type ModuleJudgement,
  type MonitorModule,
  noRole,
  type ServerView,
} from "./monitor-module.ts";
import { sourceName } from "./replica-roles.ts";

/** The monitor's parameters, by MaxScale's names. */
export interface GaleramonOptions extends PrimaryChoiceOptions {
  readonly availableWhenDonor: DonorPolicy;
  /** True: synced nodes are told, but none is primary or replica. */
  readonly disableMasterRoleSetting: boolean;
}

/** A Galera cluster, with the asynchronous replicas of its nodes. */
export const galeramon: MonitorModule<GaleramonOptions> = {
  name: "galeramon",
  defaults: {
    availableWhenDonor: "never",
    disableMasterRoleSetting: false,
    disableMasterFailback: false,
    rootNodeAsMaster: false,
    usePriority: false,
  },
  assign: assignGaleraRoles,
};

function assignGaleraRoles(fleet: Fleet<GaleramonOptions>): ModuleJudgement {
  const { views, options, previous } = fleet;
  const nodes = views.flatMap((view) => nodeOf(view, options));
  const joined = nodes.filter((node) => node.standing.isJoined);
  const clusterUuid = electCluster(joined, previous.clusterUuid);
  const members = joined.filter((node) => node.galera.clusterStateUuid === clusterUuid);
  const isComplete = views.every((view) => view.input.observation !== undefined);
  const candidates = options.disableMasterRoleSetting ? [] : members;
  const primary = choosePrimary(candidates, previous.chosen, options, isComplete);
  const graph = fleetGraph(views, { byAddress: true, withExternal: true });

  const assign = (view: ServerView): Assignment => {
    const node = nodes.find((candidate) => candidate.view === view);
    if (node === undefined) return asyncReplica(graph.edges(view.name), members);
    if (!node.standing.isJoined) return noRole(node.standing.cause, node.standing.galera);
    if (!members.includes(node)) return noRole(foreignCause(node, clusterUuid));
    if (options.disableMasterRoleSetting) return noRole(node.standing.cause, node.standing.galera);
    const base = { galera: node.standing.galera, staleReplica: false, lagSeconds: 0 };
    if (node !== primary) return { ...base, role: "replica", cause: node.standing.cause };
    return { ...base, role: "primary", cause: primaryCause(node, members, options) };
  };
  return {
    assignments: new Map(views.map((view) => [view.name, assign(view)])),
    state: { ...previous, chosen: primary?.view.name ?? previous.chosen, clusterUuid },
    diagnosis: diagnoseGalera(nodes, members, primary),
  };
}

function nodeOf(view: ServerView, options: GaleramonOptions): readonly GaleraNode[] {
  const { facts } = view;
  const galera = facts?.galera;
  if (facts === undefined || galera === undefined || !galera.wsrepOn) return [];
  return [{ view, galera, standing: nodeStanding(facts, galera, options.availableWhenDonor) }];
}

function foreignCause({ galera }: GaleraNode, clusterUuid: string | null): Cause {
  const own = galera.clusterStateUuid || "empty";
  const words = `the node belongs to another cluster (${own}) than most (${clusterUuid ?? "unknown"})`;
  return because("GALERA_FOREIGN_CLUSTER", words);
}

/** A server outside the cluster that may replicate from one of its members; every member's data is the cluster's. */
function asyncReplica(edges: readonly Edge[], members: readonly GaleraNode[]): Assignment {
  const names = new Set(members.map((node) => node.view.name));
  const ids = new Set(members.flatMap((node) => node.view.memory.serverId ?? []));
  const edge = edges.find(({ source, link: { sourceServerId } }) => {
    // The nodes of a cluster often share one server_id, so that it names none of them, but the cluster.
    return source === undefined ? sourceServerId !== undefined && ids.has(sourceServerId) : names.has(source);
  });
  if (edge === undefined) {
    return noRole(
      because("GALERA_OFF", "wsrep_on is OFF: no Galera node; and it replicates from no synced one"),
    );
  }
  const { link } = edge;
  if (link.state !== "connected") {
    const error = link.error === undefined ? "" : `: ${link.error}`;
    return noRole(
      because("ROLE_REPLICATION_BROKEN", `replication from ${sourceName(edge)} is interrupted${error}`),
    );
  }
  return {
    role: "replica",
    galera: "none",
    staleReplica: false,
    lagSeconds: link.lagSeconds,
    cause: because("ROLE_REPLICA", `replicates from ${sourceName(edge)}`),
  };
}
