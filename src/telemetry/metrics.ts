import { Gauge, Registry } from "prom-client";
import type { FleetView, ServerSnapshot } from "../topology/fleet.ts";
import { worstLag } from "../verdict/replica.ts";
import type { Clock } from "./clock.ts";

/** What a watch has counted since the start. */
export interface WatchCounts {
  readonly reached: number;
  readonly failed: number;
  readonly changes: number;
  readonly tookMs: number;
}

export interface EventCount {
  readonly monitor: string;
  readonly server: string;
  readonly event: string;
  readonly count: number;
}

/** A port gate now, and what it has counted since the start. */
interface GateCounts {
  readonly publisher: string;
  readonly isOpen: boolean;
  readonly opened: number;
  readonly closed: number;
  readonly repaired: number;
  readonly failed: number;
  readonly cut: number;
}

/** A certificate file that a listener or server uses. */
export interface CertificateFigures {
  readonly kind: "listener" | "server";
  readonly name: string;
  readonly file: string;
  /** ms since 1970 */
  readonly endsAt: number;
}

/** What the proxy carries; empty where there is none. */
export interface TrafficFigures {
  readonly services: readonly ServiceFigures[];
  readonly listeners: readonly { readonly listener: string; readonly isRunning: boolean }[];
  readonly certificates: readonly CertificateFigures[];
  /** Worker processes that are there. */
  readonly workers: number;
  /** Workers that died since the start. */
  readonly workerDeaths: number;
  connectionsOf(server: string): { readonly current: number; readonly total: number };
}

export interface ServiceFigures {
  readonly service: string;
  readonly current: number;
  readonly total: number;
  readonly refused: number;
  readonly waiting: number;
  readonly retried: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Servers that get new sessions. */
  readonly targets: number;
}

export interface MetricsSources {
  readonly fleet: FleetView;
  readonly clock: Clock;
  readonly version: string;
  counts(server: string): WatchCounts | undefined;
  /** Events so far, by monitor, server and name. */
  eventCounts(): readonly EventCount[];
  gates(): readonly GateCounts[];
  traffic(): TrafficFigures;
}

