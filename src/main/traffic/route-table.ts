import { LatencyWeights } from "../../proxy/router/latency-weights.ts";
import { nextChangeAt, routeConnections } from "../../proxy/router/route-connections.ts";
import { routeSplit, type SplitMember } from "../../proxy/router/route-splits.ts";
import type { Cells } from "../../proxy/worker/connection-board.ts";
import type { FleetSnapshot } from "../../topology/fleet.ts";
import type { RoutingTable, ServiceRoute, SplitRoute } from "../../topology/routing-table.ts";
import type { ServerState } from "../../topology/state.ts";
import { faceOf } from "../../wire/service-face.ts";
import type { ServicePlan } from "./service-plan.ts";

/** What is known of the servers now. */
export interface FleetKnowledge {
  readonly snapshot: FleetSnapshot;
  stateOf(server: string): ServerState | undefined;
}

/** Makes the routing table of the plans and the fleet, and remembers what has to outlast a single table. */
export class RouteTable {
  readonly #drainingSince = new Map<string, number>();
  /** By service and number of samples. */
  readonly #latencies = new Map<string, LatencyWeights>();
  /** By server. */
  readonly #versions = new Map<string, string>();
  readonly #addColumn: (kind: keyof Cells, name: string) => void;
  #text = "";
  #current: RoutingTable = { version: 0, services: [], splits: [] };

  /** @param addColumn a service or server is to be counted */
  constructor(addColumn: (kind: keyof Cells, name: string) => void) {
    this.#addColumn = addColumn;
  }

  get current(): RoutingTable {
    return this.#current;
  }

  /**
   * Makes it anew.
   * @param now ms since 1970
   * @returns whether anything differs, and when it will differ by itself (ms since 1970)
   */
  update(
    plans: Iterable<ServicePlan>,
    fleet: FleetKnowledge,
    now: number,
  ): { readonly changed: readonly (ServiceRoute | SplitRoute)[]; readonly nextAt: number | undefined } {
    this.#noteDrains(fleet.snapshot, now);
    let nextAt: number | undefined;
    const services: ServiceRoute[] = [];
    const splits: SplitRoute[] = [];
    for (const plan of plans) {
      const members = this.#membersOf(plan, fleet);
      if (plan.router === "readwritesplit") {
        splits.push(routeSplit(plan.rule, members, faceOf(this.#versionsOf(members), plan.shownVersion)));
        continue;
      }
      const next = nextChangeAt(plan.rule, members, now);
      if (next !== undefined) nextAt = Math.min(next, nextAt ?? next);
      services.push(routeConnections(plan.rule, members, now));
    }
    const text = JSON.stringify([services, splits]);
    if (text === this.#text) return { changed: [], nextAt };
    const all = [...services, ...splits];
    const { current } = this;
    const before = new Map(
      [...current.services, ...current.splits].map((route) => [route.name, JSON.stringify(route)]),
    );
    this.#text = text;
    this.#current = { version: current.version + 1, services, splits };
    return { changed: all.filter((route) => before.get(route.name) !== JSON.stringify(route)), nextAt };
  }

  #membersOf(plan: ServicePlan, { snapshot, stateOf }: FleetKnowledge): readonly SplitMember[] {
    const { rule, servers } = plan;
    this.#addColumn("services", rule.name);
    const factors = this.#latencyFactors(plan, snapshot);
    return servers.map((planned) => {
      this.#addColumn("servers", planned.server);
      const server = snapshot.servers.get(planned.server);
      return {
        ...planned,
        weight: scaled(planned.weight, factors?.get(planned.server)),
        verdict: server?.verdict,
        state: stateOf(planned.server),
        admin: server?.admin ?? "none",
        drainingSince: this.#drainingSince.get(planned.server),
      };
    });
  }

  /** Of the servers that have ever told theirs: clients see no other face while a server is down. */
  #versionsOf(members: readonly SplitMember[]): readonly string[] {
    for (const { server, verdict } of members) {
      const { observation } = verdict ?? {};
      if (observation?.reached === true) this.#versions.set(server, observation.facts.version);
    }
    return members.flatMap(({ server }) => this.#versions.get(server) ?? []);
  }

  #latencyFactors(plan: ServicePlan, snapshot: FleetSnapshot): ReadonlyMap<string, number> | undefined {
    const { rule, servers } = plan;
    const latencySamples = plan.router === "readconnroute" ? plan.latencySamples : 0;
    if (latencySamples === 0) return undefined;
    const key = `${latencySamples} ${rule.name}`;
    const latencies = this.#latencies.get(key) ?? new LatencyWeights(latencySamples);
    this.#latencies.set(key, latencies);
    return latencies.update(
      servers.map(({ server }) => {
        const { up, observation } = snapshot.servers.get(server)?.verdict ?? {};
        return { server, probe: up === true && observation?.reached === true ? observation : undefined };
      }),
    );
  }

  #noteDrains(snapshot: FleetSnapshot, now: number): void {
    for (const { name, admin } of snapshot.servers.values()) {
      if (admin !== "drain") this.#drainingSince.delete(name);
      else if (!this.#drainingSince.has(name)) this.#drainingSince.set(name, now);
    }
  }
}

/** Weights are told with three decimals; one that is above 0 stays so. */
function scaled(weight: number, factor: number | undefined): number {
  if (factor === undefined || weight === 0) return weight;
  return Math.max(0.001, Number((weight * factor).toFixed(3)));
}
