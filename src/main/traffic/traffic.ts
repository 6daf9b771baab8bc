import type {
  Connections,
  ListenerStatus,
  ServiceStatus,
  SessionInfo,
  ThreadInfo,
} from "../../admin/control.ts";
import type { ServiceUsage } from "../../admin/glb/glb-host.ts";
import type { Configuration, ListenerObject } from "../../config/configuration.ts";
import type { FileAccess } from "../../config/file-access.ts";
import type { Decrypt } from "../../config/secrets.ts";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import {
  connectionIdOf,
  type FromWorker,
  type SessionLine,
  type WorkerCounters,
} from "../../proxy/worker/messages.ts";
import { readForwarding } from "../../system/forwarding.ts";
import { connectionsPerProcess } from "../../system/open-files.ts";
import { commandRunner } from "../../system/run-command.ts";
import { SOCKETS } from "../../system/socket-register.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import type { CertificateFigures, TrafficFigures } from "../../telemetry/metrics.ts";
import { formatEndpoint } from "../../topology/endpoint.ts";
import type { RoutingTable, ServiceRoute, SplitRoute } from "../../topology/routing-table.ts";
import { AccountBooks } from "./account-books.ts";
import { CertificateWatch } from "./certificate-watch.ts";
import { type KernelPlan, planKernel } from "./kernel/kernel-plan.ts";
import { KernelTraffic } from "./kernel/kernel-traffic.ts";
import { ListeningPorts } from "./listening-ports.ts";
import { type ListenerPlan, planListener, planServices } from "./plan-traffic.ts";
import { receivePortsLeft } from "./ports-left.ts";
import { type FleetKnowledge, RouteTable } from "./route-table.ts";
import { isInKernel, type ServicePlan } from "./service-plan.ts";
import { splitDiagnostics } from "./split-diagnostics.ts";
import { TrafficCounts } from "./traffic-counts.ts";
import { WorkerBoard } from "./worker-board.ts";
import type { WorkerLink } from "./worker-link.ts";
import { WorkerPool, type WorkerSlot } from "./worker-pool.ts";
import { isWorker, workersLeft } from "./workers-left.ts";

export interface TrafficParts {
  readonly workers: number;
  /** Where workers find this process. */
  readonly directory: string;
  /** What outlives this process is noted here. */
  readonly stateDirectory: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly fleet: FleetKnowledge;
  readonly files: FileAccess;
  readonly decrypt: Decrypt;
  configuration(): Configuration;
  /** A certificate of a listener or server expires soon, or has; a sentence. */
  onCertificateExpiring(certificate: CertificateFigures, sentence: string): void;
  /** A session met a server that could not be reached. */
  onServerFailed(server: string): void;
  /** What a person has stopped, as a predecessor knew it. */
  readonly stopped: Stopped | undefined;
}

/** Names of services and listeners that a person has stopped. */
export interface Stopped {
  readonly service: readonly string[];
  readonly listener: readonly string[];
}

/** How long clients wait in the queue of a port, at start, for servers that have not been judged yet. */
const KNOW_WITHIN_MS = 3000;

/** For one command of the firewall, ms. */
const COMMAND_DEADLINE_MS = 2500;

/** Why a server has no role yet, though it may have been probed already. */
const UNDECIDED: ReadonlySet<string> = new Set(["STARTING", "ROLE_UNDECIDED"]);

/**
 * The services and listeners of the configuration, alive.
 *
 *   configuration ─▶ plans ─┬─▶ ListeningPorts ─ sockets ─▶ workers
 *   fleet, roles ───────────┴─▶ RouteTable ─┬─── table ───▶ workers ─ counters, sessions ─▶ statuses for admin/
 *                                           └─▶ KernelTraffic (dataplane=kernel) ──────┘
 */
