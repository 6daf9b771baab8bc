import { SluiceError } from "../../errors/sluice-error.ts";
import { type Answer, found, type Method, type Route } from "../http/route.ts";

const NO_FILTERS = "Sluice has no filters";

/** What MaxScale has and Sluice does not, so that its client says so instead of failing. */
export const LEFT_OUT_ROUTES: readonly Route[] = [
  emptyList("filters", "Filters; there are none."),
  refusal("POST", "/v1/filters"),
  refusal("GET", "/v1/filters/:name"),
  refusal("PATCH", "/v1/filters/:name"),
  refusal("DELETE", "/v1/filters/:name"),
  {
    method: "GET",
    path: "/v1/maxscale/query_classifier",
    summary: "MaxScale's query classifier; it has no cache here.",
    access: "read",
    answer: "document",
    handle: ({ make }) => {
      const attributes = { parameters: { cache_size: 0 } };
      const data = make.resource("maxscale/query_classifier", "query_classifier", attributes);
      return found({ data, links: data.links });
    },
  },
  emptyList(
    "maxscale/query_classifier/cache",
    "Statements in MaxScale's query classifier cache; there are none.",
  ),
  {
    method: "GET",
    path: "/v1/maxscale/debug/server_diagnostics",
    summary: "MaxScale's diagnostics of servers; /v1/explain/:name has ours.",
    access: "read",
    answer: "document",
    handle: ({ make }) => {
      const attributes = { server_diagnostics: {} };
      const data = make.resource("maxscale/debug/server_diagnostics", "server_diagnostics", attributes);
      return found({ data, links: data.links });
    },
  },
];

function emptyList(path: string, summary: string): Route {
  return {
    method: "GET",
    path: `/v1/${path}`,
    summary,
    access: "read",
    answer: "document",
    handle: ({ make }) => found({ data: [], links: { self: make.link(path) } }),
  };
}

function refusal(method: Method, path: string): Route {
  return {
    method,
    path,
    summary: "There are no filters: always 404.",
    access: method === "GET" ? "read" : "write",
    answer: "nothing",
    handle: (): Answer => {
      throw new SluiceError("NOT_FOUND", NO_FILTERS);
    },
  };
}
