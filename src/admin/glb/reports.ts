import type { ServerUsage, ServiceUsage } from "./glb-host.ts";

const RULE = "-".repeat(54);

/** The answer to `getinfo`, in GLB's columns. */
export function routerTable({ balance, servers, current, most }: ServiceUsage): string {
  // A share of the clients stands for each server where a draw or the client's address decides.
  const shares = balance === "random" || balance === "source" ? cumulativeShares(servers) : undefined;
  const rows = servers.map(({ address, weight, connections }, i) => {
    const usage = 1 - 1 / (connections + 1);
    const map = shares === undefined ? "   N/A " : decimal(shares[i] ?? 0, 7);
    return `${address.padStart(21)} : ${decimal(weight, 8)} ${decimal(usage, 7)} ${map} ${String(connections).padStart(5)}`;
  });
  const lines = [
    "Router:",
    RULE,
    "        Address       :   weight   usage    map  conns",
    ...rows,
    RULE,
    `Destinations: ${servers.length}, total connections: ${current} of ${most} max`,
  ];
  return `${lines.join("\n")}\n`;
}

/** How a service was used since `before`; the answer to `getstat`. */
export function statLine(usage: ServiceUsage, before: StatTotals, elapsedMs: number): string {
  const bytesIn = usage.bytesIn - before.bytesIn;
  const bytesOut = usage.bytesOut - before.bytesOut;
  const reads = usage.reads - before.reads;
  const moved = `${bytesIn + bytesOut} / ${reads}`;
  const connections = `${usage.total - before.total} / ${usage.current}`;
  const elapsed = (elapsedMs / 1000).toFixed(5);
  // The runtime does not tell how often it polled: every read counts as one.
  return `in: ${bytesIn} out: ${bytesOut} recv: ${moved} send: ${moved} conns: ${connections} poll: ${reads} / 0 / ${reads} elapsed: ${elapsed}\n`;
}

export type StatTotals = Pick<ServiceUsage, "total" | "bytesIn" | "bytesOut" | "reads">;

export const NO_TOTALS: StatTotals = { total: 0, bytesIn: 0, bytesOut: 0, reads: 0 };

function cumulativeShares(servers: readonly ServerUsage[]): readonly number[] {
  const total = servers.reduce((sum, { weight }) => sum + weight, 0);
  let sum = 0;
  return servers.map(({ weight }) => {
    sum += weight;
    return total === 0 ? 0 : sum / total;
  });
}

const decimal = (value: number, width: number): string => value.toFixed(3).padStart(width);
