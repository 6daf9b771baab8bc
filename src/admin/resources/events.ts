import { SluiceError } from "../../errors/sluice-error.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { FleetEvent } from "../../topology/fleet-event.ts";
import type { Control } from "../control.ts";
import { numberIn } from "../http/query.ts";
import {
  type Answer,
  type Exchange,
  found,
  type Query,
  type Route,
  type StreamClient,
} from "../http/route.ts";
import type { Resource, ResourceFactory } from "../json-api/document.ts";

const MAX_STREAMS = 64;
/** Proxies cut what is silent for long; a client notices by its absence that we are gone. */
const HEARTBEAT_MS = 15_000;
const RETRY_MS = 2_000;
const MAX_ID = 999_999_999_999_999;

const FILTERS = {
  server: "only of these servers, with commas between",
  monitor: "only of these monitors",
  event: "only these: server_down, new_primary, …",
  after: "only events with a higher id",
};

/** What happened to the servers: as a list, and as Server-Sent Events from now on (or from Last-Event-ID on). */
export function eventRoutes(): readonly Route[] {
  const streams = { open: 0 };
  const stream = ({ query, headers }: Exchange, control: Control, clock: Clock): Answer => {
    const wanted = selection(query);
    const after = lastSeen(query, headers.lastEventId);
    if (streams.open >= MAX_STREAMS) {
      throw new SluiceError("BUSY", `${MAX_STREAMS} clients follow the events already; try again later`);
    }
    return {
      kind: "stream",
      open: (client) => {
        streams.open++;
        client.onClose(() => {
          streams.open--;
        });
        follow(client, control, clock, wanted, after);
      },
    };
  };
  return [
    {
      method: "GET",
      path: "/v1/events",
      summary: "The events that are kept, oldest first; a stream of them with Accept: text/event-stream.",
      access: "read",
      query: { ...FILTERS, limit: "how many of the newest, 1 to 1000; 100 if not given" },
      answer: "document",
      handle: (exchange, { control, clock }) => {
        if (exchange.headers.accept.includes("text/event-stream")) return stream(exchange, control, clock);
        return list(exchange, control);
      },
    },
    {
      method: "GET",
      path: "/v1/events/stream",
      summary: "Server-Sent Events: each event as it happens, after those that Last-Event-ID has missed.",
      access: "read",
      query: FILTERS,
      answer: "text",
      handle: (exchange, { control, clock }) => stream(exchange, control, clock),
    },
  ];
}

function list({ query, make }: Exchange, control: Control): Answer {
  const wanted = selection(query);
  const after = lastSeen(query, undefined) ?? -1;
  const limit = numberIn(query, "limit", 1, 1000, 100);
  const events = control.events().filter((event) => event.id > after && wanted(event));
  return found({
    data: events.slice(-limit).map((event) => eventResource(event, make)),
    links: { self: make.link("events") },
  });
}

function follow(
  client: StreamClient,
  control: Control,
  clock: Clock,
  wanted: (event: FleetEvent) => boolean,
  after: number | undefined,
): void {
  const tell = (event: FleetEvent): void => {
    if (wanted(event))
      write(`id: ${event.id}\nevent: ${event.event}\ndata: ${JSON.stringify(attributesOf(event))}\n\n`);
  };
  // A client that does not read is let go: it comes back with Last-Event-ID and has missed nothing.
  const write = (text: string): void => {
    if (!client.write(text)) client.drop();
  };
  let cancelBeat = (): void => {};
  const beat = (): void => {
    write(": still here\n\n");
    cancelBeat = clock.after(HEARTBEAT_MS, beat);
  };
  write(`retry: ${RETRY_MS}\n: events of the fleet\n\n`);
  if (after !== undefined) {
    for (const event of control.events()) if (event.id > after) tell(event);
  }
  const unsubscribe = control.subscribeEvents(tell);
  cancelBeat = clock.after(HEARTBEAT_MS, beat);
  client.onClose(() => {
    unsubscribe();
    cancelBeat();
  });
}

function selection(query: Query): (event: FleetEvent) => boolean {
  const among = (name: string): ((value: string) => boolean) => {
    const words = (query.get(name) ?? "").split(",").filter((word) => word !== "");
    return (value) => words.length === 0 || words.includes(value);
  };
  const [server, monitor, name] = [among("server"), among("monitor"), among("event")];
  return (event) => server(event.server) && monitor(event.monitor) && name(event.event);
}

/** Undefined: the client has seen nothing and wants what comes. A header that is not ours says nothing. */
function lastSeen(query: Query, header: string | undefined): number | undefined {
  if (query.get("after") !== undefined) return numberIn(query, "after", 0, MAX_ID, 0);
  return header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}

export function eventResource(event: FleetEvent, make: ResourceFactory): Resource {
  return make.resource(`events/${event.id}`, "events", attributesOf(event));
}

function attributesOf(event: FleetEvent): Readonly<Record<string, unknown>> {
  return {
    time: new Date(event.time).toISOString(),
    monitor: event.monitor,
    server: event.server,
    event: event.event,
    from: event.from,
    to: event.to,
    code: event.cause.code,
    sentence: event.cause.sentence,
    maxscale_event: event.maxscaleEvent,
  };
}
