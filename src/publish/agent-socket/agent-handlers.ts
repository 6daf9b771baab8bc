import { SluiceError } from "../../errors/sluice-error.ts";
import type { AdminState } from "../../topology/verdict.ts";
import type { HttpHandler } from "../http/http-handler.ts";
import type { HttpRequest } from "../http/http-request.ts";
import { HttpResponse } from "../http/http-response.ts";
import type { PublishedServers } from "../published-servers.ts";

/** What the agent can be asked to do. */
export interface AgentActions {
  /** Probe now. Called for each hint that comes: the receiver coalesces. */
  hint(): void;
  /** The text of `sluice explain`. */
  explain(server: string): string | Promise<string>;
  /** Remembers the state, and lets it take effect; throws a SluiceError where it cannot. */
  setAdmin(server: string, state: AdminState): void | Promise<void>;
}

const STATES: ReadonlyMap<unknown, AdminState> = new Map([
  ["on", "maintenance"],
  ["off", "none"],
  ["drain", "drain"],
]);

const HINTED = HttpResponse.text(202, "A probe is under way.");
const CONTROL_ONLY = HttpResponse.json(403, {
  code: "FORBIDDEN",
  message: "maintenance is set through the control socket, which only its owner and group may use",
});
const POST_ONLY = HttpResponse.text(405, "Only POST is answered here.", ["Allow: POST"]);

/** The socket everybody on the host may use: health, /explain?server= and /hint. */
export function createPublicHandler(
  health: HttpHandler,
  servers: PublishedServers,
  actions: AgentActions,
): HttpHandler {
  return (request) => {
    switch (request.path) {
      case "/hint":
        if (request.method !== "POST") return POST_ONLY;
        actions.hint(); // what the hint says is from outside, and only means that something may have changed
        return HINTED;
      case "/explain":
        return explain(request, servers, actions);
      case "/maintenance":
        return CONTROL_ONLY;
      default:
        return health(request);
    }
  };
}

/** The socket of owner and group: all of the public one, and /maintenance. */
export function createControlHandler(
  publicHandler: HttpHandler,
  servers: PublishedServers,
  actions: AgentActions,
): HttpHandler {
  return (request) => {
    if (request.path !== "/maintenance") return publicHandler(request);
    return request.method === "POST" ? setAdmin(request, servers, actions) : POST_ONLY;
  };
}

async function explain(
  request: HttpRequest,
  servers: PublishedServers,
  actions: AgentActions,
): Promise<HttpResponse> {
  const server = pick(servers, new URLSearchParams(request.query).get("server") ?? undefined);
  const body = await actions.explain(server);
  return new HttpResponse({ status: 200, contentType: "text/plain; charset=utf-8", body });
}

/** Body: `{"state": "on" | "off" | "drain", "server": name}`; the name may be left out where there is one server. */
async function setAdmin(
  request: HttpRequest,
  servers: PublishedServers,
  actions: AgentActions,
): Promise<HttpResponse> {
  const body = parseObject(request.body);
  const state = STATES.get(body["state"]);
  if (state === undefined) throw new SluiceError("REQUEST_INVALID", 'state must be "on", "off" or "drain"');
  const name = body["server"];
  if (name !== undefined && typeof name !== "string") {
    throw new SluiceError("REQUEST_INVALID", "server must be the name of a server");
  }
  const server = pick(servers, name);
  await actions.setAdmin(server, state);
  return HttpResponse.json(200, { server, admin_state: state });
}

function pick(servers: PublishedServers, name: string | undefined): string {
  const picked = servers.pick(name);
  if (!picked.ok) throw new SluiceError("REQUEST_INVALID", picked.sentence);
  return picked.server.name;
}

function parseObject(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString());
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // said below
  }
  throw new SluiceError("REQUEST_INVALID", 'the body must be a JSON object, such as {"state": "drain"}');
}
