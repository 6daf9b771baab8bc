import { CATALOGUE, type Code } from "../errors/catalogue.ts";
import type { Observation, ProbeFailure } from "../topology/observation.ts";
import type { AdminState, ProfileName, RuleTrace, Verdict } from "../topology/verdict.ts";
import type { Policy } from "./policy.ts";
import { judgeFacts } from "./profiles.ts";
import { type Decision, down, drain } from "./rule.ts";

/** What one server's judging remembers from tick to tick. Immutable. */
export interface JudgeState {
  /** The verdict as it is told: with off switches and administrative state laid over. */
  readonly verdict: Verdict;
  /** The last decision that passed rise and fall, without the overlay; undefined before the first. */
  readonly settled: Settled | undefined;
  /** Consecutive decisions that contradict the settled one. */
  readonly streak: number;
  /** Since when error 1040 has been met (ms since 1970). */
  readonly busySince: number | undefined;
}

interface Settled {
  readonly decision: Decision;
  readonly profile: ProfileName;
  readonly rules: readonly RuleTrace[];
}

/** What takes a server out by hand. */
export interface Overlay {
  readonly admin: AdminState;
  /** Path of the off-switch file that is there. */
  readonly offSwitch: string | undefined;
}

export const NO_OVERLAY: Overlay = Object.freeze({ admin: "none", offSwitch: undefined });

// Failures that may pass by themselves within a tick or two: rise and fall are for them. All others act at once.
const SOFT: ReadonlySet<Code> = new Set<Code>([
  "PROBE_CONNECT_TIMEOUT",
  "PROBE_LOGIN_TIMEOUT",
  "PROBE_QUERY_TIMEOUT",
  "PROBE_NAME_NOT_FOUND",
  "PROBE_NO_ROUTE",
  "PROBE_QUERY_FAILED",
  "PROBE_PROTOCOL",
  "GALERA_LAGGING",
  "REPLICA_LAGGING",
  "REPLICA_LAG_UNKNOWN",
  "NO_ROWS",
]);

/** The state before the first probe: known to nobody, and so a "no". */
export function initialState(policy: Policy, now: number): JudgeState {
  const decision = down("unknown", "STARTING", CATALOGUE.STARTING.meaning.replace(/\.$/, "").toLowerCase());
  const profile = policy.profile === "auto" ? "standalone" : policy.profile;
  const verdict: Verdict = Object.freeze({
    ...decision,
    profile,
    since: now,
    at: now,
    staleAt: Number.POSITIVE_INFINITY,
    known: false,
    observation: undefined,
    rules: [],
  });
  return Object.freeze({ verdict, settled: undefined, streak: 0, busySince: undefined });
}

/** One tick: the next state from the last one and a new observation. */
export function judge(
  state: JudgeState,
  observation: Observation,
  overlay: Overlay,
  policy: Policy,
  now: number,
): JudgeState {
  const found = decide(state, observation, policy);
  const isBusy = !observation.reached && observation.failure.code === "PROBE_TOO_MANY_CONNECTIONS";
  const busySince = isBusy ? (state.busySince ?? now) : undefined;
  const graceLeftMs = busySince === undefined ? 0 : policy.busyGraceMs - (now - busySince);

  let { settled, streak } = state;
  let told: Settled;
  if (settled !== undefined && graceLeftMs > 0) {
    told = { ...settled, decision: keptWhileBusy(settled.decision, Math.ceil(graceLeftMs / 1000)) };
  } else {
    ({ settled, streak } = settle(state, found, policy));
    told = settled === found ? found : withPending(settled, found, streak, policy);
  }
  const fresh = { observation, at: now, staleAt: now + policy.staleAfterMs, known: true };
  const verdict = tell(
    { ...state.verdict, ...fresh },
    told,
    overlay,
    state.verdict.known ? state.verdict.since : now,
    now,
  );
  return Object.freeze({ verdict, settled, streak, busySince });
}

