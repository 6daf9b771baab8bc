import type { Route } from "./http/route.ts";
import { openApiDocument } from "./openapi.ts";
import { AUTH_ROUTES } from "./resources/auth.ts";
import { eventRoutes } from "./resources/events.ts";
import { EXPLAIN_ROUTES } from "./resources/explain.ts";
import { LEFT_OUT_ROUTES } from "./resources/left-out.ts";
import { LISTENER_ROUTES } from "./resources/listeners.ts";
import { LOG_ROUTES } from "./resources/logs.ts";
import { MAXSCALE_ROUTES } from "./resources/maxscale.ts";
import { MODULE_ROUTES } from "./resources/modules.ts";
import { MONITOR_ROUTES } from "./resources/monitors.ts";
import { PUBLISHER_ROUTES } from "./resources/publishers.ts";
import { SERVER_ROUTES } from "./resources/servers.ts";
import { SERVICE_POINT_ROUTES } from "./resources/service-points.ts";
import { SERVICE_ROUTES } from "./resources/services.ts";
import { SESSION_ROUTES } from "./resources/sessions.ts";
import { THREAD_ROUTES } from "./resources/threads.ts";
import { USER_ROUTES } from "./resources/users.ts";

/** The whole API: what the server answers, and what /openapi.json tells of it. */
export function createRoutes(): readonly Route[] {
  const routes: Route[] = [
    ...SERVICE_POINT_ROUTES,
    ...AUTH_ROUTES,
    ...SERVER_ROUTES,
    ...MONITOR_ROUTES,
    ...SERVICE_ROUTES,
    ...LISTENER_ROUTES,
    ...PUBLISHER_ROUTES,
    ...SESSION_ROUTES,
    ...USER_ROUTES,
    ...eventRoutes(),
    ...EXPLAIN_ROUTES,
    ...MAXSCALE_ROUTES,
    ...MODULE_ROUTES,
    ...THREAD_ROUTES,
    ...LOG_ROUTES,
    ...LEFT_OUT_ROUTES,
    {
      method: "GET",
      path: "/openapi.json",
      summary: "This description.",
      access: "read",
      answer: "text",
      handle: (_exchange, { control }) => ({
        kind: "text",
        text: JSON.stringify(openApiDocument(routes, control.program.version)),
        type: "application/json",
      }),
    },
  ];
  return routes;
}
