import { LatencyWeights } from "../../proxy/router/latency-weights.ts";
import { type Member, nextChangeAt, routeConnections } from "../../proxy/router/route-connections.ts";
import type { Cells } from "../../proxy/worker/connection-board.ts";
import type { FleetSnapshot } from "../../topology/fleet.ts";
import type { RoutingTable, ServiceRoute } from "../../topology/routing-table.ts";
import type { ServerState } from "../../topology/state.ts";
import type { ServicePlan } from "./plan-traffic.ts";

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
  readonly #cells = { services: new Map<string, number>(), servers: new Map<string, number>() };
  #lastCell = -1;
  #text = "";
  #current: RoutingTable = { version: 0, services: [] };

  get current(): RoutingTable {
    return this.#current;
  }

  get cells(): Cells {
    const { services, servers } = this.#cells;
    return { services: Object.fromEntries(services), servers: Object.fromEntries(servers) };
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
  ): { readonly changed: readonly ServiceRoute[]; readonly nextAt: number | undefined } {
    this.#noteDrains(fleet.snapshot, now);
    let nextAt: number | undefined;
    const services = [...plans].map((plan) => {
      const members = this.#membersOf(plan, fleet);
      const next = nextChangeAt(plan.rule, members, now);
      if (next !== undefined) nextAt = Math.min(next, nextAt ?? next);
      return routeConnections(plan.rule, members, now);
    });
    const text = JSON.stringify(services);
    if (text === this.#text) return { changed: [], nextAt };
    const before = new Map(this.#current.services.map((route) => [route.name, JSON.stringify(route)]));
    this.#text = text;
    this.#current = { version: this.#current.version + 1, services };
    return { changed: services.filter((route) => before.get(route.name) !== JSON.stringify(route)), nextAt };
  }

  #membersOf(plan: ServicePlan, { snapshot, stateOf }: FleetKnowledge): readonly Member[] {
    const { rule, servers } = plan;
    this.#cell(this.#cells.services, rule.name);
    const factors = this.#latencyFactors(plan, snapshot);
    return servers.map((planned) => {
      this.#cell(this.#cells.servers, planned.server);
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

  #latencyFactors(
    { rule, servers, latencySamples }: ServicePlan,
    snapshot: FleetSnapshot,
  ): ReadonlyMap<string, number> | undefined {
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

  #cell(cells: Map<string, number>, name: string): void {
    if (!cells.has(name)) cells.set(name, ++this.#lastCell);
  }
}

/** Weights are told with three decimals; one that is above 0 stays so. */
function scaled(weight: number, factor: number | undefined): number {
  if (factor === undefined || weight === 0) return weight;
  return Math.max(0.001, Number((weight * factor).toFixed(3)));
}
