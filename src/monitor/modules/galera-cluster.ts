import type { GaleraState } from "../../topology/facts.ts";
import type { Cause } from "../../topology/state.ts";
import type { NodeStanding } from "./galera-node.ts";
import { because, type ServerView } from "./monitor-module.ts";
import { isWritable } from "./server-view.ts";

/** A Galera node that answers, with what it says of itself. */
export interface GaleraNode {
  readonly view: ServerView;
  readonly galera: GaleraState;
  readonly standing: NodeStanding;
}

export interface PrimaryChoiceOptions {
  /** True: the primary keeps the role while it is a member, whoever comes back. */
  readonly disableMasterFailback: boolean;
  /** True: only the node with wsrep_local_index 0 may be the primary. */
  readonly rootNodeAsMaster: boolean;
  /** True: the servers' `priority` decides who is the primary, and wsrep_local_index only among equals. */
  readonly usePriority: boolean;
}

/**
 * The UUID of the cluster that most of the joined nodes are in. An empty one does not vote. A tie keeps `previous`
 * where it is among the first; else the node that comes first in the configuration decides.
 */
export function electCluster(joined: readonly GaleraNode[], previous: string | null): string | null {
  const votes = new Map<string, number>();
  for (const { galera } of joined) {
    const uuid = galera.clusterStateUuid;
    if (uuid !== "") votes.set(uuid, (votes.get(uuid) ?? 0) + 1);
  }
  const most = Math.max(...votes.values());
  const winners = [...votes].filter(([, count]) => count === most).map(([uuid]) => uuid);
  if (previous !== null && (winners.length === 0 || winners.includes(previous))) return previous;
  return winners[0] ?? null;
}

/**
 * The member that takes the writes. `isComplete`: every server has been asked once; before that, only the present
 * choice may stay, for the better one may be among the others.
 */
export function choosePrimary(
  members: readonly GaleraNode[],
  previous: string | null,
  options: PrimaryChoiceOptions,
  isComplete: boolean,
): GaleraNode | undefined {
  const able = members.filter((node) => canBePrimary(node, options));
  const present = able.find((node) => node.view.name === previous);
  const free = able.filter((node) => node.view.input.admin === "none");
  if (!isComplete || free.length === 0) return present;
  if (options.disableMasterFailback && present !== undefined && free.includes(present)) return present;
  const isPresent = (node: GaleraNode) => (node === present ? 0 : 1);
  // Two nodes with one index and one cluster UUID are two halves of a split cluster: stay with the half in use.
  const [best] = free.toSorted(
    (a, b) => compareFitness(fitness(a), fitness(b), options) || isPresent(a) - isPresent(b),
  );
  return best;
}

function canBePrimary({ view, galera }: GaleraNode, options: PrimaryChoiceOptions): boolean {
  if (view.input.admin === "maintenance" || !isWritable(view)) return false;
  if (view.facts?.readOnly.offlineMode === true || galera.localIndex < 0) return false;
  if (options.usePriority) return view.input.priority >= 0;
  return galera.localIndex === 0 || !options.rootNodeAsMaster;
}

interface Fitness {
  readonly priority: number;
  readonly localIndex: number;
}

/** Negative if `a` should rather be the primary than `b`. */
export function compareFitness(
  a: Fitness,
  b: Fitness,
  options: Pick<PrimaryChoiceOptions, "usePriority">,
): number {
  return (options.usePriority ? rank(a.priority) - rank(b.priority) : 0) || a.localIndex - b.localIndex;
}

const fitness = ({ view, galera }: GaleraNode): Fitness => ({
  priority: view.input.priority,
  localIndex: galera.localIndex,
});

/** The lowest positive priority first, then those without one (0), last those that never may (negative). */
function rank(priority: number): number {
  if (priority > 0) return priority;
  return priority === 0 ? Number.MAX_SAFE_INTEGER - 1 : Number.MAX_SAFE_INTEGER;
}

export function primaryCause(
  { view, galera }: GaleraNode,
  members: readonly GaleraNode[],
  options: PrimaryChoiceOptions,
): Cause {
  const { priority } = view.input;
  const reason =
    options.usePriority && priority > 0 ? `priority ${priority}` : `wsrep_local_index ${galera.localIndex}`;
  const words = `takes the writes of ${members.length} synced node${plural(members)} (${reason})`;
  return because("ROLE_PRIMARY", words);
}

/** One sentence on the whole cluster: who takes writes, or why nobody does. */
export function diagnoseGalera(
  nodes: readonly GaleraNode[],
  members: readonly GaleraNode[],
  primary: GaleraNode | undefined,
): string {
  const twins = members.filter((node) => {
    return members.some((other) => other !== node && other.galera.localIndex === node.galera.localIndex);
  });
  if (twins.length > 0) {
    const names = twins.map((node) => node.view.name).join(" and ");
    return `${names} have the same wsrep_local_index: one cluster may be running as two halves apart (split brain)`;
  }
  if (primary !== undefined) {
    return `${primary.view.name} is the primary of ${members.length} synced node${plural(members)}`;
  }
  if (members.length > 0) return "no primary: no synced node is writable and free to be it";
  if (nodes.length === 0) return "no primary: no Galera node answers";
  const reasons = new Map<string, string[]>();
  for (const { view, standing } of nodes) {
    const { sentence } = standing.cause;
    reasons.set(sentence, [...(reasons.get(sentence) ?? []), view.name]);
  }
  const words = [...reasons].map(([sentence, names]) => `${names.join(", ")}: ${sentence}`);
  return `no primary: ${words.join("; ")}`;
}

const plural = (things: readonly unknown[]): string => (things.length === 1 ? "" : "s");