/** The overlay changed between ticks: the same judgement, told anew. Its age does not change. */
export function retell(state: JudgeState, overlay: Overlay, now: number): JudgeState {
  if (state.settled === undefined) return state;
  return Object.freeze({
    ...state,
    verdict: tell(state.verdict, state.settled, overlay, state.verdict.since, now),
  });
}

function tell(previous: Verdict, told: Settled, overlay: Overlay, since: number, now: number): Verdict {
  const byHand = takenOutByHand(told.decision, overlay);
  const decision = byHand?.decision ?? told.decision;
  const rules = byHand === undefined ? told.rules : [byHand.trace, ...told.rules];
  const isSame = previous.known && sameDecision(previous, decision);
  return Object.freeze({
    ...previous,
    ...decision,
    profile: told.profile,
    rules,
    since: isSame ? since : now,
  });
}

function decide(state: JudgeState, observation: Observation, policy: Policy): Settled {
  if (observation.reached) {
    const { decision, profile, rules } = judgeFacts(observation.facts, policy);
    const connected: RuleTrace = {
      rule: "connect and log in",
      saw: `answered in ${observation.tookMs.toFixed(1)} ms, version ${observation.facts.version}`,
      outcome: "pass",
    };
    return { decision, profile, rules: [connected, ...rules] };
  }
  const { failure } = observation;
  const trace: RuleTrace = { rule: "connect and log in", saw: failure.detail, outcome: "decides" };
  const profile = state.settled?.profile ?? state.verdict.profile;
  return { decision: failureDecision(failure), profile, rules: [trace] };
}

const failureDecision = (failure: ProbeFailure): Decision => down("unknown", failure.code, failure.detail);

function settle(state: JudgeState, found: Settled, policy: Policy): { settled: Settled; streak: number } {
  const { settled } = state;
  if (settled === undefined || settled.decision.up === found.decision.up)
    return { settled: found, streak: 0 };
  const needed = found.decision.up ? policy.rise : SOFT.has(found.decision.code) ? policy.fall : 1;
  const streak = state.streak + 1;
  return streak >= needed ? { settled: found, streak: 0 } : { settled, streak };
}

/** What is told while rise or fall still count: the settled verdict, and what speaks against it. */
function withPending(settled: Settled, found: Settled, streak: number, policy: Policy): Settled {
  const needed = found.decision.up ? policy.rise : policy.fall;
  const word = found.decision.up ? "rise" : "fall";
  const sentence = `${settled.decision.sentence} (${word} ${streak} of ${needed}: ${found.decision.sentence})`;
  return { ...settled, decision: { ...settled.decision, sentence }, rules: found.rules };
}

function keptWhileBusy(decision: Decision, leftSeconds: number): Decision {
  const sentence = `${decision.sentence} (the server is full, error 1040: this verdict is kept for ${leftSeconds} s more)`;
  return { ...decision, sentence };
}

/** Off switch, then maintenance, then drain; a drain does not hide that the server is down. */
function takenOutByHand(
  decision: Decision,
  overlay: Overlay,
): { decision: Decision; trace: RuleTrace } | undefined {
  const by = (found: Decision, saw: string): { decision: Decision; trace: RuleTrace } => ({
    decision: found,
    trace: { rule: "taken out by hand", saw, outcome: "decides" },
  });
  if (overlay.offSwitch !== undefined) {
    return by(
      down(decision.role, "OFF_SWITCH", `forced out: ${overlay.offSwitch} is there`),
      `${overlay.offSwitch} is there`,
    );
  }
  if (overlay.admin === "maintenance") {
    return by(down(decision.role, "MAINTENANCE", "in maintenance, set by a person"), "maintenance is on");
  }
  if (overlay.admin === "drain" && decision.up) {
    return by(drain(decision.role, "DRAINING", "draining, set by a person: no new sessions"), "drain is on");
  }
  return undefined;
}

function sameDecision(a: Decision | Verdict, b: Decision): boolean {
  return a.up === b.up && a.code === b.code && a.role === b.role && a.draining === b.draining;
}
