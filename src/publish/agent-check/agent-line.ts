import type { Verdict } from "../../topology/verdict.ts";
import { freshVerdict, worstLagSeconds } from "../../verdict/endpoint.ts";
import { safeLine } from "../safe-line.ts";

/** A replica's weight follows its lag: 100 % at 0 s, 1 % at this many seconds and beyond. */
export interface WeightByLag {
  readonly limitSeconds: number;
}

const MAX_REASON_LENGTH = 200;

/**
 * What HAProxy's agent-check is told of a verdict at `now` (ms since 1970), without the line's end. An empty line, while
 * nothing is known yet, changes nothing: so a restart of the agent neither opens nor closes traffic.
 *
 * Only the agent takes back what it once said, and HAProxy may have missed any line in between, so a healthy server is
 * always told in full: `up` against an earlier `down`, `ready` against `drain` and `maint`, the weight against another.
 */
export function agentLine(verdict: Verdict, weightByLag: WeightByLag | undefined, now: number): string {
  const fresh = freshVerdict(verdict, now);
  if (!fresh.known) return "";
  if (fresh.code === "MAINTENANCE" || fresh.code === "OFF_SWITCH") return "maint";
  if (fresh.draining) return "drain";
  if (!fresh.up) return downLine(`${fresh.code}: ${fresh.sentence}`);
  return `up ready ${weightByLag === undefined ? 100 : weightPercent(fresh, weightByLag)}%`;
}

/**
 * `down`, and why. The blank before the `#` matters: HAProxy (2.6 tried) ends a word at a blank or a comma only, takes
 * `down#why` for a word it does not know, and leaves the server up. What follows is text up to the line's end.
 */
export function downLine(reason: string): string {
  return `down #${safeLine(reason, MAX_REASON_LENGTH)}`;
}

function weightPercent(verdict: Verdict, { limitSeconds }: WeightByLag): number {
  if (verdict.role !== "replica") return 100;
  const lagSeconds = worstLagSeconds(verdict) ?? limitSeconds;
  return Math.max(1, Math.round(100 - 99 * (lagSeconds / limitSeconds)));
}
