import { formatHostPort } from "../../../topology/endpoint.ts";
import type { GlbdArguments } from "./options.ts";

const POLICIES: Readonly<Record<GlbdArguments["balance"], string>> = {
  "least-connections": "least connected",
  "round-robin": "round-robin",
  random: "random",
  source: "source",
  single: "single",
};

/**
 * How GLB says at its start what it has understood.
 * @param mostPerWorker connections that a worker process can pass through
 */
export function startMessage(parsed: GlbdArguments, mostPerWorker: number): string {
  const { values, listen, destinations, balance, top, fifo } = parsed;
  const { control, threads = 1, max_conn: most = 0, latency = 0, daemon, verbose } = values;
  const numbers = `Number of threads: ${threads}, max conn: ${most || threads * mostPerWorker}`;
  const sockets = "nodelay: ON, keepalive: ON, defer accept: OFF, linger: OFF";
  const way = `lat.count: ${latency}, policy: '${POLICIES[balance]}', top: ${yesNo(top)}`;
  const rows = destinations.map(
    ({ host, port, weight }, i) =>
      `  ${String(i).padStart(2)}: ${formatHostPort(host, port)}, w: ${weight.toFixed(3)}`,
  );
  const lines = [
    `Incoming address: ${formatHostPort(listen.host, listen.port)}, control FIFO: ${fifo}`,
    `Control  address:  ${control === undefined ? "none" : formatHostPort(control.host, control.port)}`,
    `${numbers}, ${sockets}, daemon: ${yesNo(daemon)}, ${way}, verbose: ${yesNo(verbose)}`,
    `Destinations: ${destinations.length}`,
    ...rows,
  ];
  return `${lines.join("\n")}\n`;
}

const yesNo = (value: boolean | undefined): string => (value ? "YES" : "NO");
