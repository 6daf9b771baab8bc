import { join } from "node:path";
import { errorMessage } from "../errors/sluice-error.ts";
import type { Clock } from "../telemetry/clock.ts";
import type { Log } from "../telemetry/log.ts";
import type { EventCount } from "../telemetry/metrics.ts";
import type { FleetEvent } from "../topology/fleet-event.ts";
import { EventFile } from "./event-file.ts";
import type { MonitorEvent } from "./events.ts";

const MAX_EVENTS = 1000;

/** The last 1,000 events of all monitors, oldest first, kept across restarts in `<directory>/events.jsonl`. */
export class EventLog {
  readonly #file: EventFile;
  readonly #log: Log;
  readonly #listeners = new Set<(event: FleetEvent) => void>();
  readonly #counts = new Map<string, EventCount>();
  #events: readonly FleetEvent[];
  #nextId: number;

  /** Reads what was kept; never throws: a file that cannot be read or written costs a warning. */
  constructor(directory: string, log: Log, clock: Clock) {
    this.#log = log;
    this.#file = new EventFile(join(directory, "events.jsonl"), MAX_EVENTS, log, clock);
    this.#events = Object.freeze(this.#file.load());
    this.#nextId = this.#events.reduce((last, { id }) => Math.max(last, id), 0) + 1;
  }

  /** A snapshot, oldest first. */
  events(): readonly FleetEvent[] {
    return this.#events;
  }

  /** Since the program started. */
  counts(): readonly EventCount[] {
    return [...this.#counts.values()];
  }

  /** `listener` runs at once for each new event, in order; the returned function ends the subscription. */
  subscribe(listener: (event: FleetEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Gives the events their ids, keeps them, and tells the listeners; the disk is written afterwards. */
  append(monitor: string, events: readonly MonitorEvent[]): void {
    if (events.length === 0) return;
    const added = events.map((event): FleetEvent => Object.freeze({ id: this.#nextId++, monitor, ...event }));
    this.#events = Object.freeze([...this.#events, ...added].slice(-MAX_EVENTS));
    this.#file.append(added, this.#events);
    for (const event of added) {
      this.#count(event);
      for (const listener of this.#listeners) this.#tell(listener, event);
    }
  }

  /** Resolves when everything appended so far is on disk, or cannot be written there. Before the program ends. */
  flush(): Promise<void> {
    return this.#file.flush();
  }

  #count({ monitor, server, event }: FleetEvent): void {
    const key = JSON.stringify([monitor, server, event]);
    const count = (this.#counts.get(key)?.count ?? 0) + 1;
    this.#counts.set(key, { monitor, server, event, count });
  }

  /** A listener that fails must not cost the others their event, nor the monitor its tick. */
  #tell(listener: (event: FleetEvent) => void, event: FleetEvent): void {
    try {
      listener(event);
    } catch (error) {
      this.#log.error({ code: "INTERNAL", err: error }, `a listener failed: ${errorMessage(error)}`);
    }
  }
}
