import type { Connections } from "../../admin/control.ts";
import type { ServerCounters, WorkerCounters } from "../../proxy/worker/messages.ts";

interface Sum {
  current: number;
  total: number;
  most: number;
  refused: number;
  waiting: number;
  retried: number;
  bytesIn: number;
  bytesOut: number;
  reads: number;
}

/** See splitOf(). */
export interface SplitSum {
  readonly failedLogins: number;
  readonly servers: ReadonlyMap<string, Required<ServerCounters>>;
}

export const NO_COUNTS: Readonly<Sum> = Object.freeze({
  current: 0,
  total: 0,
  most: 0,
  refused: 0,
  waiting: 0,
  retried: 0,
  bytesIn: 0,
  bytesOut: 0,
  reads: 0,
});

/** What all workers counted together, those that are gone included. */
export class TrafficCounts {
  readonly #gone: WorkerCounters[] = [];
  readonly #most = new Map<string, number>();

  /** The last word of a worker that has ended; what it had then has ended with it. */
  retire(counters: WorkerCounters): void {
    const services = Object.entries(counters.services).map(([name, service]) => {
      const servers = Object.entries(service.servers).map(([server, counted]) => [
        server,
        { ...counted, current: 0, ...(counted.running !== undefined && { running: 0 }) },
      ]);
      return [name, { ...service, current: 0, waiting: 0, servers: Object.fromEntries(servers) }];
    });
    this.#gone.push({ ...counters, sessions: 0, services: Object.fromEntries(services) });
    if (this.#gone.length > MOST_KEPT) this.#gone.splice(0, 1);
  }

  service(name: string, present: readonly WorkerCounters[]): Sum {
    const sum: Sum = { ...NO_COUNTS };
    for (const { services } of [...this.#gone, ...present]) {
      const counted = services[name];
      if (counted === undefined) continue;
      sum.current += counted.current;
      sum.total += counted.total;
      sum.refused += counted.refused;
      sum.waiting += counted.waiting;
      sum.retried += counted.retried;
      sum.bytesIn += counted.bytesIn;
      sum.bytesOut += counted.bytesOut;
      sum.reads += counted.reads;
    }
    sum.most = this.#highest(`service ${name}`, sum.current);
    return sum;
  }

  /** What each server of a service that splits has got of its statements, and those that fail to log in. */
  splitOf(name: string, present: readonly WorkerCounters[]): SplitSum {
    const servers = new Map<string, Required<ServerCounters>>();
    let failedLogins = 0;
    for (const { services } of [...this.#gone, ...present]) {
      const counted = services[name];
      failedLogins += counted?.failedLogins ?? 0;
      for (const [server, one] of Object.entries(counted?.servers ?? {})) {
        const before = servers.get(server) ?? { current: 0, total: 0, running: 0, reads: 0, writes: 0 };
        servers.set(server, {
          current: before.current + one.current,
          total: before.total + one.total,
          running: before.running + (one.running ?? 0),
          reads: before.reads + (one.reads ?? 0),
          writes: before.writes + (one.writes ?? 0),
        });
      }
    }
    return { failedLogins, servers };
  }

  /** Sessions that one service has on a server now. */
  onServer(service: string, server: string, present: readonly WorkerCounters[]): number {
    return present.reduce((sum, { services }) => sum + (services[service]?.servers[server]?.current ?? 0), 0);
  }

  server(name: string, present: readonly WorkerCounters[]): Connections {
    let current = 0;
    let total = 0;
    for (const { services } of [...this.#gone, ...present]) {
      for (const { servers } of Object.values(services)) {
        current += servers[name]?.current ?? 0;
        total += servers[name]?.total ?? 0;
      }
    }
    return { current, total, max: this.#highest(`server ${name}`, current) };
  }

  #highest(key: string, current: number): number {
    const most = Math.max(current, this.#most.get(key) ?? 0);
    this.#most.set(key, most);
    return most;
  }
}

/** Workers die seldom. */
const MOST_KEPT = 1000;
