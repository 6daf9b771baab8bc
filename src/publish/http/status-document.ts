import { formatEndpoint } from "../../topology/endpoint.ts";
import type { ServerSnapshot } from "../../topology/fleet.ts";
import type { Observation } from "../../topology/observation.ts";
import { freshVerdict } from "../../verdict/endpoint.ts";

/**
 * The whole verdict of one server as `/status` gives it. Names are snake_case and carry their units; moments are ISO
 * 8601; what is unknown is null, so that every name is always there. Facts keep the names of topology/facts.ts.
 */
export interface StatusDocument {
  readonly server: string;
  /** host:port, or the path of a unix socket. */
  readonly address: string;
  readonly up: boolean;
  readonly draining: boolean;
  /** none | drain | maintenance: what a person has set. */
  readonly admin_state: string;
  readonly role: string;
  readonly profile: string;
  /** A code of docs/errors.md. */
  readonly code: string;
  readonly sentence: string;
  /** False until the first probe has ended. */
  readonly known: boolean;
  /** The verdict is past its deadline: `up` is false whatever was found. */
  readonly stale: boolean;
  /** When up, code or role last changed, and how long ago. */
  readonly since: string;
  readonly since_seconds: number;
  /** When it was judged last, how long ago, and how long it will be believed (0: no longer; null: not judged yet). */
  readonly judged_at: string;
  readonly age_ms: number;
  readonly stale_in_ms: number | null;
  readonly observation: Readonly<Record<string, unknown>> | null;
  /** Each rule in order: rule, saw, outcome (pass | decides | not reached). */
  readonly rules: readonly Readonly<Record<string, unknown>>[];
}

/** `now`: ms since 1970. */
export function statusDocument(server: ServerSnapshot, now: number): StatusDocument {
  const { verdict } = server;
  const fresh = freshVerdict(verdict, now);
  return {
    server: server.name,
    address: formatEndpoint(server.endpoint),
    up: fresh.up,
    draining: fresh.draining,
    admin_state: server.admin,
    role: fresh.role,
    profile: fresh.profile,
    code: fresh.code,
    sentence: fresh.sentence,
    known: fresh.known,
    stale: fresh.code === "STALE",
    since: new Date(fresh.since).toISOString(),
    since_seconds: Math.max(0, Math.round((now - fresh.since) / 1000)),
    judged_at: new Date(verdict.at).toISOString(),
    age_ms: Math.max(0, now - verdict.at),
    stale_in_ms: Number.isFinite(verdict.staleAt) ? Math.max(0, verdict.staleAt - now) : null,
    observation: verdict.observation === undefined ? null : observationDocument(verdict.observation, now),
    rules: verdict.rules.map(({ rule, saw, outcome }) => ({ rule, saw, outcome })),
  };
}

function observationDocument(observation: Observation, now: number): Readonly<Record<string, unknown>> {
  return {
    reached: observation.reached,
    at: new Date(observation.at).toISOString(),
    age_ms: Math.max(0, now - observation.at),
    took_ms: observation.tookMs,
    facts: observation.reached ? snakeCased(observation.facts) : null,
    failure: observation.reached ? null : snakeCased(observation.failure),
  };
}

/** Plain data with its names in snake_case and null for undefined. */
function snakeCased(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) return value.map(snakeCased);
  if (typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [snakeCase(name), snakeCased(inner)]),
  );
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
