import { SluiceError } from "../../errors/sluice-error.ts";
import type { SessionInfo } from "../control.ts";
import { numberIn } from "../http/query.ts";
import { DONE, found, type Route } from "../http/route.ts";
import { dateString, type Resource, type ResourceFactory } from "../json-api/document.ts";

const MAX_TTL_SECONDS = 86_400;
const NAMES = { rdns: "yes: host names instead of addresses (not looked up here)" };

export const SESSION_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/sessions",
    summary: "All client sessions.",
    access: "read",
    query: NAMES,
    answer: "document",
    handle: async ({ make }, { control }) => {
      const sessions = await control.sessions();
      return found({
        data: sessions.map((session) => sessionResource(session, make)),
        links: { self: make.link("sessions") },
      });
    },
  },
  {
    method: "GET",
    path: "/v1/sessions/:name",
    summary: "One client session.",
    access: "read",
    query: NAMES,
    answer: "document",
    handle: async ({ params, make }, { control }) => {
      const session = (await control.sessions()).find(({ id }) => id === params["name"]);
      if (session === undefined) throw new SluiceError("NOT_FOUND", `there is no session ${params["name"]}`);
      const data = sessionResource(session, make);
      return found({ data, links: data.links });
    },
  },
  {
    method: "DELETE",
    path: "/v1/sessions/:name",
    summary: "Ends a client session.",
    access: "write",
    query: { ttl: "seconds that it may take to end by itself; 0: at once" },
    answer: "nothing",
    handle: async ({ params, query }, { control }) => {
      const ttl = numberIn(query, "ttl", 0, MAX_TTL_SECONDS, 0);
      await control.endSession(params["name"] ?? "", ttl * 1000);
      return DONE;
    },
  },
];

function sessionResource(session: SessionInfo, make: ResourceFactory): Resource {
  const { connections, memoryBytes = 0 } = session;
  const attributes = {
    state: session.state,
    user: session.user,
    remote: session.remote,
    connected: dateString(session.connectedAt),
    idle: session.idleSeconds,
    database: session.database ?? "",
    io_activity: session.ioActivity ?? 0,
    memory: { total: memoryBytes },
    client: { cipher: "" },
    connections: connections.map(({ server, connectionId }) => ({
      server,
      connection_id: connectionId ?? null,
      protocol_diagnostics: { connection_id: connectionId ?? null },
    })),
    queries: [],
    log: [],
  };
  return make.resource(`sessions/${encodeURIComponent(session.id)}`, "sessions", attributes, {
    services: [session.service],
  });
}
