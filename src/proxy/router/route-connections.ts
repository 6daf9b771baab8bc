/**
 * proxy/router/: who may have a service's sessions. Pure; imports topology/ only.
 *
 *   rule (roles, weights, limits) + what the monitor holds of each server ─▶ routeConnections ─▶ ServiceRoute
 */
import type { Balance, ServiceLimits, ServiceRoute, Target } from "../../topology/routing-table.ts";
import { isReplica, isSynced, type ServerState } from "../../topology/state.ts";
import type { AdminState, Verdict } from "../../topology/verdict.ts";

export type RoutedRole = "master" | "slave" | "synced" | "running";

/** What the configuration says of a service with router=readconnroute. */
export interface ServiceRule {
  readonly name: string;
  readonly roles: readonly RoutedRole[];
  readonly masterAcceptReads: boolean;
  /** Undefined: a replica may be as far behind as it is. */
  readonly maxLagSeconds: number | undefined;
  readonly balance: Balance;
  /** Only the servers of the highest weight. */
  readonly top: boolean;
  readonly onServerDown: "close" | "keep";
  /** Sessions on a draining server end after this, ms; 0: by themselves. */
  readonly drainTimeoutMs: number;
  readonly limits: ServiceLimits;
}

/** A server of the service, and how it is now. */
export interface Member extends Target {
  readonly rank: "primary" | "secondary";
  /** Undefined: nothing is known of it yet. */
  readonly verdict: Verdict | undefined;
  readonly state: ServerState | undefined;
  readonly admin: AdminState;
  /** When it began to drain, ms since 1970. */
  readonly drainingSince: number | undefined;
}

/**
 * What becomes of the sessions of a server.
 *   new      it gets new ones
 *   soft     it gets new ones only where no server is better: it works, but not as one would wish
 *   keep     no new ones, and those it has go on
 *   close    those it has end
 */
type Use = "new" | "soft" | "keep" | "close";

interface Judged {
  readonly member: Member;
  readonly use: Use;
  /** Why it is not `new`: a clause after the server's name. */
  readonly reason: string;
}

/** The server answers, but what it answers may be old. */
export const SOFT_CODES: ReadonlySet<string> = new Set([
  "GALERA_LAGGING",
  "REPLICA_LAGGING",
  "REPLICA_LAG_UNKNOWN",
  "STALE",
]);

/** @param now ms since 1970 */
export function routeConnections(rule: ServiceRule, members: readonly Member[], now: number): ServiceRoute {
  const judged = members.map((member) => judgeMember(rule, member, now));
  const targets = onlyTop(rule, firstRank(chooseTargets(rule, judged)));
  return {
    name: rule.name,
    balance: rule.balance,
    targets: targets.map(({ server, endpoint, weight, maxConnections, proxyProtocol, userTimeoutMs }) => ({
      server,
      endpoint,
      weight,
      maxConnections,
      proxyProtocol,
      userTimeoutMs,
    })),
    closing: judged
      .filter(({ use }) => use === "close")
      .map(({ member, reason }) => ({ server: member.server, reason })),
    refusal: refusalOf(rule, judged),
    limits: rule.limits,
  };
}

/** When the route changes by itself next, without news of any server: ms since 1970. */
export function nextChangeAt(rule: ServiceRule, members: readonly Member[], now: number): number | undefined {
  const ends = members.flatMap(({ drainingSince }) =>
    drainingSince === undefined || rule.drainTimeoutMs === 0 ? [] : [drainingSince + rule.drainTimeoutMs],
  );
  return ends.filter((end) => end > now).sort((a, b) => a - b)[0];
}

