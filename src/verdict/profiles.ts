/**
 * verdict/: from observations and a policy to a verdict. Pure: may import topology/ and errors/ only; time is passed in.
 *
 *   observation ─▶ pickProfile ─▶ rules of the profile ─▶ decision ─▶ judge (rise/fall, busy grace, off switches) ─▶ verdict
 */
import type { ServerFacts } from "../topology/facts.ts";
import type { ProfileName } from "../topology/verdict.ts";
import { GALERA_RULES } from "./galera.ts";
import type { Policy } from "./policy.ts";
import { PORT_RULES } from "./port.ts";
import { channelsOf, REPLICA_RULES } from "./replica.ts";
import { applyRules, type Judgement, type Rule } from "./rule.ts";
import { CONNECTOR_RULES, STANDALONE_RULES } from "./standalone.ts";

const RULES: Readonly<Record<ProfileName, readonly Rule[]>> = {
  galera: GALERA_RULES,
  replica: REPLICA_RULES,
  standalone: STANDALONE_RULES,
  connector: CONNECTOR_RULES,
  port: PORT_RULES,
};

/** The profile that judges these facts: the policy's, or what the server turns out to be. */
export function pickProfile(facts: ServerFacts, policy: Policy): ProfileName {
  if (policy.profile !== "auto") return policy.profile;
  if (facts.flavour === "proxy") return "connector";
  if (isGaleraServer(facts)) return "galera";
  return channelsOf(facts.channels).length > 0 ? "replica" : "standalone";
}

export function judgeFacts(
  facts: ServerFacts,
  policy: Policy,
): Judgement & { readonly profile: ProfileName } {
  const profile = pickProfile(facts, policy);
  return { ...applyRules(RULES[profile], facts, policy), profile };
}

/** A server with a wsrep provider is meant to be a Galera node, also while someone has switched wsrep_on off. */
export function isGaleraServer({ galera }: ServerFacts): boolean {
  if (galera === undefined) return false;
  return galera.wsrepOn || (galera.provider !== "" && galera.provider.toLowerCase() !== "none");
}
