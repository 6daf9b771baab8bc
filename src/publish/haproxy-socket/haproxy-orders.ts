import type { Verdict } from "../../topology/verdict.ts";
import { freshVerdict } from "../../verdict/endpoint.ts";

/** `agent`: as an agent check would say it; `state`: as a person at the runtime socket would. */
export type OrderMode = "agent" | "state";

/**
 * What HAProxy is told of a server at `now` (ms since 1970), as the ends of `set server BACKEND/NAME …`. Nothing while nothing is
 * known: a restart of Sluice neither opens nor closes traffic.
 */
export function haproxyOrders(verdict: Verdict, mode: OrderMode, now: number): readonly string[] {
  const fresh = freshVerdict(verdict, now);
  if (!fresh.known) return [];
  const word = fresh.up ? "up" : fresh.draining ? "drain" : "down";
  return ORDERS[mode][word];
}

// Draining by weight: an agent has no other word that lets sessions go on, and `state` belongs to persons in that mode.
const ORDERS = {
  agent: {
    up: ["agent up", "weight 100%"],
    drain: ["agent up", "weight 0%"],
    down: ["agent down"],
  },
  state: { up: ["state ready"], drain: ["state drain"], down: ["state maint"] },
} as const satisfies Record<OrderMode, Record<"up" | "drain" | "down", readonly string[]>>;
