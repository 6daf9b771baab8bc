import {
  type Cause,
  isReplica,
  isSynced,
  type ServerState,
  stateString,
  UNKNOWN_STATE,
} from "../topology/state.ts";

/** In the order in which the events of one moment are told: what was lost before what is new. */
const EVENT_NAMES = [
  "server_down",
  "lost_primary",
  "lost_replica",
  "lost_synced",
  "lost_donor",
  "maintenance",
  "drain",
  "server_up",
  "new_synced",
  "new_donor",
  "new_primary",
  "new_replica",
  // Of a listener or server, by the control process.
  "certificate_expires",
] as const;

export type EventName = (typeof EVENT_NAMES)[number];

/** MaxScale's names of events: what `events=` on a monitor may list (besides `all`), and `$EVENT` stands for. */
export const MAXSCALE_EVENT_NAMES = [
  ...(["master", "slave", "server", "synced", "donor"] as const).flatMap(
    (role) => [`${role}_down`, `${role}_up`] as const,
  ),
  ...(["master", "slave", "synced", "donor"] as const).flatMap(
    (role) => [`lost_${role}`, `new_${role}`] as const,
  ),
] as const;

export type MaxscaleEvent = (typeof MAXSCALE_EVENT_NAMES)[number];

export interface MonitorEvent {
  /** Wall-clock time, ms since 1970. */
  readonly time: number;
  readonly server: string;
  readonly event: EventName;
  /** State strings before and after. */
  readonly from: string;
  readonly to: string;
  /** Why the server is as it is now, or what a person did to it. */
  readonly cause: Cause;
  /**
   * What MaxScale calls the whole change of this server; null on all but one of the events of that change. It is what
   * `events=` selects by and `$EVENT` stands for: a script runs once for a change.
   */
  readonly maxscaleEvent: MaxscaleEvent | null;
}

type States = ReadonlyMap<string, ServerState>;

/**
 * What happened between two judgements of a fleet, in a fixed order: by event, then by the order of the servers. A
 * server that is new in the fleet comes from nothing ("Down"); one that was taken out of it has no event.
 */
export function fleetEvents(before: States, after: States, time: number): readonly MonitorEvent[] {
  const events = [...after].flatMap(([server, to]) => {
    const from = before.get(server) ?? UNKNOWN_STATE;
    const names = serverEvents(from, to);
    const [bearer, maxscaleName] = MAXSCALE_EVENTS.find(([name]) => names.includes(name)) ?? [];
    return names.map((event) => ({
      time,
      server,
      event,
      from: stateString(from),
      to: stateString(to),
      cause: adminCause(event, to) ?? to.cause,
      maxscaleEvent: event === bearer && maxscaleName ? maxscaleName(from, to) : null,
    }));
  });
  return events.sort((a, b) => EVENT_NAMES.indexOf(a.event) - EVENT_NAMES.indexOf(b.event));
}

/** What a person did, on or off; undefined for all events that the servers made themselves. */
function adminCause(event: EventName, to: ServerState): Cause | undefined {
  if (event === "maintenance") {
    const sentence = isInMaintenance(to) ? "put into maintenance by a person" : "taken out of maintenance";
    return { code: "MAINTENANCE", sentence };
  }
  if (event === "drain") {
    const sentence = isDrained(to) ? "drained by a person: no new sessions" : "drained no more";
    return { code: "DRAINING", sentence };
  }
  return undefined;
}

function serverEvents(from: ServerState, to: ServerState): readonly EventName[] {
  const found = new Set<EventName>();
  const compare = (holds: (state: ServerState) => boolean, gained: EventName, lost: EventName) => {
    if (holds(from) !== holds(to)) found.add(holds(to) ? gained : lost);
  };
  compare(isUp, "server_up", "server_down");
  compare(isPrimary, "new_primary", "lost_primary");
  compare(isReplica, "new_replica", "lost_replica");
  compare(isSynced, "new_synced", "lost_synced");
  compare(isDonor, "new_donor", "lost_donor");
  compare(isInMaintenance, "maintenance", "maintenance");
  compare(isDrained, "drain", "drain");
  return EVENT_NAMES.filter((name) => found.has(name));
}

const isInMaintenance = (state: ServerState): boolean => state.admin === "maintenance";
const isDrained = (state: ServerState): boolean => state.admin === "draining" || state.admin === "drained";
const isUp = (state: ServerState): boolean => state.liveness === "running";
const isPrimary = (state: ServerState): boolean => state.role === "primary";
const isDonor = (state: ServerState): boolean => state.galera === "donor";

/**
 * MaxScale has one event for a whole change of a server: the first of these that is part of it, under its name there.
 * It has none for maintenance and drain.
 */
const MAXSCALE_EVENTS: readonly (readonly [
  EventName,
  (from: ServerState, to: ServerState) => MaxscaleEvent,
])[] = [
  ["server_down", (from) => `${maxscaleRole(from) ?? "server"}_down`],
  ["server_up", (_, to) => `${maxscaleRole(to) ?? "server"}_up`],
  ["new_primary", () => "new_master"],
  ["new_replica", () => "new_slave"],
  ["lost_primary", () => "lost_master"],
  ["lost_replica", () => "lost_slave"],
  ["new_synced", () => "new_synced"],
  ["lost_synced", () => "lost_synced"],
  ["new_donor", () => "new_donor"],
  ["lost_donor", () => "lost_donor"],
];

function maxscaleRole(state: ServerState): "master" | "slave" | "synced" | "donor" | null {
  if (isPrimary(state)) return "master";
  if (isReplica(state)) return "slave";
  if (isSynced(state)) return "synced";
  return isDonor(state) ? "donor" : null;
}
