import type { Code } from "../errors/catalogue.ts";
import type { ServerFacts } from "../topology/facts.ts";
import type { NodeRole, RuleTrace } from "../topology/verdict.ts";
import type { Policy } from "./policy.ts";

/** What a rule, or a whole profile, concludes. */
export interface Decision {
  readonly up: boolean;
  readonly role: NodeRole;
  readonly draining: boolean;
  readonly code: Code;
  readonly sentence: string;
}

/** One question put to the facts: what it saw, and its decision; undefined lets the next rule look. */
export interface Rule {
  readonly name: string;
  look(facts: ServerFacts, policy: Policy): { readonly saw: string; readonly decision?: Decision };
}

export interface Judgement {
  readonly decision: Decision;
  readonly rules: readonly RuleTrace[];
}

/** Puts the rules in order; the first that decides ends it. The last rule of a profile always decides. */
export function applyRules(rules: readonly Rule[], facts: ServerFacts, policy: Policy): Judgement {
  const traces: RuleTrace[] = [];
  let decision: Decision | undefined;
  for (const rule of rules) {
    if (decision !== undefined) {
      traces.push({ rule: rule.name, saw: "", outcome: "not reached" });
      continue;
    }
    const looked = rule.look(facts, policy);
    decision = looked.decision;
    traces.push({ rule: rule.name, saw: looked.saw, outcome: decision === undefined ? "pass" : "decides" });
  }
  if (decision === undefined) throw new Error("a profile ended without a decision");
  return Object.freeze({ decision, rules: Object.freeze(traces) });
}

export const up = (role: NodeRole, code: Code, sentence: string): Decision =>
  Object.freeze({ up: true, role, draining: false, code, sentence });

export const down = (role: NodeRole, code: Code, sentence: string): Decision =>
  Object.freeze({ up: false, role, draining: false, code, sentence });

export const drain = (role: NodeRole, code: Code, sentence: string): Decision =>
  Object.freeze({ up: false, role, draining: true, code, sentence });
