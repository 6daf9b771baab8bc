import type { StatusDocument } from "../publish/http/status-document.ts";
import type { Endpoint } from "../topology/endpoint.ts";
import type { ServerSnapshot } from "../topology/fleet.ts";
import type { Observation } from "../topology/observation.ts";
import type { AdminState, Verdict } from "../topology/verdict.ts";
import { askAgentJson } from "./agent-client.ts";

/**
 * What the agent behind `socket` says of `server`, or of every server it watches. Rejects as askAgentJson does: with
 * REQUEST_INVALID for a name the agent does not know.
 */
export async function fetchServers(
  socket: string,
  server: string | undefined,
  deadlineMs: number,
): Promise<readonly ServerSnapshot[]> {
  const query = server === undefined ? "" : `?server=${encodeURIComponent(server)}`;
  const found = await askAgentJson(socket, { method: "GET", target: `/status${query}` }, deadlineMs);
  const documents =
    "servers" in (found as object) ? (found as AllServers).servers : [found as StatusDocument];
  const now = Date.now();
  return documents.map((document) => snapshotOf(document, now));
}

interface AllServers {
  readonly servers: readonly StatusDocument[];
}

/** The snapshot that a document of /status was made from, but that a stale verdict stays the "no" it has become. */
export function snapshotOf(document: StatusDocument, now: number): ServerSnapshot {
  const { observation } = document;
  const verdict: Verdict = {
    up: document.up,
    role: document.role as Verdict["role"],
    draining: document.draining,
    code: document.code,
    sentence: document.sentence,
    profile: document.profile as Verdict["profile"],
    since: Date.parse(document.since),
    at: now - document.age_ms,
    staleAt: document.stale ? now - 1 : now + (document.stale_in_ms ?? Number.POSITIVE_INFINITY),
    known: document.known,
    observation: observation === null ? undefined : observationOf(observation),
    rules: document.rules as unknown as Verdict["rules"],
  };
  const admin = document.admin_state as AdminState;
  return { name: document.server, endpoint: endpointOf(document.address), verdict, admin };
}

function observationOf(document: Readonly<Record<string, unknown>>): Observation {
  const { at, took_ms: tookMs, reached, facts, failure } = document;
  const common = { reached, at: Date.parse(String(at)), tookMs };
  return (
    reached ? { ...common, facts: camelCased(facts) } : { ...common, failure: camelCased(failure) }
  ) as Observation;
}

function endpointOf(address: string): Endpoint {
  if (address.startsWith("/")) return { kind: "socket", path: address };
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  return { kind: "tcp", host, port: Number(address.slice(colon + 1)) };
}

/** The names of topology/ again, and undefined for null. */
function camelCased(value: unknown): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) return value.map(camelCased);
  if (typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value as object).map(([name, inner]) => [camelCase(name), camelCased(inner)]),
  );
}

const camelCase = (name: string): string =>
  name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
