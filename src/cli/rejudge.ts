import { catalogueEntry } from "../errors/catalogue.ts";
import type { ServerFacts } from "../topology/facts.ts";
import type { ServerSnapshot } from "../topology/fleet.ts";
import type { ProfileName, Verdict } from "../topology/verdict.ts";
import { initialState, judge } from "../verdict/judge.ts";
import type { Policy } from "../verdict/policy.ts";

/**
 * Judges what an agent has seen by another policy than its own. What a person has set stays. Undefined where the
 * agent's observation cannot tell, because it did not ask what that profile needs.
 */
export function rejudge({ verdict, admin }: ServerSnapshot, policy: Policy): Verdict | undefined {
  const { observation } = verdict;
  if (verdict.code === "OFF_SWITCH") return verdict;
  if (observation === undefined) return undefined;
  if (!observation.reached) {
    // Up by the agent's memory (busy_grace, fall) is nothing to judge by; and that its account or its TLS is wrong tells
    // nothing of the server.
    const isOfAgent = catalogueEntry(observation.failure.code).kind === "permanent";
    return verdict.up || isOfAgent ? undefined : verdict;
  }
  if (!suffice(observation.facts, policy.profile, verdict.profile)) return undefined;
  const overlay = { admin, offSwitch: undefined };
  const judged = judge(initialState(policy, verdict.at), observation, overlay, policy, verdict.at).verdict;
  return { ...judged, since: verdict.since, staleAt: verdict.staleAt };
}

/** Do these facts, asked for one profile, hold what another one looks at? */
function suffice(facts: ServerFacts, wanted: Policy["profile"], asked: ProfileName): boolean {
  const isProxy = facts.flavour === "proxy";
  const isGalera = facts.galera?.wsrepOn === true;
  switch (wanted) {
    case "auto":
      return asked === "galera" || facts.channels !== "not-asked";
    case "galera":
      return !isProxy && (!isGalera || asked === "galera");
    case "replica":
      return facts.channels !== "not-asked";
    case "standalone":
      return !isProxy;
    case "connector":
      return isProxy;
    case "port":
      return asked === "port";
  }
}
