import type { MonitorEvent } from "../../src/monitor/events.ts";

/** A server that came up as primary. */
export function anEvent(changes: Partial<MonitorEvent> = {}): MonitorEvent {
  return {
    time: 1_000_000,
    server: "db1",
    event: "server_up",
    from: "Down",
    to: "Master, Running",
    cause: { code: "ROLE_PRIMARY", sentence: "It takes writes; db2 replicates from it." },
    maxscaleEvent: "master_up",
    ...changes,
  };
}

export function someEvents(count: number): readonly MonitorEvent[] {
  return Array.from({ length: count }, (_, n) => anEvent({ server: `db${n}` }));
}
