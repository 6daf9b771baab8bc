/** What main/traffic/ makes of the configuration. */
import type { ServiceRule } from "../../proxy/router/route-connections.ts";
import type { SplitMember, SplitRule } from "../../proxy/router/route-splits.ts";

/** A service that carries traffic: its rule, and its servers as far as the configuration knows them. */
export type ServicePlan = ConnectionPlan | SplitPlan;

export interface ConnectionPlan {
  readonly router: "readconnroute";
  readonly rule: ServiceRule;
  readonly servers: readonly PlannedServer[];
  /** Weights follow the latency of the probes, a mean over this many; 0: they do not. */
  readonly latencySamples: number;
  /** Undefined: worker processes carry it. */
  readonly kernel: KernelSettings | undefined;
}

/** What a service with dataplane=kernel has besides what every service has. */
export interface KernelSettings {
  /** New connections are refused when nobody has renewed the service for so long, ms; 0: never. */
  readonly ttlMs: number;
  readonly masquerade: boolean;
  /** Whether a normal end of the program leaves the rules. */
  readonly keepOnExit: boolean;
}

export interface SplitPlan {
  readonly router: "readwritesplit";
  readonly rule: SplitRule;
  readonly servers: readonly PlannedServer[];
  /** Shown to clients in the place of the servers' own. */
  readonly shownVersion: string | undefined;
}

export const isInKernel = (plan: ServicePlan | undefined): boolean =>
  plan?.router === "readconnroute" && plan.kernel !== undefined;

export type PlannedServer = Omit<SplitMember, "verdict" | "state" | "admin" | "drainingSince">;
