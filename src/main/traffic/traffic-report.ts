import type {
  Connections,
  ListenerStatus,
  ServiceStatus,
  SessionInfo,
  ThreadInfo,
} from "../../admin/control.ts";
import type { ServiceUsage } from "../../admin/glb/glb-host.ts";
import type { Configuration } from "../../config/configuration.ts";
import type { SessionLine, WorkerCounters } from "../../proxy/worker/messages.ts";
import { connectionsPerProcess } from "../../system/open-files.ts";
import type { CertificateFigures, TrafficFigures } from "../../telemetry/metrics.ts";
import { formatEndpoint } from "../../topology/endpoint.ts";
import type { AccountBooks } from "./account-books.ts";
import type { CertificateWatch } from "./certificate-watch.ts";
import type { KernelTraffic } from "./kernel/kernel-traffic.ts";
import type { ListeningPorts } from "./listening-ports.ts";
import type { FleetKnowledge, RouteTable } from "./route-table.ts";
import { isInKernel, type ServicePlan } from "./service-plan.ts";
import { splitDiagnostics } from "./split-diagnostics.ts";
import type { TrafficCounts } from "./traffic-counts.ts";
import type { WorkerPool } from "./worker-pool.ts";

/** What there is to tell of; all of it is Traffic's. */
export interface ReportParts {
  readonly workers: number;
  readonly fleet: FleetKnowledge;
  readonly pool: WorkerPool;
  readonly ports: ListeningPorts;
  readonly kernel: KernelTraffic;
  readonly table: RouteTable;
  readonly counts: TrafficCounts;
  readonly accounts: AccountBooks;
  readonly certificates: CertificateWatch;
  configuration(): Configuration;
  planOf(service: string): ServicePlan | undefined;
  /** When a service that runs began to; undefined: it does not run. Ms since 1970. */
  runningSince(service: string): number | undefined;
}

/** What is told of services, listeners and sessions: for the REST API, GLB's protocol and the metrics. Changes nothing. */
export class TrafficReport {
  readonly #parts: ReportParts;

  constructor(parts: ReportParts) {
    this.#parts = parts;
  }

  async sessions(): Promise<readonly SessionInfo[]> {
    return (await this.sessionLines()).map(sessionInfo);
  }

