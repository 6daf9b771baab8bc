import { isGaleraServer } from "../../verdict/profiles.ts";
import { type GaleramonOptions, galeramon } from "./galeramon.ts";
import { type MariadbmonOptions, mariadbmon } from "./mariadbmon.ts";
import type { ClusterKind, Fleet, ModuleJudgement, MonitorModule, ServerView } from "./monitor-module.ts";

export type AutoOptions = MariadbmonOptions & GaleramonOptions;

/** Finds out what kind of cluster the servers form, and judges them as that. */
export const auto: MonitorModule<AutoOptions> = {
  name: "auto",
  defaults: { ...mariadbmon.defaults, ...galeramon.defaults },
  assign(fleet: Fleet<AutoOptions>): ModuleJudgement {
    const kind = clusterKind(fleet.views, fleet.previous.kind);
    const judgement = (kind === "galera" ? galeramon : mariadbmon).assign(fleet);
    return { ...judgement, state: { ...judgement.state, kind } };
  },
};

/**
 * Galera if any server is a Galera node, else replication if any has a replication channel, else standalone. What was
 * found before stands until every server has answered and none bears it out: an outage is no evidence.
 */
function clusterKind(views: readonly ServerView[], previous: ClusterKind | null): ClusterKind {
  if (views.some(({ facts }) => facts !== undefined && isGaleraServer(facts))) return "galera";
  const haveAllAnswered = views.every((view) => view.facts !== undefined);
  if (previous === "galera" && !haveAllAnswered) return "galera";
  if (views.some(hasChannels)) return "replication";
  if (previous === "replication" && !haveAllAnswered) return "replication";
  return "standalone";
}

/** Also one that is stopped: a replica that a person halts for an hour does not make a fleet of standalone servers. */
function hasChannels({ facts }: ServerView): boolean {
  return facts !== undefined && Array.isArray(facts.channels) && facts.channels.length > 0;
}