export class Traffic {
  readonly #parts: TrafficParts;
  readonly #pool: WorkerPool;
  readonly #ports: ListeningPorts;
  readonly #kernel: KernelTraffic;
  readonly #board: WorkerBoard;
  readonly #table: RouteTable;
  readonly #counts = new TrafficCounts();
  readonly #certificates: CertificateWatch;
  readonly #accounts: AccountBooks;
  readonly #stopped: Readonly<Record<keyof Stopped, Set<string>>>;
  #plans: ReadonlyMap<string, ServicePlan> = new Map();
  /** Services whose ports may be served: their servers have been judged once. */
  readonly #known = new Set<string>();
  /** Numbers of the workers that have got their listening sockets. */
  readonly #equipped = new Set<number>();
  /** The table that each worker got last. */
  readonly #told = new WeakMap<WorkerLink, RoutingTable>();
  readonly #draining = new WeakSet<WorkerLink>();
  #areWorkersLeft = false;
  #isPoolRunning = false;
  #isEveryoneKnown = false;
  #startedAt: number | undefined;
  #cancelNext: () => void = () => {};
  #cancelKnowing: () => void = () => {};

  constructor(parts: TrafficParts) {
    this.#parts = parts;
    this.#certificates = new CertificateWatch({
      files: parts.files,
      clock: parts.clock,
      log: parts.log,
      configuration: () => parts.configuration(),
      onChange: (materials) => this.#pool.broadcast({ type: "tls", materials }),
      onExpiring: (certificate, sentence) => parts.onCertificateExpiring(certificate, sentence),
    });
    this.#accounts = new AccountBooks({
      clock: parts.clock,
      log: parts.log,
      files: parts.files,
      decrypt: parts.decrypt,
      configuration: () => parts.configuration(),
      serversOf: (service) => this.#serversToAsk(service),
      broadcast: (message) => this.#pool.broadcast(message),
    });
    this.#kernel = new KernelTraffic({
      stateDirectory: parts.stateDirectory,
      clock: parts.clock,
      log: parts.log,
      run: commandRunner(COMMAND_DEADLINE_MS),
      readForwarding,
    });
    this.#stopped = {
      service: new Set(parts.stopped?.service),
      listener: new Set(parts.stopped?.listener),
    };
    this.#board = new WorkerBoard(parts.directory);
    this.#table = new RouteTable((kind, name) => this.#board.column(kind, name));
    this.#ports = new ListeningPorts(Math.max(1, parts.workers), (pid) => isWorker(pid, parts.directory));
    this.#pool = new WorkerPool({
      count: parts.workers,
      directory: parts.directory,
      board: this.#board,
      clock: parts.clock,
      log: parts.log,
      onReady: (slot) => void this.#equip(slot),
      onOrphan: () => this.#relieveOrphans(),
      onMessage: (message) => this.#heard(message),
      onGone: ({ counters }) => counters !== undefined && this.#counts.retire(counters),
    });
  }

  /** Reads certificates and opens all ports; while privileges are still there. Throws what the first that cannot be opened throws. */
  async open(): Promise<void> {
    this.#certificates.refresh();
    this.#plans = planServices(this.#parts.configuration());
    const left = workersLeft(this.#parts.directory);
    this.#areWorkersLeft = left.length > 0;
    this.#board.recall(left);
    // A predecessor of this process has handed over what its workers have.
    if (left.length > 0 && !SOCKETS.hasPredecessors)
      SOCKETS.adopt(await receivePortsLeft(this.#parts.directory, left, this.#parts.clock));
    for (const plan of this.#wantedPorts()) await this.#ports.open(plan);
    await this.#kernel.open(this.#wantedInKernel());
  }

  /** A service is carried by the kernel. */
  get needsNetAdmin(): boolean {
    return this.#kernel.needsNetAdmin;
  }

  async start(): Promise<void> {
    const { clock } = this.#parts;
    this.#startedAt = clock.now();
    this.#certificates.start();
    this.#putAccounts();
    this.refresh();
    this.#cancelKnowing = clock.after(KNOW_WITHIN_MS, () => {
      this.#isEveryoneKnown = true;
      this.#serveKnown();
    });
    await this.#startPool();
  }

  async stop(): Promise<void> {
    this.#cancelNext();
    this.#cancelKnowing();
    this.#certificates.stop();
    this.#accounts.stop();
    if (this.#isPoolRunning) await this.#pool.stop();
    await this.#ports.closeAll(this.#pool);
  }

  /** Before the end: what the kernel carries ends, and its rules go, but of services that are to outlive the program. */
  async leaveKernel(): Promise<void> {
    await this.#kernel.stop();
  }

  /** Leaves ports, workers and sessions to a successor of this process, and tells what it needs to know. */
  handOver(): Stopped {
    this.#cancelNext();
    this.#cancelKnowing();
    this.#pool.leave();
    this.#kernel.leave();
    return { service: [...this.#stopped.service], listener: [...this.#stopped.listener] };
  }

  /** Takes over the configuration that is now in force. */
  async put(): Promise<void> {
    this.#certificates.refresh();
    this.#plans = planServices(this.#parts.configuration());
    this.#putAccounts();
    this.refresh();
    const wanted = this.#wantedPorts();
    const names = new Set(wanted.map(({ name }) => name));
    for (const name of this.#ports.names) if (!names.has(name)) await this.#ports.close(name, this.#pool);
    const inKernel = this.#wantedInKernel();
    // A port may go from a process to the kernel, or back.
    await this.#kernel.put(inKernel);
    for (const plan of wanted) if (!this.#ports.has(plan, "all")) await this.#openAnew(plan);
    await this.#startPool();
  }

  /** Certificates that were replaced count for new connections; those that are open go on. */
  rereadFiles(): void {
    this.#certificates.refresh();
  }

  /** Certificate files in use, and until when. */
  get certificates(): readonly CertificateFigures[] {
    return this.#certificates.certificates;
  }

  /** Something about the servers may have changed: a new routing table goes out where it differs. */
  refresh(): void {
    const { clock, fleet } = this.#parts;
    const { changed, nextAt } = this.#table.update(this.#plans.values(), fleet, clock.now());
    this.#cancelNext();
    if (nextAt !== undefined) this.#cancelNext = clock.after(nextAt - clock.now(), () => this.refresh());
    if (changed.length > 0) {
      for (const { link } of this.#pool.slots) this.#tellTable(link);
      for (const route of changed) this.#logRoute(route);
    }
    this.#serveKnown();
  }

  /** See Control.setRunning. */
  async setRunning(
    kind: "service" | "listener",
    name: string,
    isRunning: boolean,
    force: boolean,
  ): Promise<void> {
    const { services, listeners } = this.#parts.configuration();
    const object = kind === "service" ? services.get(name) : listeners.get(name);
    if (object === undefined) throw new SluiceError("NOT_FOUND", `there is no ${kind} ${name}`);
    if (isRunning) this.#stopped[kind].delete(name);
    else this.#stopped[kind].add(name);
    this.#parts.log.info(
      { event: kind, [kind]: name },
      `${kind} ${name} ${isRunning ? "starts" : "stops"}, by a person`,
    );
    await this.put();
    if (isRunning || !force) return;
    this.#pool.broadcast({ type: "end sessions", [kind]: name });
    await this.#kernel.endSessions({ [kind]: name });
  }

  /** Throws NOT_FOUND. */
  async endSession(id: string, ttlMs: number): Promise<void> {
    const found = (await this.#sessionLines()).some((session) => String(session.id) === id);
    if (!found) throw new SluiceError("NOT_FOUND", `there is no session ${id}`);
    this.#parts.clock.after(ttlMs, () => {
      this.#pool.broadcast({ type: "end session", id: Number(id) });
      void this.#kernel.endSession(Number(id));
    });
  }

  async sessions(): Promise<readonly SessionInfo[]> {
    return (await this.#sessionLines()).map(sessionInfo);
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
    const plan = this.#plans.get(name);
    if (plan === undefined || plan.router !== "readconnroute") return undefined;
    const inKernel = isInKernel(plan);
    if (inKernel) await this.#kernel.recount();
    else await Promise.all(this.#pool.links.map((link) => link.recount()));
    const present = this.#counters;
    const route = this.#table.current.services.find((service) => service.name === name);
    const { servers: snapshots } = this.#parts.fleet.snapshot;
    const servers = plan.servers.map(({ server, endpoint, weight }) => {
      const isTakenOut = (snapshots.get(server)?.admin ?? "none") !== "none";
      const used = route?.targets.find((target) => target.server === server)?.weight ?? weight;
      const connections = this.#counts.onServer(name, server, present);
      return { address: formatEndpoint(endpoint), weight: isTakenOut ? 0 : used, connections };
    });
    const { balance, limits } = plan.rule;
    return {
      ...this.#counts.service(name, present),
      balance,
      servers,
      most: inKernel
        ? this.#kernel.mostConnections
        : limits.maxConnections || this.#parts.workers * connectionsPerProcess(),
    };
  }

  /** Sessions of a service on a server that was taken out of it go elsewhere, or end. */
  leaveServer(service: string, server: string): void {
    this.#pool.broadcast({ type: "leave server", service, server });
    void this.#kernel.leaveServer(service, server);
  }

  connectionsOf(server: string): Connections {
    return this.#counts.server(server, this.#counters);
  }

  threads(): readonly ThreadInfo[] {
    return this.#pool.links.map((link) => {
      const { sessions = 0, listeners = 0, rssBytes = 0 } = link.counters ?? {};
      const number = link.hello?.number ?? 0;
      const slot = this.#pool.slots.find((known) => known.number === number);
      const descriptors = { current: 2 * sessions + listeners, total: 2 * sessions + listeners };
      return {
        id: slot === undefined ? number : slot.row + 1,
        pid: link.hello?.pid ?? 0,
        state: this.#pool.orphans.has(link) ? "Draining" : "Active",
        sessions,
        descriptors,
        load: link.load,
        memoryBytes: rssBytes,
      };
    });
  }

  /** For the metrics. */
  get figures(): TrafficFigures {
    const present = this.#counters;
    return {
      services: this.#table.current.services.map(({ name: service, targets }) => ({
        service,
        ...this.#counts.service(service, present),
        targets: targets.length,
      })),
      listeners: [...this.listeners()].map(([listener, { state }]) => ({
        listener,
        isRunning: state === "running",
      })),
      certificates: this.certificates,
      workers: this.#pool.links.length,
      workerDeaths: this.#pool.deaths,
      connectionsOf: (server) => this.#counts.server(server, present),
    };
  }

  get #counters(): readonly WorkerCounters[] {
    return [...this.#pool.links.flatMap(({ counters }) => counters ?? []), ...this.#kernel.counters];
  }

  async #startPool(): Promise<void> {
    if (this.#isPoolRunning || this.#startedAt === undefined) return;
    if (this.#ports.names.length === 0 && !this.#areWorkersLeft) return;
    this.#isPoolRunning = true;
    await this.#pool.start();
  }

  /** The listeners that should be open, by the configuration and by what a person has stopped. */
  #wantedPorts(): readonly ListenerPlan[] {
    if (this.#parts.workers === 0) return [];
    return this.#listenerPlans().filter(
      (listener) => !this.#isStopped(listener) && !isInKernel(this.#plans.get(listener.service)),
    );
  }

  #wantedInKernel(): readonly KernelPlan[] {
    return planKernel(this.#plans.values(), this.#listenerPlans(), (listener) => !this.#isStopped(listener));
  }

  #isStopped({ name, service }: ListenerPlan): boolean {
    return this.#stopped.listener.has(name) || this.#stopped.service.has(service);
  }

  /** Those of services that run in this version. */
  #listenerPlans(): readonly ListenerPlan[] {
    return [...this.#parts.configuration().listeners.values()].flatMap((listener) =>
      this.#plans.has(listener.parameters.service) ? this.#planListener(listener) : [],
    );
  }

  /** While the program starts a mistake ends it; later the listener says what is wrong with it. */
  #planListener(listener: ListenerObject): readonly ListenerPlan[] {
    const service = this.#parts.configuration().services.get(listener.parameters.service);
    if (service === undefined) return [];
    try {
      return [planListener(listener, service)];
    } catch (error) {
      if (this.#startedAt === undefined) throw error;
      this.#listenerFailed(listener.name, error);
      return [];
    }
  }

  #listenerFailed(name: string, error: unknown): void {
    this.#ports.fail(name, error);
    this.#parts.log.error({ event: "listener_failed", listener: name }, `${name}: ${errorMessage(error)}`);
  }

  async #openAnew(plan: ListenerPlan): Promise<void> {
    // Who waits in the queue of a port that goes on is served by what is different now.
    if (!this.#ports.has(plan, "place")) await this.#ports.close(plan.name, this.#pool);
    try {
      await this.#ports.open(plan);
    } catch (error) {
      this.#listenerFailed(plan.name, error);
      return;
    }
    if (!this.#known.has(plan.service)) return;
    for (const slot of this.#pool.slots)
      if (slot.link) await this.#ports.giveTo(slot, ({ name }) => name === plan.name);
  }

  async #equip(slot: WorkerSlot): Promise<void> {
    const { number } = slot;
    if (slot.link !== undefined) this.#tellSecrets(slot.link);
    this.#tellTable(slot.link);
    await this.#ports.giveTo(slot, ({ service }) => this.#known.has(service));
    this.#equipped.add(number);
    this.#relieveOrphans();
  }

  /** What a table needs to be followed. */
  #tellSecrets(link: WorkerLink): void {
    link.tell({ type: "tls", materials: this.#certificates.materials });
    for (const message of this.#accounts.messages()) link.tell(message);
  }

  #tellTable(link: WorkerLink | undefined): void {
    const table = this.#table.current;
    if (link === undefined || this.#told.get(link) === table) return;
    this.#told.set(link, table);
    link.tell({ type: "table", table, cells: this.#board.cells });
  }

  /**
   * Workers of before accept, by the last table they had, until the servers are known and the workers of now accept, so that nobody
   * has to wait; from then on they follow this table, and drain.
   */
  #relieveOrphans(): void {
    const isServed =
      [...this.#plans.keys()].every((name) => this.#known.has(name)) &&
      this.#pool.slots.every(({ number }) => this.#equipped.has(number));
    if (!isServed) return;
    const { upgrade_timeout: withinMs } = this.#parts.configuration().sluice.parameters;
    for (const link of this.#pool.orphans) {
      const isNew = !this.#draining.has(link);
      this.#draining.add(link);
      if (isNew) this.#tellSecrets(link);
      this.#tellTable(link);
      if (isNew) link.tell({ type: "drain", withinMs });
    }
  }

  /** Ports of services about which something is known are served; until then, whoever comes waits in their queue. */
  #serveKnown(): void {
    const { snapshot, stateOf } = this.#parts.fleet;
    const isKnown = ({ servers }: ServicePlan): boolean =>
      servers.every(({ server }) => {
        const role = stateOf(server)?.cause.code ?? "STARTING";
        return snapshot.servers.get(server)?.verdict.known === true && !UNDECIDED.has(role);
      });
    for (const [name, plan] of this.#plans) {
      if (this.#known.has(name) || !(this.#isEveryoneKnown || isKnown(plan))) continue;
      this.#known.add(name);
      for (const slot of this.#pool.slots)
        if (slot.link !== undefined) void this.#ports.giveTo(slot, ({ service }) => service === name);
    }
    this.#kernel.route(this.#table.current.services, (service) => this.#known.has(service));
    this.#relieveOrphans();
  }

  #putAccounts(): void {
    const splits = [...this.#plans].filter(([, { router }]) => router === "readwritesplit");
    this.#accounts.put(splits.map(([name]) => name));
  }

  /** Servers that are up come first, the one that takes writes before the others: its accounts are never behind. */
  #serversToAsk(service: string): readonly string[] {
    const { snapshot } = this.#parts.fleet;
    const primary = this.#table.current.splits.find(({ name }) => name === service)?.primary;
    const distance = (server: string): number => {
      if (server === primary) return 0;
      return snapshot.servers.get(server)?.verdict.up === true ? 1 : 2;
    };
    const names = this.#plans.get(service)?.servers.map(({ server }) => server) ?? [];
    return [...names].sort((a, b) => distance(a) - distance(b));
  }

  #heard(message: FromWorker): void {
    switch (message.type) {
      case "listening":
        if (message.failure !== undefined) this.#ports.fail(message.listener, message.failure);
        return;
      case "accounts wanted":
      case "login failed":
      case "password exposed":
        this.#accounts.heard(message);
        return;
      case "server failed":
        this.#serverFailed(message);
        return;
      case "find session":
        void this.#findSession(message);
        return;
      case "end session":
        this.#pool.broadcast(message);
        return;
      case "hello":
      case "counters":
      case "sessions":
        return;
    }
  }

  async #findSession({
    asker,
    question,
    connectionId,
  }: Extract<FromWorker, { type: "find session" }>): Promise<void> {
    const found = (await this.#sessionLines()).find(({ id }) => connectionIdOf(id) === connectionId);
    const session = found && { id: found.id, user: found.user, connections: found.connections };
    this.#pool.broadcast({ type: "session found", asker, question, ...(session && { session }) });
  }

  #serverFailed({ server, reason }: Extract<FromWorker, { type: "server failed" }>): void {
    this.#parts.log.debug(
      { event: "server_failed", server, reason },
      `${server} could not be used: ${reason}`,
    );
    this.#parts.onServerFailed(server);
  }

  #logRoute(route: ServiceRoute | SplitRoute): void {
    const { log } = this.#parts;
    const { name, refusal } = route;
    const servers = ("targets" in route ? route.targets : route.servers).map(({ server }) => server);
    const fields = { event: "route", service: name, servers };
    if (servers.length > 0) log.info(fields, `service ${name} uses ${servers.join(", ")}`);
    else log.warn(fields, refusal);
  }

  #serviceStatus(name: string): ServiceStatus {
    const { current, total, most, refused, waiting, retried } = this.#counts.service(name, this.#counters);
    const isRunning = this.#plans.has(name) && !this.#stopped.service.has(name);
    const route = this.#table.current.services.find((service) => service.name === name);
    const isSplit = this.#plans.get(name)?.router === "readwritesplit";
    const sum = this.#counts.splitOf(name, this.#counters);
    return {
      running: isRunning,
      startedAt: isRunning ? this.#startedAt : undefined,
      connections: { current, total, max: most },
      activeOperations: [...sum.servers.values()].reduce((running, server) => running + server.running, 0),
      usersUpdatedAt: this.#accounts.current(name)?.readAt,
      users: this.#usersOf(name),
      diagnostics: {
        ...(isSplit
          ? splitDiagnostics(
              this.#table.current.splits.find((split) => split.name === name),
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
    return (this.#accounts.current(service)?.accounts ?? []).map(({ user, host, methods }) => ({
      user,
      host,
      plugin: methods.map(({ plugin }) => plugin).join(" or "),
    }));
  }

  #listenerStatus(name: string): ListenerStatus {
    const service = this.#parts.configuration().listeners.get(name)?.parameters.service ?? "";
    if (isInKernel(this.#plans.get(service))) return this.#kernelListenerStatus(name);
    if (this.#parts.workers === 0) return { state: "not started", reason: "threads=0: no proxy here" };
    return this.#ports.status(name) ?? { state: "stopped", reason: undefined };
  }

  #kernelListenerStatus(name: string): ListenerStatus {
    const reason = this.#kernel.failureOf(name);
    if (reason !== undefined) return { state: "failed", reason };
    return { state: this.#kernel.isServed(name) ? "running" : "stopped", reason: undefined };
  }

  async #sessionLines(): Promise<readonly SessionLine[]> {
    const ofWorkers = this.#pool.links.map((link) => link.sessions());
    return (await Promise.all([...ofWorkers, this.#kernel.sessions()])).flat();
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
