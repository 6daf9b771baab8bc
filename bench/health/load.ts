import type { Host } from "../../test/lab/host.ts";

export interface Load {
  readonly perSecond: number;
  readonly p99Ms: number;
  readonly failed: number;
}

/** `ab` from the host of the clients against a check port. A script that ends without reading the request resets some: they count as failed. */
export async function load(
  from: Host,
  url: string,
  requests: number,
  clients: number,
  isKeepAlive: boolean,
): Promise<Load> {
  const keep = isKeepAlive ? ["-k"] : [];
  const { stdout } = await from.run(
    ["ab", "-q", "-r", "-s", "30", ...keep, "-n", String(requests), "-c", String(clients), url],
    {
      timeoutMs: 120_000,
    },
  );
  const number = (pattern: RegExp): number => Number(pattern.exec(stdout)?.[1] ?? Number.NaN);
  return {
    perSecond: number(/Requests per second:\s+([\d.]+)/),
    p99Ms: number(/^\s+99%\s+(\d+)/m),
    failed: number(/Failed requests:\s+(\d+)/) + (number(/Non-2xx responses:\s+(\d+)/) || 0),
  };
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};
