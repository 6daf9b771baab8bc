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

/** What one word of `events=` may stand for, besides itself. */
const FAMILIES: ReadonlyMap<string, readonly string[]> = new Map([
  ["maintenance", ["maintenance_on", "maintenance_off"]],
  ["drain", ["drain_on", "drain_off"]],
]);

/**
 * Whether `events=` asks for a change. Words: `all`, our names, MaxScale's, and `maintenance` and `drain` for their
 * beginning and end. A name that is both MaxScale's and ours (`server_up`) has our, wider meaning: whatever its role.
 */
export function isSelected(change: ServerChange, words: readonly string[]): boolean {
  return words.some(
    (word) => word === "all" || [word, ...(FAMILIES.get(word) ?? [])].some((name) => change.names.has(name)),
  );
}
