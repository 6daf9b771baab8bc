import type { GaleraState, ServerFacts } from "../../topology/facts.ts";
import type { Cause, GaleraRole } from "../../topology/state.ts";
import { GALERA_RULES } from "../../verdict/galera.ts";
import { DEFAULT_POLICY, type Policy } from "../../verdict/policy.ts";
import { applyRules, type Decision } from "../../verdict/rule.ts";
import { because } from "./monitor-module.ts";

/** May a donor serve: never, only while the state transfer does not block it, or always (a desynced node too). */
export type DonorPolicy = Policy["availableWhenDonor"];

/** What one node says of its place in its cluster, before it is known which cluster is meant. */
export interface NodeStanding {
  readonly galera: GaleraRole;
  /** It may serve, as far as it alone can tell. */
  readonly isJoined: boolean;
  readonly cause: Cause;
}

/**
 * The health check's rules decide, so that role and verdict agree. A cluster asks more of a node than its own health
 * in one thing: whoever has desynced it by hand does not want it used, whatever its method of state transfer.
 */
export function nodeStanding(
  facts: ServerFacts,
  node: GaleraState,
  availableWhenDonor: DonorPolicy,
): NodeStanding {
  const policy = { ...DEFAULT_POLICY, availableWhenDonor, availableWhenReadonly: true, staleAfterMs: 0 };
  const { decision } = applyRules(GALERA_RULES, facts, policy);
  const galera = galeraRole(decision);
  if (decision.up && node.desync && availableWhenDonor !== "always") {
    const cause = because("GALERA_DONOR", "the node is desynced: wsrep_desync is ON");
    return { galera: "donor", isJoined: false, cause };
  }
  return { galera, isJoined: decision.up, cause: because(decision.code, decision.sentence) };
}

/** None for a node that is kept from serving by something else than its place in the cluster. */
function galeraRole({ up, code, role }: Decision): GaleraRole {
  if (!up && code !== "GALERA_DONOR" && code !== "GALERA_NOT_SYNCED") return "none";
  return role === "synced" || role === "donor" || role === "joined" || role === "joining" ? role : "none";
}
