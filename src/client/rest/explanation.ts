import type { Endpoint } from "../../topology/endpoint.ts";
import type { ServerSnapshot } from "../../topology/fleet.ts";
import type { Observation } from "../../topology/observation.ts";
import type { AdminState, Verdict } from "../../topology/verdict.ts";
import type { EventAttributes, ServerAttributes } from "./attributes.ts";
import { namingWhatExists, pathOf } from "./collections.ts";
import type { Daemon } from "./daemon.ts";
import { type Resource, singleOf } from "./resource.ts";

/** Why a server is in the state it is in. */
export interface ServerExplanation {
  /** As the API gave it. */
  readonly document: unknown;
  readonly state: string;
  readonly details: string | undefined;
  /** Undefined: no monitor has the server, and nobody has judged it. */
  readonly snapshot: ServerSnapshot | undefined;
  /** What happened to it lately, the newest last. */
  readonly events: readonly Partial<EventAttributes>[];
}

interface ExplanationAttributes {
  readonly state: string;
  readonly verdict: VerdictDocument;
  readonly events: readonly Partial<EventAttributes>[];
}

type VerdictDocument = Omit<Verdict, "since" | "at" | "staleAt" | "observation"> & {
  readonly since: string;
  readonly age_ms: number;
  readonly is_stale: boolean;
  readonly observation: Readonly<Record<string, unknown>> | null;
};

/** `now`: ms since 1970. Rejects with NOT_FOUND that names what there is. */
export async function fetchExplanation(
  daemon: Daemon,
  name: string,
  now: number,
): Promise<ServerExplanation> {
  const [document, server] = await namingWhatExists(daemon, "servers", name, () =>
    Promise.all([daemon.get(`explain/${encodeURIComponent(name)}`), daemon.get(pathOf("servers", name))]),
  );
  const { state, verdict, events } = singleOf<ExplanationAttributes>(document).attributes;
  const resource = singleOf<ServerAttributes>(server);
  const endpoint = endpointOf(resource);
  return {
    document,
    state: state ?? "",
    details: resource.attributes.details ?? undefined,
    snapshot: verdict
      ? { name, endpoint, verdict: verdictOf(verdict, now), admin: adminState(state ?? "") }
      : undefined,
    events: events ?? [],
  };
}

/** The verdict the document was made from, but for how long it will still be believed. */
function verdictOf(document: VerdictDocument, now: number): Verdict {
  const { age_ms, is_stale, since, observation, ...same } = document;
  return {
    ...same,
    since: Date.parse(since),
    at: now - age_ms,
    staleAt: is_stale ? now - 1 : Number.POSITIVE_INFINITY,
    observation: observation === null ? undefined : observationOf(observation),
  };
}

function observationOf({ at, took_ms: tookMs, ...rest }: Readonly<Record<string, unknown>>): Observation {
  return { ...rest, at: Date.parse(String(at)), tookMs } as unknown as Observation;
}

function endpointOf({ attributes: { parameters } }: Resource<ServerAttributes>): Endpoint {
  const { address, port, socket } = parameters ?? {};
  if (address) return { kind: "tcp", host: String(address), port: Number(port) };
  return { kind: "socket", path: String(socket ?? "") };
}

function adminState(state: string): AdminState {
  if (state.startsWith("Maintenance")) return "maintenance";
  return state.startsWith("Drain") ? "drain" : "none";
}
