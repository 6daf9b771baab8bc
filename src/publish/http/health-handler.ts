import type { Clock } from "../../telemetry/clock.ts";
import type { FleetView } from "../../topology/fleet.ts";
import { PublishedServers, type ServerSelection } from "../published-servers.ts";
import type { BodyFlavour, DrainStatus } from "./bodies.ts";
import type { Credentials } from "./credentials.ts";
import type { HttpHandler } from "./http-handler.ts";
import type { HttpRequest } from "./http-request.ts";
import { HttpResponse } from "./http-response.ts";
import { statusDocument } from "./status-document.ts";
import { VerdictResponses } from "./verdict-responses.ts";

export interface HealthHandlerOptions {
  readonly fleet: FleetView;
  readonly servers: ServerSelection;
  readonly body: BodyFlavour;
  readonly drainStatus: DrainStatus;
  /** The text of `/metrics`; undefined: that path is one like any other. */
  readonly metrics: (() => string | Promise<string>) | undefined;
  /**
   * Asked of `/status` and `/metrics`. Balancers' checks and supervisors cannot send credentials everywhere, so verdicts,
   * `/liveness` and `/readiness` stay open: they tell no more than a code and its sentence. only_from closes these too.
   */
  readonly credentials: Credentials | undefined;
  readonly clock: Clock;
}

const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "POST"]);
const NOT_ALLOWED = HttpResponse.text(405, "GET, HEAD, OPTIONS and POST are answered here.", [
  "Allow: GET, HEAD, OPTIONS, POST",
]);
const ALIVE = HttpResponse.text(200, "The agent lives.");
const READY = HttpResponse.text(200, "Every server has been probed.");
const NOT_READY = HttpResponse.text(503, "The first probe has not ended.");

/** The paths of health: verdicts for balancers, and what monitoring asks. */
export function createHealthHandler(options: HealthHandlerOptions): HttpHandler {
  const { metrics, credentials, clock } = options;
  const servers = new PublishedServers(options.fleet, options.servers);
  const verdicts = new VerdictResponses(options.fleet, servers, options);
  const guarded = (request: HttpRequest, respond: () => HttpResponse | Promise<HttpResponse>) => {
    if (credentials === undefined || credentials.accept(request.authorization)) return respond();
    return HttpResponse.text(401, "Credentials are asked for here.", [credentials.challenge]);
  };
  return (request) => {
    if (!METHODS.has(request.method)) return NOT_ALLOWED;
    switch (request.path) {
      case "/status":
        return guarded(request, () => status(servers, request.query, clock.now()));
      case "/liveness":
        return ALIVE;
      case "/readiness":
        return isReady(servers) ? READY : NOT_READY;
      case "/metrics":
        if (metrics !== undefined) return guarded(request, async () => metricsResponse(await metrics()));
    }
    return verdicts.answer(request.path, request.query);
  };
}

function isReady(servers: PublishedServers): boolean {
  const all = servers.all();
  return all.length > 0 && all.every((server) => server.verdict.known);
}

/** One server's document if one is named or there is only one; else `{"servers": [...]}`. */
function status(servers: PublishedServers, query: string, now: number): HttpResponse {
  const name = new URLSearchParams(query).get("server") ?? undefined;
  const all = servers.all();
  if (name === undefined && all.length !== 1) {
    return HttpResponse.json(200, { servers: all.map((server) => statusDocument(server, now)) });
  }
  const picked = servers.pick(name);
  if (!picked.ok) return HttpResponse.json(404, { code: "REQUEST_INVALID", message: picked.sentence });
  return HttpResponse.json(200, statusDocument(picked.server, now));
}

function metricsResponse(text: string): HttpResponse {
  return new HttpResponse({
    status: 200,
    contentType: "text/plain; version=0.0.4; charset=utf-8",
    body: text,
  });
}
