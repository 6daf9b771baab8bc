import type { ReplicationGraph } from "../../topology/replication-graph.ts";
import { fleetGraph } from "./fleet-graph.ts";
import {
  type Assignment,
  because,
  type Fleet,
  type ModuleJudgement,
  type MonitorModule,
  noRole,
  type ServerView,
} from "./monitor-module.ts";
import { type Election, electPrimary } from "./primary-election.ts";
import { ReplicaRoles } from "./replica-roles.ts";
import { diagnoseReplication, primaryCause, reasonForNoRole } from "./replication-causes.ts";

export type MasterCondition =
  | "none"
  | "connecting_slave"
  | "connected_slave"
  | "running_slave"
  | "primary_monitor_master";

export type SlaveCondition =
  | "none"
  | "linked_master"
  | "running_master"
  | "writable_master"
  | "primary_monitor_master";

/** The monitor's parameters, by MaxScale's names. */
export interface MariadbmonOptions {
  /** How many intervals a primary must be down before it counts as failed. */
  readonly failcount: number;
  readonly monitorIntervalMs: number;
  /**
   * What else a primary needs: one direct replica that fulfils all of the *_slave conditions. The one on another
   * monitor is taken as fulfilled: there is none.
   */
  readonly masterConditions: readonly MasterCondition[];
  /** What else a replica needs. */
  readonly slaveConditions: readonly SlaveCondition[];
  /** False: a replica's source is known by its server_id alone, not by host and port. */
  readonly assumeUniqueHostnames: boolean;
  /** True: replication from outside the fleet is not looked at. */
  readonly ignoreExternalMasters: boolean;
}

/** Primary and replicas, MariaDB or MySQL, with or without relays and rings. */
export const mariadbmon: MonitorModule<MariadbmonOptions> = {
  name: "mariadbmon",
  defaults: {
    failcount: 5,
    monitorIntervalMs: 2000,
    masterConditions: ["primary_monitor_master"],
    slaveConditions: [],
    assumeUniqueHostnames: true,
    ignoreExternalMasters: false,
  },
  assign: assignReplicationRoles,
};

function assignReplicationRoles(fleet: Fleet<MariadbmonOptions>): ModuleJudgement {
  const { views, options, previous, now } = fleet;
  const graph = fleetGraph(views, {
    byAddress: options.assumeUniqueHostnames,
    withExternal: !options.ignoreExternalMasters,
  });
  const failedAfterMs = Math.max(0, options.failcount - 1) * options.monitorIntervalMs;
  const election = electPrimary(views, graph, previous.chosen, { failedAfterMs, now });
  const primary = primaryAssignment(election, graph, options);
  const hasPrimary = primary?.role === "primary";
  const replicas = new ReplicaRoles(
    views.map((view) => view.name),
    { graph, root: election.root, ...replicaConditions(election.root, graph, hasPrimary, options) },
  );
  const assign = (view: ServerView): Assignment => {
    if (view.name === election.chosen && primary !== undefined) return primary;
    return replicas.assignment(view) ?? noRole(reasonForNoRole(view, election, graph, views));
  };
  return {
    assignments: new Map(views.map((view) => [view.name, assign(view)])),
    state: { ...previous, chosen: election.chosen },
    diagnosis: diagnoseReplication(views, election, graph, primary),
  };
}

/** What the chosen server gets; undefined if an obstacle keeps the role from it. */
function primaryAssignment(
  election: Election,
  graph: ReplicationGraph,
  options: MariadbmonOptions,
): Assignment | undefined {
  const { chosen, obstacle } = election;
  if (chosen === null || (obstacle !== undefined && obstacle !== "draining")) return undefined;
  const base = { galera: "none", staleReplica: false, lagSeconds: 0 } as const;
  if (masterConditionsHold(chosen, graph, options)) {
    return { ...base, role: "primary", cause: primaryCause(graph.followers(chosen, { throughDown: false })) };
  }
  // It has the newest data all the same: it may be read from, unless replicas are bound to a writable primary.
  const isReadable = !options.slaveConditions.includes("writable_master");
  const wanted = options.masterConditions.join(",");
  const cause = because("ROLE_CONDITIONS_UNMET", `no replica of it fulfils master_conditions=${wanted}`);
  return isReadable ? { ...base, role: "replica", cause } : noRole(cause);
}

function masterConditionsHold(
  chosen: string,
  graph: ReplicationGraph,
  { masterConditions }: MariadbmonOptions,
): boolean {
  const [connecting, connected, running] = (
    ["connecting_slave", "connected_slave", "running_slave"] as const
  ).map((condition) => masterConditions.includes(condition));
  if (!connecting && !connected && !running) return true;
  return graph.replicas(chosen).some((replica) => {
    if (running && !graph.isRunning(replica)) return false;
    return graph.edges(replica).some(({ source, link }) => {
      return source === chosen && (connected ? link.state === "connected" : link.state !== "broken");
    });
  });
}

function replicaConditions(
  root: string | null,
  graph: ReplicationGraph,
  hasPrimary: boolean,
  { slaveConditions }: MariadbmonOptions,
): { readonly mustBeLinked: boolean; readonly mayHaveReplicas: boolean } {
  const mustBeLinked = slaveConditions.includes("linked_master");
  const rootMustRun = mustBeLinked || slaveConditions.includes("running_master");
  const rootRuns = root !== null && graph.isRunning(root);
  return {
    mustBeLinked,
    mayHaveReplicas:
      (rootRuns || !rootMustRun) && (hasPrimary || !slaveConditions.includes("writable_master")),
  };
}
