import type { EventAttributes } from "../../../client/rest/attributes.ts";
import type { Daemon } from "../../../client/rest/daemon.ts";
import { followEvents } from "../../../client/rest/event-stream.ts";
import { collectionOf, type Resource } from "../../../client/rest/resource.ts";
import type { ServerSentEvent } from "../../../client/rest/sse-parser.ts";
import { MONITOR_EVENTS } from "../../../config/schema/monitor.ts";
import { oneOf } from "../../../config/values/choice.ts";
import { duration } from "../../../config/values/duration.ts";
import { list, text } from "../../../config/values/text.ts";
import { SluiceError } from "../../../errors/sluice-error.ts";
import { type OptionValues, option, toggle } from "../../command.ts";
import { printError } from "../../output.ts";
import { quote } from "../../parse-arguments.ts";
import { action, type FleetCommand } from "../action.ts";
import type { Fleet } from "../fleet.ts";
import { cellText, printable } from "../printable.ts";
import { untilInterrupted } from "../until-interrupted.ts";

type Event = Resource<EventAttributes>;

const FILTERS = {
  since: option("time", text("a time or a duration"), "only later ones: 10min (ago), or 2026-01-31T12:00"),
  server: option("servers", text("names of servers"), "only of these servers, with commas between"),
  monitor: option("monitors", text("names of monitors"), "only of these monitors"),
  event: option(
    "events",
    list(oneOf([...MONITOR_EVENTS, "certificate_expires"])),
    "only these: server_down,new_primary …",
  ),
} as const;

type Filters = OptionValues<typeof FILTERS>;

/** The daemon keeps this many, and no more. */
const MOST_EVENTS = 1000;
/** The daemon says something every 15 s, if only that it is there. */
const SILENCE_MS = 45_000;

const SUMMARY = "List what happened to the servers";
const HEAD = ["Id", "Time", "Monitor", "Server", "Event", "From", "To", "Cause"];

export const listEvents = action(
  {
    words: "list events",
    summary: SUMMARY,
    operands: [],
    options: FILTERS,
    examples: [
      ["sluice list events --since 1h --event new_primary,lost_primary", "the primaries of the last hour"],
    ],
  },
  ({ values }, fleet) => showKept(values, fleet),
);

export const command: FleetCommand = {
  name: "events",
  summary: `${SUMMARY}, or follow it`,
  actions: [
    action(
      {
        words: "events",
        summary: `${SUMMARY}, or follow it`,
        details: [
          "The daemon keeps the last 1000 events, also when it is restarted. With --follow each event is a line, as it happens; a lost connection is made anew, and nothing that is kept is missed. Ctrl-C ends it.",
        ],
        operands: [],
        options: {
          ...FILTERS,
          follow: toggle("go on with what happens from now on; with --since, after what happened since"),
        },
        examples: [
          ["sluice events --follow", "as it happens"],
          ["sluice events --follow --since 10min --server db1 --json", "a JSON document a line"],
        ],
      },
      ({ values: { follow, ...filters } }, fleet) =>
        follow ? showComing(filters, fleet) : showKept(filters, fleet),
    ),
  ],
};

async function showKept(filters: Filters, { daemons, output, clock }: Fleet): Promise<void> {
  const since = sinceTime(filters.since, clock.now());
  const { value: document } = await daemons.first((daemon) => daemon.get(pathFor("events", filters)));
  const events = laterThan(collectionOf<EventAttributes>(document), since);
  output.table(filters.since === undefined ? document : { data: events }, HEAD, events.map(eventRow));
}

async function showComing(filters: Filters, { daemons, output, clock }: Fleet): Promise<void> {
  const since = sinceTime(filters.since, clock.now());
  const tell = (id: string, attributes: Event["attributes"]): void =>
    output.line({ id, ...attributes }, eventLine(attributes));
  // Sticks to one daemon: ids mean nothing to another.
  const { value: start } = await daemons.first((daemon) => startOf(daemon, filters));
  if (since !== undefined)
    for (const { id, attributes } of laterThan(start.events, since)) tell(id, attributes);
  await untilInterrupted((signal) =>
    followEvents(
      start.daemon,
      pathFor("events/stream", filters),
      {
        clock,
        lastEventId: start.lastEventId,
        silenceMs: SILENCE_MS,
        onEvent: (event) => tell(event.id ?? "", attributesOf(event)),
        onLost: (reason, retryMs) =>
          printError(`sluice events: ${printable(reason)}; trying again in ${retryMs / 1000} s\n`),
      },
      signal,
    ),
  );
}

/**
 * What is kept up to the newest event of all, after which the stream goes on. The newest is asked for first: what happens
 * in between then belongs to the stream, and is told once.
 */
async function startOf(daemon: Daemon, filters: Filters) {
  const newest = collectionOf<EventAttributes>(await daemon.get("events?limit=1"));
  const lastEventId = newest[0]?.id ?? "0";
  const matching = collectionOf<EventAttributes>(await daemon.get(pathFor("events", filters)));
  return { daemon, events: matching.filter(({ id }) => Number(id) <= Number(lastEventId)), lastEventId };
}

function pathFor(path: string, filters: Filters): string {
  const query = [
    ...(path === "events" ? [`limit=${MOST_EVENTS}`] : []),
    ...(["server", "monitor", "event"] as const).flatMap((name) => {
      const value = filters[name];
      return value === undefined ? [] : [`${name}=${encodeURIComponent(String(value))}`];
    }),
  ];
  return query.length === 0 ? path : `${path}?${query.join("&")}`;
}

/** Ms since 1970. Throws USAGE. */
function sinceTime(given: string | undefined, now: number): number | undefined {
  if (given === undefined) return undefined;
  const ago = duration().parse(given);
  if (ago.ok && /[a-z]$/i.test(given)) return now - ago.value;
  const time = Date.parse(given);
  if (!Number.isNaN(time)) return time;
  throw new SluiceError(
    "USAGE",
    `--since ${quote(given)} is no time: expected a duration such as 10min, or a time such as 2026-01-31T12:00`,
  );
}

const laterThan = (events: readonly Event[], since: number | undefined): readonly Event[] =>
  since === undefined
    ? events
    : events.filter(({ attributes }) => Date.parse(attributes.time ?? "") >= since);

function attributesOf({ data }: ServerSentEvent): Event["attributes"] {
  try {
    return JSON.parse(data) as Event["attributes"];
  } catch (cause) {
    throw new SluiceError("API_UNREACHABLE", "the stream of events sent what is no JSON", { cause });
  }
}

function eventRow({ id, attributes }: Event): readonly string[] {
  const { time, monitor, server, event, from, to, sentence } = attributes;
  return [id, time, monitor, server, event, from, to, sentence].map(cellText);
}

/** `2026-01-31T12:00:00.000Z db1 server_down: Master, Running -> Down: Nothing listens on the server's port.` */
export function eventLine(attributes: Event["attributes"]): string {
  const { time, server, event, from, to, sentence } = attributes;
  return printable(`${time} ${server} ${event}: ${from} -> ${to}: ${sentence}`);
}
