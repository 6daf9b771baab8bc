import type { GaleraState } from "../../topology/facts.ts";
import type { Cause, GaleraRole } from "../../topology/state.ts";
import { because } from "./monitor-module.ts";

/** May a donor serve: never, only while the state transfer does not block it, or always (a desynced node too). */
export type DonorPolicy = "never" | "nonblocking" | "always";

/** What one node says of its place in its cluster, before it is known which cluster is meant. */
export interface NodeStanding {
  readonly galera: GaleraRole;
  /** It may serve, as far as it alone can tell. */
  readonly isJoined: boolean;
  readonly cause: Cause;
}

const NONBLOCKING_SST = new Set(["mariabackup", "xtrabackup", "xtrabackup-v2", "clone"]);
const STATE_ROLES: readonly GaleraRole[] = ["none", "joining", "donor", "joined", "synced"];

/** The first rule that a node fails decides, in the order of the health check's rules for a Galera node. */
export function nodeStanding(node: GaleraState, policy: DonorPolicy): NodeStanding {
  const galera = STATE_ROLES[node.localState] ?? "none";
  const out = (cause: Cause): NodeStanding => ({ galera: "none", isJoined: false, cause });
  if (node.clusterStatus.toLowerCase() !== "primary") {
    const words = `Not in the primary component: wsrep_cluster_status is ${node.clusterStatus || "empty"}.`;
    return out(because("GALERA_NON_PRIMARY", words));
  }
  if (!node.ready) return out(because("GALERA_NOT_READY", "wsrep_ready is OFF: it refuses queries."));
  if (isInPxcMaintenance(node)) {
    return out(because("GALERA_PXC_MAINTENANCE", `pxc_maint_mode is ${node.pxcMaintMode}.`));
  }
  if (!/^(none)?$/i.test(node.rejectQueries)) {
    return out(because("GALERA_REJECTS_QUERIES", `wsrep_reject_queries is ${node.rejectQueries}.`));
  }
  if (galera === "synced" && !(node.desync && policy !== "always")) {
    return { galera, isJoined: true, cause: because("GALERA_SYNCED", "Synced with the cluster.") };
  }
  if (galera === "donor" || galera === "synced") return donorStanding(node, policy);
  const words = `Not synced: wsrep_local_state is ${node.localState} (${node.localStateComment || "undefined"}).`;
  return { galera, isJoined: false, cause: because("GALERA_NOT_SYNCED", words) };
}

function isInPxcMaintenance({ pxcMaintMode }: GaleraState): boolean {
  return pxcMaintMode !== undefined && pxcMaintMode.toUpperCase() !== "DISABLED";
}

/** A donor for a joining node (wsrep_desync stays OFF), or a node that a person has desynced. */
function donorStanding(node: GaleraState, policy: DonorPolicy): NodeStanding {
  const galera = "donor";
  const what = node.desync
    ? "Desynced (wsrep_desync is ON)"
    : `Donor by ${node.sstMethod || "state transfer"}`;
  if (isDonorAccepted(node, policy)) {
    return {
      galera,
      isJoined: true,
      cause: because("GALERA_DONOR_ACCEPTED", `${what}; it may serve meanwhile.`),
    };
  }
  return { galera, isJoined: false, cause: because("GALERA_DONOR", `${what}: not to be used.`) };
}

function isDonorAccepted(node: GaleraState, policy: DonorPolicy): boolean {
  if (node.sstDonorRejectsQueries) return false;
  switch (policy) {
    case "never":
      return false;
    case "nonblocking":
      return !node.desync && NONBLOCKING_SST.has(node.sstMethod.toLowerCase());
    case "always":
      return true;
  }
}
