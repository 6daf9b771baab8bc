import type { ServerSnapshot } from "../../topology/fleet.ts";
import { freshVerdict } from "../../verdict/endpoint.ts";

export interface TrackValues {
  readonly up: number;
  readonly drain: number;
  readonly down: number;
}

/** A value, and until when it is true (ms since 1970) if nothing new is learnt. */
export interface TrackedValue {
  readonly value: number;
  readonly until: number;
}

/** Up while one of the servers is; undefined while nothing is known of any: then the file says what it said. */
export function trackedValue(
  servers: readonly ServerSnapshot[],
  values: TrackValues,
  now: number,
): TrackedValue | undefined {
  const verdicts = servers.map(({ verdict }) => freshVerdict(verdict, now));
  const known = verdicts.filter((verdict) => verdict.known);
  if (known.length === 0) return undefined;
  const up = known.filter((verdict) => verdict.up);
  if (up.length > 0) return { value: values.up, until: Math.max(...up.map(({ staleAt }) => staleAt)) };
  const draining = known.filter((verdict) => verdict.draining);
  const counted = draining.length > 0 ? draining : known;
  return {
    value: draining.length > 0 ? values.drain : values.down,
    until: Math.max(now, ...counted.map(({ staleAt }) => staleAt)),
  };
}
