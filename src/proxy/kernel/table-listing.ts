/** What `nft list table` prints of the services. Pure. */
import type { Side } from "./kernel-table.ts";

const OPEN = /set open \{[^}]*?elements = \{([^}]*)\}/;
const COUNTERS = /set to[46]_(\d+) \{[^}]*?elements = \{([^}]*)\}/g;
const COUNTER = /(\S+) \. (\d+) counter packets (\d+)/g;

/** The ports that are open at the moment. */
export function openPorts(listing: string): readonly number[] {
  const elements = OPEN.exec(listing)?.[1]?.split(",") ?? [];
  return elements.map((element) => Number.parseInt(element.trim(), 10));
}

/** The side that is in use; undefined: there is no table, or none of ours. */
export function activeSide(listing: string): Side | undefined {
  return /\bjump balance_([ab])\b/.exec(listing)?.[1] as Side | undefined;
}

/** The listing but for a side, which is as it may be while it is not in use. */
export function withoutSide(listing: string, side: Side): string {
  return listing.replace(new RegExp(`chain balance_${side} \\{[\\s\\S]*?\\n\\t\\}`), "");
}

export interface Led {
  /** The port the clients connected to. */
  readonly port: number;
  readonly server: { readonly address: string; readonly port: number };
  /** Connections since the table was made. */
  readonly count: number;
}

/** How many connections were led from each port to each server. */
export function ledConnections(listing: string): readonly Led[] {
  return [...listing.matchAll(COUNTERS)].flatMap(([, port, elements = ""]) =>
    [...elements.matchAll(COUNTER)].map(([, address = "", serverPort, count]) => ({
      port: Number(port),
      server: { address, port: Number(serverPort) },
      count: Number(count),
    })),
  );
}
