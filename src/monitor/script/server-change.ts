import type { MonitorEvent } from "../events.ts";

/** All that happened to one server in one judgement. A script runs once for it. */
export interface ServerChange {
  readonly server: string;
  /** MaxScale's name of the change; for one that MaxScale does not know, our name of its first event. */
  readonly name: string;
  /** Every name it goes by: ours of all its events, and MaxScale's. */
  readonly names: ReadonlySet<string>;
}

/** The changes behind the events of one judgement, in the order of their first events. */
export function changesIn(events: readonly MonitorEvent[]): readonly ServerChange[] {
  return [...Map.groupBy(events, ({ server }) => server)].map(([server, own]) => {
    const maxscaleName = own.find(({ maxscaleEvent }) => maxscaleEvent !== null)?.maxscaleEvent ?? undefined;
    const names = own.map(({ event }): string => event);
    if (maxscaleName !== undefined) names.push(maxscaleName);
    return { server, name: maxscaleName ?? names[0] ?? "", names: new Set(names) };
  });
}

/**
 * Whether `events=` asks for a change: by `all`, by our names or by MaxScale's. A name that is both (`server_up`) has
 * our meaning, which is the wider one: whatever the server's role.
 */
export function isSelected(change: ServerChange, words: readonly string[]): boolean {
  return words.some((word) => word === "all" || change.names.has(word));
}
