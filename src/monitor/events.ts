import {
  type Cause,
  isReplica,
  isSynced,
  type ServerState,
  stateString,
  UNKNOWN_STATE,
} from "../topology/state.ts";

/** In the order in which the events of one moment are told: what was lost before what is new. */
export const EVENT_NAMES = [
  "server_down",
  "lost_primary",
  "lost_replica",
  "lost_synced",
  "lost_donor",
  "maintenance_on",
  "drain_on",
  "maintenance_off",
  "drain_off",
  "server_up",
  "new_synced",
  "new_donor",
  "new_primary",
  "new_replica",
] as const;

export type EventName = (typeof EVENT_NAMES)[number];

// MaxScale has no events for these.
const ADMIN_EVENTS: ReadonlySet<EventName> = new Set<EventName>([
  "maintenance_on",
  "maintenance_off",
  "drain_on",
  "drain_off",
]);

export interface MonitorEvent {
  /** Wall-clock time, ms since 1970. */
  readonly time: number;
  readonly server: string;
  readonly event: EventName;
  /** State strings before and after. */
  readonly from: string;
  readonly to: string;
  /** Why the server is as it is now. */
  readonly cause: Cause;
  /**
   * What MaxScale calls the whole change of this server; null on all but one of the events that the change consists
   * of. It is what `events=` selects by and `$EVENT` stands for: a script runs once for a change.
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
    const bearer = names.find((name) => !ADMIN_EVENTS.has(name));
    return names.map((event) => ({
      time,
      server,
      event,
      from: stateString(from),
      to: stateString(to),
      cause: to.cause,
      maxscaleEvent: event === bearer ? maxscaleEvent(from, to) : null,
    }));
  });
  return events.sort((a, b) => EVENT_NAMES.indexOf(a.event) - EVENT_NAMES.indexOf(b.event));
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
  compare((state) => state.admin === "maintenance", "maintenance_on", "maintenance_off");
  compare((state) => state.admin === "draining" || state.admin === "drained", "drain_on", "drain_off");
  return EVENT_NAMES.filter((name) => found.has(name));
}

const isUp = (state: ServerState): boolean => state.liveness === "running";
const isPrimary = (state: ServerState): boolean => state.role === "primary";
const isDonor = (state: ServerState): boolean => state.galera === "donor";

type MaxscaleRole = "master" | "slave" | "synced" | "donor";

/** MaxScale's names of events, as its documentation lists them. */
export type MaxscaleEvent =
  | `${MaxscaleRole | "server"}_${"up" | "down"}`
  | `${"new" | "lost"}_${MaxscaleRole}`;

/**
 * MaxScale has one event for a change of a server: what it went down or came up as; else what it has become; else what
 * it has lost. Becoming a donor is told only where nothing was lost by it. Null: MaxScale has no event for it.
 */
function maxscaleEvent(from: ServerState, to: ServerState): MaxscaleEvent | null {
  const [was, is] = [maxscaleRole(from), maxscaleRole(to)];
  if (isUp(from) !== isUp(to)) return isUp(to) ? `${is ?? "server"}_up` : `${was ?? "server"}_down`;
  if (was === is) return null;
  if (is !== null && (is !== "donor" || was === null)) return `new_${is}`;
  return was === null ? null : `lost_${was}`;
}

function maxscaleRole(state: ServerState): MaxscaleRole | null {
  if (isPrimary(state)) return "master";
  if (isReplica(state)) return "slave";
  if (isSynced(state)) return "synced";
  return isDonor(state) ? "donor" : null;
}
