import { found, type Route } from "../http/route.ts";

const PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";

/** What machines ask: whether it is there, and how it is. */
export const SERVICE_POINT_ROUTES: readonly Route[] = [
  root("/"),
  root("/v1"),
  {
    method: "GET",
    path: "/healthz",
    summary: "200 while the daemon answers; without an account.",
    access: "open",
    answer: "text",
    handle: () => ({ kind: "text", text: "ok\n", type: "text/plain; charset=utf-8" }),
  },
  {
    method: "GET",
    path: "/metrics",
    summary: "Metrics for Prometheus.",
    access: "read",
    answer: "text",
    handle: async (_exchange, { control }) => ({
      kind: "text",
      text: await control.metrics(),
      type: PROMETHEUS,
    }),
  },
];

/** MaxScale's client asks for it before it turns to several hosts. */
function root(path: string): Route {
  return {
    method: "GET",
    path,
    summary: "Name and version.",
    access: "read",
    answer: "document",
    handle: ({ make }, { control }) =>
      found({
        meta: { product: "sluice", version: control.program.version },
        links: { self: make.link("") },
      }),
  };
}
