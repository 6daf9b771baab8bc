import type { ReplicationGraph } from "../../topology/replication-graph.ts";
import type { ServerView } from "./monitor-module.ts";
import { isWritable } from "./server-view.ts";

/** What keeps a server from being the primary. */
export type Obstacle =
  | "not-asked"
  | "down"
  | "maintenance"
  | "draining"
  | "offline"
  | "read-only"
  | "replication-unknown"
  | "replicates";

export interface Election {
  /** The chosen primary, and what it still suffers from; it has the role only without an obstacle, or draining. */
  readonly chosen: string | null;
  readonly obstacle: Obstacle | undefined;
  /** The choice stands, obstacle or not; false: it stands only because nobody can take over. */
  readonly isKept: boolean;
  /**
   * Where the replicas' data comes from, be it down just now; null where no server is the cluster's origin: then a
   * replica of any server will do.
   */
  readonly root: string | null;
}

export interface ElectionRules {
  /** How long (ms) a primary without running replicas must be down before another may be chosen. */
  readonly failedAfterMs: number;
  readonly now: number;
}

/**
 * The present choice as long as it is fit or may come back, else the writable server that replicates from nobody in
 * the fleet and has most running replicas behind it; the order of the servers breaks ties.
 */
export function electPrimary(
  views: readonly ServerView[],
  graph: ReplicationGraph,
  previous: string | null,
  rules: ElectionRules,
): Election {
  const present = views.find((view) => view.name === previous);
  const obstacle = present === undefined ? undefined : obstacleOf(present, graph);
  if (present !== undefined && mayStay(present, obstacle, graph, rules)) {
    return { chosen: present.name, obstacle, isKept: true, root: present.name };
  }
  const next = bestCandidate(views, graph);
  if (next !== undefined) return { chosen: next.name, obstacle: undefined, isKept: true, root: next.name };
  // Nobody can take over. One that replicates now is primary no more; any other will do again when its obstacle goes.
  const isChosen = present !== undefined && obstacle !== "replicates";
  const isOrigin = obstacle === "down" || obstacle === "maintenance";
  return {
    chosen: isChosen ? present.name : null,
    obstacle,
    isKept: false,
    root: isChosen && isOrigin ? present.name : null,
  };
}

/** What keeps `view` from being the primary, the gravest first; undefined: nothing. */
export function obstacleOf(view: ServerView, graph: ReplicationGraph): Obstacle | undefined {
  if (view.input.observation === undefined) return "not-asked";
  if (view.facts === undefined) return "down";
  if (replicatesInside(view.name, graph)) return "replicates";
  if (view.input.admin === "maintenance") return "maintenance";
  if (!isWritable(view)) return "read-only";
  if (view.facts.readOnly.offlineMode) return "offline";
  if (view.memory.links === null) return "replication-unknown";
  return view.input.admin === "drain" ? "draining" : undefined;
}

/** From another server of the fleet, other than a ring it is part of; a broken link counts: its data is behind. */
function replicatesInside(name: string, graph: ReplicationGraph): boolean {
  return graph.edges(name).some(({ source }) => source !== undefined && !graph.inSameRing(name, source));
}

function mayStay(
  view: ServerView,
  obstacle: Obstacle | undefined,
  graph: ReplicationGraph,
  rules: ElectionRules,
): boolean {
  switch (obstacle) {
    case undefined:
    case "draining":
    case "not-asked":
      return true;
    case "down":
      return !hasFailed(view, rules) || hasFollowers(view.name, graph);
    case "maintenance":
      return hasFollowers(view.name, graph);
    case "offline":
    case "read-only":
    case "replicates":
    case "replication-unknown":
      return false;
  }
}

function hasFailed({ memory }: ServerView, { failedAfterMs, now }: ElectionRules): boolean {
  return memory.downSince !== null && now - memory.downSince >= failedAfterMs;
}

/** Replicas that wait for it to come back: to choose another would leave them, and what they have, behind. */
function hasFollowers(name: string, graph: ReplicationGraph): boolean {
  return graph.followers(name, { throughDown: true }).length > 0;
}

function bestCandidate(views: readonly ServerView[], graph: ReplicationGraph): ServerView | undefined {
  // The server that has not been asked yet may be the true primary.
  if (views.some((view) => view.input.observation === undefined)) return undefined;
  let best: ServerView | undefined;
  let most = -1;
  for (const view of views) {
    if (obstacleOf(view, graph) !== undefined) continue;
    const followers = graph.followers(view.name, { throughDown: false }).length;
    if (followers > most) [best, most] = [view, followers];
  }
  return best;
}