function judgeMember(rule: ServiceRule, member: Member, now: number): Judged {
  const { verdict, state } = member;
  const judge = (use: Use, reason: string): Judged => ({ member, use, reason });
  const down = rule.onServerDown === "close" ? "close" : "keep";
  if (member.admin === "maintenance") return judge(down, "is in maintenance");
  if (verdict === undefined || !verdict.known) return judge("keep", "has not been probed yet");
  const isOut = state?.liveness === "down" || verdict.observation?.reached === false;
  if (!verdict.up && isOut) return judge(down, `is down (${verdict.sentence})`);
  if (member.admin === "drain") return judge(drainUse(rule, member, now), "is draining");
  if (verdict.draining) return judge("keep", `is draining (${verdict.sentence})`);
  if (!verdict.up && !SOFT_CODES.has(verdict.code))
    return judge(down, `may not be used (${verdict.sentence})`);
  if (state === undefined || !hasRole(rule, state)) return judgeStranger(rule, member);
  if (member.weight === 0) return judge("keep", "has weight 0");
  if (!verdict.up) return judge("soft", `is second choice (${verdict.sentence})`);
  if (isBehind(rule, state))
    return judge("soft", `is ${state.lagSeconds ?? "an unknown number of"} s behind`);
  return judge("new", "");
}

function drainUse(rule: ServiceRule, { drainingSince }: Member, now: number): Use {
  const isOver =
    rule.drainTimeoutMs > 0 && drainingSince !== undefined && now >= drainingSince + rule.drainTimeoutMs;
  return isOver ? "close" : "keep";
}

/** A server that runs, and does not have a role that the service uses. */
function judgeStranger(rule: ServiceRule, member: Member): Judged {
  const reason = `is not ${rule.roles.join(" or ")}`;
  // Writes to a server that is primary no more fail or, worse, do not; readers may finish where they are.
  const isWriting = rule.roles.every((role) => role === "master");
  return { member, use: isWriting ? "close" : "keep", reason };
}

const hasRole = (rule: ServiceRule, state: ServerState): boolean =>
  rule.roles.some((role) => fills(role, rule, state));

/** The primary counts as a reader, too: it is sorted out below where there are replicas. */
function fills(role: RoutedRole, rule: ServiceRule, state: ServerState): boolean {
  switch (role) {
    case "master":
      return state.role === "primary";
    case "slave":
      return isReplica(state) || (rule.masterAcceptReads && state.role === "primary");
    case "synced":
      return isSynced(state) && mayRead(rule, state);
    case "running":
      return state.liveness === "running" && mayRead(rule, state);
  }
}

const mayRead = ({ roles, masterAcceptReads }: ServiceRule, { role }: ServerState): boolean =>
  role !== "primary" || masterAcceptReads || roles.includes("master");

function isBehind({ maxLagSeconds }: ServiceRule, state: ServerState): boolean {
  if (maxLagSeconds === undefined || !isReplica(state)) return false;
  return state.lagSeconds === undefined || state.lagSeconds > maxLagSeconds;
}

/** Good servers; where there is none, the soft ones: the last server is never taken out for a soft reason. */
function chooseTargets(rule: ServiceRule, judged: readonly Judged[]): readonly Member[] {
  const good = judged.filter(({ use }) => use === "new");
  const found = good.length > 0 ? good : judged.filter(({ use }) => use === "soft");
  const members = found.map(({ member }) => member);
  // router_options=slave: the primary helps out where no replica does.
  if (rule.roles.includes("slave") && !rule.roles.some((role) => role === "master" || role === "running")) {
    const replicas = members.filter(({ state }) => state?.role !== "primary");
    if (replicas.length > 0) return replicas;
  }
  return members;
}

function firstRank(members: readonly Member[]): readonly Member[] {
  const primary = members.filter(({ rank }) => rank === "primary");
  return primary.length > 0 ? primary : members;
}

function onlyTop({ top }: ServiceRule, members: readonly Member[]): readonly Member[] {
  if (!top) return members;
  const most = Math.max(...members.map(({ weight }) => weight));
  return members.filter(({ weight }) => weight === most);
}

function refusalOf({ name }: ServiceRule, judged: readonly Judged[]): string {
  const reasons = judged.filter(({ reason }) => reason !== "");
  const list = reasons.map(({ member, reason }) => `${member.server} ${reason}`).join(", ");
  return list === "" ? `service ${name} has no servers` : `service ${name} has no server to use: ${list}`;
}