/** All metrics of the daemon; values are read when somebody scrapes, nothing is counted twice. */
export function createMetrics(sources: MetricsSources): Registry {
  const registry = new Registry();
  const { fleet, clock, counts } = sources;
  const gauge = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    read: (set: Set<L>) => void,
  ): void => {
    new Gauge({
      name: `sluice_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      collect() {
        this.reset();
        read((labels, value) => {
          if (value !== undefined) this.set(labels as Record<L, string>, value);
        });
      },
    });
  };
  const perServer = (
    name: string,
    help: string,
    value: (server: ServerSnapshot) => number | undefined,
  ): void =>
    gauge(name, help, ["server"], (set) => {
      for (const server of fleet.current().servers.values()) set({ server: server.name }, value(server));
    });

  gauge("process_resident_memory_bytes", "Memory of the process.", [], (set) =>
    set({}, process.memoryUsage.rss()),
  );
  gauge("process_cpu_seconds_total", "CPU time of the process, user and system.", [], (set) => {
    const { user, system } = process.cpuUsage();
    set({}, (user + system) / 1e6);
  });
  gauge("process_uptime_seconds", "Time since the start.", [], (set) => set({}, process.uptime()));
  gauge("build_info", "Version of the running program.", ["version"], (set) =>
    set({ version: sources.version }, 1),
  );
  perServer("server_up", "1: the server may take traffic.", (s) =>
    Number(s.verdict.up && clock.now() <= s.verdict.staleAt),
  );
  perServer("server_draining", "1: the server takes no new sessions.", (s) => Number(s.verdict.draining));
  perServer("server_maintenance", "1: a person has put the server into maintenance.", (s) =>
    Number(s.admin === "maintenance"),
  );
  perServer("verdict_age_seconds", "Time since the last verdict.", (s) =>
    s.verdict.known ? Math.max(0, clock.now() - s.verdict.at) / 1000 : undefined,
  );
  perServer(
    "verdict_since_seconds",
    "Unix time at which the verdict became what it is.",
    (s) => s.verdict.since / 1000,
  );
  gauge("verdict_info", "The verdict in words.", ["server", "code", "role", "profile"], (set) => {
    for (const { name, verdict } of fleet.current().servers.values()) {
      set({ server: name, code: verdict.code, role: verdict.role, profile: verdict.profile }, 1);
    }
  });
  gauge("probes_total", "Probes ended.", ["server", "outcome"], (set) => {
    for (const name of fleet.current().servers.keys()) {
      set({ server: name, outcome: "reached" }, counts(name)?.reached);
      set({ server: name, outcome: "failed" }, counts(name)?.failed);
    }
  });
  perServer("probe_seconds_total", "Time spent in probes.", (s) => scaled(counts(s.name)?.tookMs));
  perServer("verdict_changes_total", "How often the verdict changed.", (s) => counts(s.name)?.changes);
  gauge("events_total", "Events since the start.", ["monitor", "server", "event"], (set) => {
    for (const { monitor, server, event, count } of sources.eventCounts())
      set({ monitor, server, event }, count);
  });
  const perGate = (name: string, help: string, value: (gate: GateCounts) => number): void =>
    gauge(name, help, ["publisher"], (set) => {
      for (const gate of sources.gates()) set({ publisher: gate.publisher }, value(gate));
    });
  perGate("gate_open", "1: the mirror port is open.", (gate) => Number(gate.isOpen));
  perGate("gate_openings_total", "How often the gate opened.", (gate) => gate.opened);
  perGate("gate_closings_total", "How often the gate closed.", (gate) => gate.closed);
  perGate("gate_repairs_total", "How often others had changed its rules.", (gate) => gate.repaired);
  perGate("gate_failures_total", "Changes that the firewall refused.", (gate) => gate.failed);
  perGate("gate_connections_cut_total", "Connections ended.", (gate) => gate.cut);
  perServer("replication_lag_seconds", "Largest lag of all replication channels.", (s) => {
    const facts = factsOf(s);
    return facts === undefined || typeof facts.channels === "string" || facts.channels.length === 0
      ? undefined
      : worstLag(facts);
  });
  perServer("galera_local_state", "wsrep_local_state.", (s) => factsOf(s)?.galera?.localState);
  perServer("galera_cluster_size", "wsrep_cluster_size.", (s) => factsOf(s)?.galera?.clusterSize);
  perServer("galera_receive_queue", "wsrep_local_recv_queue.", (s) => factsOf(s)?.galera?.recvQueue);
  const perService = (name: string, help: string, value: (figures: ServiceFigures) => number): void =>
    gauge(name, help, ["service"], (set) => {
      for (const figures of sources.traffic().services) set({ service: figures.service }, value(figures));
    });
  perService("service_connections", "Client connections now.", ({ current }) => current);
  perService("service_connections_total", "Client connections that got a server.", ({ total }) => total);
  perService(
    "service_refused_total",
    "Clients turned away: no server, or no place.",
    ({ refused }) => refused,
  );
  perService("service_waiting", "Clients that wait for a place.", ({ waiting }) => waiting);
  perService(
    "service_retries_total",
    "Servers that could not be reached by a session.",
    ({ retried }) => retried,
  );
  perService("service_received_bytes_total", "Bytes from clients.", ({ bytesIn }) => bytesIn);
  perService("service_sent_bytes_total", "Bytes to clients.", ({ bytesOut }) => bytesOut);
  perService("service_targets", "Servers that get new connections.", ({ targets }) => targets);
  perServer(
    "server_connections",
    "Connections to the server now.",
    (s) => sources.traffic().connectionsOf(s.name).current,
  );
  perServer(
    "server_connections_total",
    "Connections to the server.",
    (s) => sources.traffic().connectionsOf(s.name).total,
  );
  gauge("listener_up", "1: the listener accepts clients.", ["listener"], (set) => {
    for (const { listener, isRunning } of sources.traffic().listeners) set({ listener }, Number(isRunning));
  });
  gauge(
    "certificate_expiry_seconds",
    "Time until a certificate file expires; negative: it has.",
    ["kind", "name", "file"],
    (set) => {
      for (const { kind, name, file, endsAt } of sources.traffic().certificates)
        set({ kind, name, file }, (endsAt - clock.now()) / 1000);
    },
  );
  gauge("workers", "Worker processes.", [], (set) => set({}, sources.traffic().workers));
  gauge("worker_deaths_total", "Worker processes that died.", [], (set) =>
    set({}, sources.traffic().workerDeaths),
  );
  return registry;
}

type Set<L extends string> = (labels: Readonly<Record<L, string>>, value: number | undefined) => void;

const scaled = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000);

function factsOf({ verdict }: ServerSnapshot) {
  return verdict.observation?.reached ? verdict.observation.facts : undefined;
}
