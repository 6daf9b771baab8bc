/** What of a server matters for who gets the next read. */
export interface Reader {
  /** Statements it has not answered yet. */
  readonly running: number;
  /** Connections of all services and workers. */
  readonly connections: number;
  readonly target: { readonly weight: number; readonly lagSeconds: number | undefined };
}

export type ReaderCriterion = "operations" | "connections" | "lag";

/**
 * The reader for the next read: the one that would have the least of what counts for its weight; among equals one that the session
 * is connected to, then by turns.
 */
export function chooseReader<R extends Reader>(
  readers: readonly R[],
  connected: { hasLegOn(reader: R): boolean },
  criterion: ReaderCriterion,
  turn: number,
): R | undefined {
  const count = readers.length;
  if (count === 1) return readers[0];
  let best: R | undefined;
  let bestCost = 0;
  for (let i = 0; i < count; i++) {
    const reader = readers[(turn + i) % count];
    if (reader === undefined) continue;
    const cost = costOf(reader, criterion);
    if (best !== undefined && cost > bestCost) continue;
    if (best !== undefined && cost === bestCost && !connected.hasLegOn(reader)) continue;
    if (best !== undefined && cost === bestCost && connected.hasLegOn(best)) continue;
    best = reader;
    bestCost = cost;
  }
  return best;
}

function costOf({ running, connections, target }: Reader, criterion: ReaderCriterion): number {
  switch (criterion) {
    case "operations":
      return (running + 1) / target.weight;
    case "connections":
      return (connections + 1) / target.weight;
    case "lag":
      return target.lagSeconds ?? Number.POSITIVE_INFINITY;
  }
}