  async sessionLines(): Promise<readonly SessionLine[]> {
    const ofWorkers = this.#parts.pool.links.map((link) => link.sessions());
    return (await Promise.all([...ofWorkers, this.#parts.kernel.sessions()])).flat();
  }

  services(): ReadonlyMap<string, ServiceStatus> {
    return new Map(
      [...this.#parts.configuration().services.keys()].map((name) => [name, this.#serviceStatus(name)]),
    );
  }

  listeners(): ReadonlyMap<string, ListenerStatus> {
    const { listeners } = this.#parts.configuration();
    return new Map([...listeners.keys()].map((name) => [name, this.#listenerStatus(name)]));
  }

  /** See GlbHost.usage. */
  async usage(name: string): Promise<ServiceUsage | undefined> {
    const { pool, kernel } = this.#parts;
    const plan = this.#parts.planOf(name);
    if (plan === undefined || plan.router !== "readconnroute") return undefined;
    const inKernel = isInKernel(plan);
    if (inKernel) await kernel.recount();
    else await Promise.all(pool.links.map((link) => link.recount()));
    const present = this.#counters;
    const route = this.#parts.table.current.services.find((service) => service.name === name);
    const { servers: snapshots } = this.#parts.fleet.snapshot;
    const servers = plan.servers.map(({ server, endpoint, weight }) => {
      const isTakenOut = (snapshots.get(server)?.admin ?? "none") !== "none";
      const used = route?.targets.find((target) => target.server === server)?.weight ?? weight;
      const connections = this.#parts.counts.onServer(name, server, present);
      return { address: formatEndpoint(endpoint), weight: isTakenOut ? 0 : used, connections };
    });
    const { balance, limits } = plan.rule;
    return {
      ...this.#parts.counts.service(name, present),
      balance,
      servers,
      most: inKernel
        ? kernel.mostConnections
        : limits.maxConnections || this.#parts.workers * connectionsPerProcess(),
    };
  }

  connectionsOf(server: string): Connections {
    return this.#parts.counts.server(server, this.#counters);
  }

  threads(): readonly ThreadInfo[] {
    return this.#parts.pool.links.map((link) => {
      const { sessions = 0, listeners = 0, rssBytes = 0 } = link.counters ?? {};
      const number = link.hello?.number ?? 0;
      const slot = this.#parts.pool.slots.find((known) => known.number === number);
      const descriptors = { current: 2 * sessions + listeners, total: 2 * sessions + listeners };
      return {
        id: slot === undefined ? number : slot.row + 1,
        pid: link.hello?.pid ?? 0,
        state: this.#parts.pool.orphans.has(link) ? "Draining" : "Active",
        sessions,
        descriptors,
        load: link.load,
        memoryBytes: rssBytes,
      };
    });
  }

  /** Certificate files in use, and until when. */
  get certificates(): readonly CertificateFigures[] {
    return this.#parts.certificates.certificates;
  }

  /** For the metrics. */
  get figures(): TrafficFigures {
    const present = this.#counters;
    return {
      services: this.#parts.table.current.services.map(({ name: service, targets }) => ({
        service,
        ...this.#parts.counts.service(service, present),
        targets: targets.length,
      })),
      listeners: [...this.listeners()].map(([listener, { state }]) => ({
        listener,
        isRunning: state === "running",
      })),
      certificates: this.certificates,
      workers: this.#parts.pool.links.length,
      workerDeaths: this.#parts.pool.deaths,
      connectionsOf: (server) => this.#parts.counts.server(server, present),
    };
  }

  get #counters(): readonly WorkerCounters[] {
    return [
      ...this.#parts.pool.links.flatMap(({ counters }) => counters ?? []),
      ...this.#parts.kernel.counters,
    ];
  }

  #serviceStatus(name: string): ServiceStatus {
    const { current, total, most, refused, waiting, retried } = this.#parts.counts.service(
      name,
      this.#counters,
    );
    const startedAt = this.#parts.runningSince(name);
    const route = this.#parts.table.current.services.find((service) => service.name === name);
    const isSplit = this.#parts.planOf(name)?.router === "readwritesplit";
    const sum = this.#parts.counts.splitOf(name, this.#counters);
    return {
      running: startedAt !== undefined,
      startedAt,
      connections: { current, total, max: most },
      activeOperations: [...sum.servers.values()].reduce((running, server) => running + server.running, 0),
      usersUpdatedAt: this.#parts.accounts.current(name)?.readAt,
      users: this.#usersOf(name),
      diagnostics: {
        ...(isSplit
          ? splitDiagnostics(
              this.#parts.table.current.splits.find((split) => split.name === name),
              sum,
            )
          : { balance: route?.balance, targets: route?.targets.map(({ server }) => server) ?? [] }),
        refused_connections: refused,
        queued_connections: waiting,
        retried_connections: retried,
      },
    };
  }

  #usersOf(service: string): ServiceStatus["users"] {
    return (this.#parts.accounts.current(service)?.accounts ?? []).map(({ user, host, methods }) => ({
      user,
      host,
      plugin: methods.map(({ plugin }) => plugin).join(" or "),
    }));
  }

  #listenerStatus(name: string): ListenerStatus {
    const service = this.#parts.configuration().listeners.get(name)?.parameters.service ?? "";
    if (isInKernel(this.#parts.planOf(service))) return this.#kernelListenerStatus(name);
    if (this.#parts.workers === 0) return { state: "not started", reason: "threads=0: no proxy here" };
    return this.#parts.ports.status(name) ?? { state: "stopped", reason: undefined };
  }

  #kernelListenerStatus(name: string): ListenerStatus {
    const reason = this.#parts.kernel.failureOf(name);
    if (reason !== undefined) return { state: "failed", reason };
    return { state: this.#parts.kernel.isServed(name) ? "running" : "stopped", reason: undefined };
  }
}

function sessionInfo(session: SessionLine): SessionInfo {
  return {
    id: String(session.id),
    service: session.service,
    user: session.user,
    remote: session.remote,
    connectedAt: session.connectedAt,
    idleSeconds: Math.floor(session.idleMs / 1000),
    state: session.state,
    database: session.database,
    memoryBytes: session.bufferedBytes,
    ioActivity: undefined,
    connections: session.connections,
  };
}
