import { compareGtidStates } from "../../topology/gtid-position.ts";
import type { ReplicationGraph } from "../../topology/replication-graph.ts";
import type { Cause } from "../../topology/state.ts";
import { type Assignment, because, type ServerView } from "./monitor-module.ts";
import { type Election, type Obstacle, obstacleOf } from "./primary-election.ts";
import { sourceName } from "./replica-roles.ts";

/** Why the primary is the primary; `followers`: the running servers that replicate from it. */
export function primaryCause(followers: readonly string[]): Cause {
  const origin = "takes writes and replicates from no server of this monitor";
  const rest = followers.length === 0 ? "" : `; ${doing(followers, "replicate")} from it`;
  return because("ROLE_PRIMARY", `${origin}${rest}`);
}

/** Why a running server is neither primary nor replica. */
export function reasonForNoRole(
  view: ServerView,
  election: Election,
  graph: ReplicationGraph,
  views: readonly ServerView[],
): Cause {
  const broken = graph.edges(view.name).find((edge) => edge.link.state === "broken");
  if (broken !== undefined) {
    const error = broken.link.error ?? "a replication thread has stopped";
    return because("ROLE_REPLICATION_BROKEN", `replication from ${sourceName(broken)} is broken: ${error}`);
  }
  const working = graph.edges(view.name)[0];
  if (working !== undefined) return elsewhere(sourceName(working), election);
  if (view.memory.links === null) {
    const words = "the account may not see whether it replicates, so it can be neither primary nor replica";
    return because("ROLE_REPLICATION_UNKNOWN", words);
  }
  const obstacle = obstacleOf(view, graph);
  if (obstacle === "read-only") {
    return because("READ_ONLY", "replicates from nobody, and is read-only, so it cannot be the primary");
  }
  if (obstacle === "draining") {
    return because("DRAINING", "could be the primary, but a person is draining it");
  }
  if (views.some((other) => other.input.observation === undefined)) {
    return because("ROLE_UNDECIDED", "could be the primary; not every server has been asked yet");
  }
  return because("ROLE_NOT_CHOSEN", notChosen(view, election, views));
}

function elsewhere(source: string, { root }: Election): Cause {
  const primary = root === null ? "" : `, not from ${root}`;
  return because("ROLE_WRONG_SOURCE", `replicates from ${source}${primary}: its data is not the primary's`);
}

/** A second writable server: whether the two have drifted apart is what the operator needs to know first. */
function notChosen(view: ServerView, { chosen }: Election, views: readonly ServerView[]): string {
  const words = `takes writes and replicates from nobody, but ${chosen} is the chosen primary`;
  const rival = views.find((other) => other.name === chosen);
  const order = rival?.facts && view.facts && compareGtidStates(view.facts.gtid, rival.facts.gtid);
  switch (order) {
    case undefined:
      return words;
    case "equal":
      return `${words}; both have the same transactions`;
    case "behind":
      return `${words}; it lacks transactions that ${chosen} has`;
    case "ahead":
    case "diverged":
      return `${words}; it has transactions that ${chosen} lacks`;
  }
}

const OBSTACLE_WORDS: Record<Obstacle, string> = {
  "not-asked": "has not been asked yet",
  down: "is down",
  maintenance: "is in maintenance",
  draining: "is being drained",
  offline: "is in offline mode",
  "read-only": "is read-only",
  "replication-unknown": "does not let the account see its replication",
  replicates: "replicates from another server",
};

/** One sentence on the whole fleet: who takes writes, or why nobody does. */
export function diagnoseReplication(
  views: readonly ServerView[],
  election: Election,
  graph: ReplicationGraph,
  primary: Assignment | undefined,
): string {
  const { chosen } = election;
  if (chosen === null) return `no primary: ${noCandidate(views, graph)}`;
  const followers = graph.followers(chosen, { throughDown: true });
  const rivals = views
    .filter((view) => view.name !== chosen && obstacleOf(view, graph) === undefined)
    .filter((view) => !graph.inSameRing(view.name, chosen))
    .map((view) => view.name);
  if (primary === undefined) return `no primary: ${absence(chosen, election, followers, rivals)}`;
  if (primary.role !== "primary") return `no primary: ${chosen} could be it, but ${primary.cause.sentence}`;
  if (rivals.length > 0) {
    const others = rivals.join(", ");
    return `${chosen} is the primary, and ${others} would take writes too: nothing but this monitor keeps clients off`;
  }
  return `${chosen} is the primary${followers.length === 0 ? "" : `; ${doing(followers, "follow")} it`}`;
}

/** Why the chosen server is no primary, and why no other one is. */
function absence(
  chosen: string,
  { obstacle, isKept }: Election,
  followers: readonly string[],
  rivals: readonly string[],
): string {
  const words = `${chosen} ${obstacle === undefined ? "is not fit" : OBSTACLE_WORDS[obstacle]}`;
  const waiting = followers.length === 0 ? words : `${words}; ${doing(followers, "wait")} for it`;
  if (!isKept) return `${waiting}, and no other server can take its place`;
  if (rivals.length === 0) return waiting;
  const others = rivals.join(", ");
  if (followers.length > 0) return `${waiting}, so that ${others} cannot take its place`;
  return `${words}; ${others} may take its place once it has been so for failcount intervals`;
}

function noCandidate(views: readonly ServerView[], graph: ReplicationGraph): string {
  if (views.length === 0) return "the monitor has no servers";
  return views
    .flatMap((view) => {
      const obstacle = obstacleOf(view, graph);
      return obstacle === undefined ? [] : [`${view.name} ${OBSTACLE_WORDS[obstacle]}`];
    })
    .join(", ");
}

/** `db2 follows`, `db2, db3 follow`. */
const doing = (who: readonly string[], verb: string): string =>
  `${who.join(", ")} ${verb}${who.length === 1 ? "s" : ""}`;
