import type { ServiceLimits, SplitRoute, SplitRules, SplitTarget } from "../../topology/routing-table.ts";
import { isReplica, isSynced } from "../../topology/state.ts";
import type { ServiceFace } from "../../wire/service-face.ts";
import { type Member, SOFT_CODES } from "./route-connections.ts";

/** What the configuration says of a service with router=readwritesplit. */
export interface SplitRule {
  readonly name: string;
  readonly masterAcceptReads: boolean;
  /** Undefined: a replica may be as far behind as it is. */
  readonly maxLagSeconds: number | undefined;
  readonly limits: ServiceLimits;
  readonly rules: Omit<SplitRules, "maxReplicas">;
  /** Of the replicas there are. */
  readonly maxReplicas: { readonly count: number } | { readonly percent: number };
}

/** A server of the service, and how it is now. */
export interface SplitMember extends Member {
  readonly poolMax: number;
  readonly poolMaxTimeMs: number;
}

/**
 *   primary   takes writes
 *   reader    takes reads
 *   late      takes reads only where nobody else does: it works, but not as one would wish
 *   idle      neither; connections that do nothing are let go
 *   closing   connections end now
 */
type Use = "primary" | "reader" | "late" | "idle" | "closing";

interface Judged {
  readonly member: SplitMember;
  readonly use: Use;
  /** Why it takes no reads and writes, or late ones: a clause after the server's name. */
  readonly reason: string;
}

/** Who takes a service's reads and writes now. Pure. */
export function routeSplit(rule: SplitRule, members: readonly SplitMember[], face: ServiceFace): SplitRoute {
  const judged = members.map((member) => judge(rule, member));
  const primary = judged.find(({ use }) => use === "primary")?.member;
  const replicas = judged.filter(({ use }) => use === "reader" || use === "late");
  return {
    name: rule.name,
    servers: judged
      .filter(({ use }) => use !== "idle" && use !== "closing")
      .map(({ member }) => targetOf(rule, member)),
    primary: primary?.server,
    readers: readersOf(rule, judged, primary).map(({ server }) => server),
    closing: judged
      .filter(({ use }) => use === "closing")
      .map(({ member, reason }) => ({ server: member.server, reason })),
    refusal: refusalOf(rule, judged, primary !== undefined),
    face,
    limits: rule.limits,
    rules: { ...rule.rules, maxReplicas: mostReplicas(rule, replicas.length) },
  };
}

function judge(rule: SplitRule, member: SplitMember): Judged {
  const { verdict, state, admin } = member;
  const as = (use: Use, reason: string): Judged => ({ member, use, reason });
  if (admin === "maintenance") return as("closing", "is in maintenance");
  if (verdict === undefined || state === undefined || !verdict.known)
    return as("idle", "has not been probed yet");
  const isOut = state.liveness === "down" || verdict.observation?.reached === false;
  if (!verdict.up && isOut) return as("closing", `is down (${verdict.sentence})`);
  const isSoft = SOFT_CODES.has(verdict.code);
  if (!verdict.up && !isSoft && !state.staleReplica && admin !== "drain")
    return as("closing", `may not be used (${verdict.sentence})`);
  if (state.role === "primary") return as("primary", "");
  if (!isReplica(state) && !isSynced(state)) return as("idle", "is neither primary nor replica");
  if (admin === "drain") return as("idle", "is draining");
  if (member.weight === 0) return as("idle", "has weight 0");
  if (!verdict.up) return as("late", `is second choice (${verdict.sentence})`);
  const lag = state.lagSeconds;
  const { maxLagSeconds } = rule;
  const isBehind =
    maxLagSeconds !== undefined && isReplica(state) && (lag === undefined || lag > maxLagSeconds);
  return isBehind ? as("late", `is ${lag ?? "an unknown number of"} s behind`) : as("reader", "");
}

/** The best there are: good replicas, of the first rank; else the primary; else those that are behind. */
function readersOf(
  rule: SplitRule,
  judged: readonly Judged[],
  primary: SplitMember | undefined,
): readonly SplitMember[] {
  const good = firstRank(judged.filter(({ use }) => use === "reader").map(({ member }) => member));
  const readingPrimary =
    primary !== undefined && primary.weight > 0 && primary.admin !== "drain" ? [primary] : [];
  if (good.length > 0) return rule.masterAcceptReads ? [...good, ...readingPrimary] : good;
  // While it drains, the sessions that are connected to it read there as well, if there is nobody else.
  if (primary !== undefined && primary.admin !== "drain") return [primary];
  return firstRank(judged.filter(({ use }) => use === "late").map(({ member }) => member));
}

function firstRank(members: readonly SplitMember[]): readonly SplitMember[] {
  const first = members.filter(({ rank }) => rank === "primary");
  return first.length > 0 ? first : members;
}

function targetOf({ rules }: SplitRule, member: SplitMember): SplitTarget {
  const { server, endpoint, maxConnections, proxyProtocol, userTimeoutMs, poolMax, poolMaxTimeMs } = member;
  return {
    server,
    endpoint,
    // A primary of weight 0 takes writes all the same; nobody divides by its weight.
    weight: Math.max(member.weight, Number.MIN_VALUE),
    maxConnections,
    proxyProtocol,
    userTimeoutMs,
    isGalera: member.state !== undefined && member.state.galera !== "none",
    isDraining: member.admin === "drain",
    lagSeconds: rules.criterion === "lag" ? (member.state?.lagSeconds ?? undefined) : undefined,
    poolMax,
    poolMaxTimeMs,
  };
}

function mostReplicas({ maxReplicas }: SplitRule, replicas: number): number {
  if ("count" in maxReplicas) return maxReplicas.count;
  return Math.max(1, Math.floor((replicas * maxReplicas.percent) / 100));
}

function refusalOf({ name }: SplitRule, judged: readonly Judged[], hasPrimary: boolean): string {
  const reasons = judged
    .filter(({ reason }) => reason !== "")
    .map(({ member, reason }) => `${member.server} ${reason}`)
    .join(", ");
  const what = hasPrimary ? "no server that can be reached" : "no primary";
  return reasons === "" ? `service ${name} has ${what}` : `service ${name} has ${what}: ${reasons}`;
}
