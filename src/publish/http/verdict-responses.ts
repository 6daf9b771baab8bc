import type { Clock } from "../../telemetry/clock.ts";
import type { FleetSnapshot, FleetView } from "../../topology/fleet.ts";
import { judgeEndpoint, parseEndpoint } from "../../verdict/endpoint.ts";
import type { PublishedServers } from "../published-servers.ts";
import { type BodyFlavour, type DrainStatus, healthResponse } from "./bodies.ts";
import { HttpResponse } from "./http-response.ts";

/** Different request targets whose answers are kept; others are answered all the same. */
const MAX_KEPT = 256;

/**
 * The answers to health endpoints. Balancers ask the same few targets thousands of times between two probes, so an
 * answer is rendered once per snapshot and target, and thrown away when the fleet changes or a verdict grows stale.
 */
export class VerdictResponses {
  readonly #fleet: FleetView;
  readonly #servers: PublishedServers;
  readonly #flavour: BodyFlavour;
  readonly #drainStatus: DrainStatus;
  readonly #clock: Clock;
  readonly #kept = new Map<string, HttpResponse>();
  #snapshot: FleetSnapshot | undefined;
  /** The moment, ms since 1970, up to which nothing kept is stale. */
  #freshUntil = 0;

  constructor(
    fleet: FleetView,
    servers: PublishedServers,
    options: { readonly body: BodyFlavour; readonly drainStatus: DrainStatus; readonly clock: Clock },
  ) {
    this.#fleet = fleet;
    this.#servers = servers;
    this.#flavour = options.body;
    this.#drainStatus = options.drainStatus;
    this.#clock = options.clock;
  }

  /** The answer to `path?query` now. */
  answer(path: string, query: string): HttpResponse {
    const now = this.#clock.now();
    const snapshot = this.#fleet.current();
    if (snapshot !== this.#snapshot || now > this.#freshUntil) this.#forget(snapshot, now);
    const target = query === "" ? path : `${path}?${query}`;
    const kept = this.#kept.get(target);
    if (kept !== undefined) return kept;
    const response = this.#judge(path, query, now);
    if (this.#kept.size < MAX_KEPT) this.#kept.set(target, response);
    return response;
  }

  #forget(snapshot: FleetSnapshot, now: number): void {
    this.#kept.clear();
    this.#snapshot = snapshot;
    this.#freshUntil = Number.POSITIVE_INFINITY;
    for (const { verdict } of this.#servers.all()) {
      if (verdict.staleAt >= now) this.#freshUntil = Math.min(this.#freshUntil, verdict.staleAt);
    }
  }

  #judge(path: string, query: string, now: number): HttpResponse {
    const parsed = parseEndpoint(path, query);
    if (!parsed.ok) return HttpResponse.text(400, parsed.sentence);
    const name = query === "" ? undefined : (new URLSearchParams(query).get("server") ?? undefined);
    const picked = this.#servers.pick(name);
    if (!picked.ok) return HttpResponse.text(400, picked.sentence);
    const answer = judgeEndpoint(parsed.endpoint, picked.server.verdict, now);
    return healthResponse(this.#flavour, answer, this.#drainStatus);
  }
}
