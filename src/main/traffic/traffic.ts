import type { Configuration } from "../../config/configuration.ts";
import type { FileAccess } from "../../config/file-access.ts";
import type { Decrypt } from "../../config/secrets.ts";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import { connectionIdOf, type FromWorker } from "../../proxy/worker/messages.ts";
import { readForwarding } from "../../system/forwarding.ts";
import { commandRunner } from "../../system/run-command.ts";
import { SOCKETS } from "../../system/socket-register.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import type { CertificateFigures } from "../../telemetry/metrics.ts";
import type { ServiceRoute, SplitRoute } from "../../topology/routing-table.ts";
import { AccountBooks } from "./account-books.ts";
import { CertificateWatch } from "./certificate-watch.ts";
import { KernelTraffic } from "./kernel/kernel-traffic.ts";
import { KnownServices } from "./known-services.ts";
import { ListeningPorts } from "./listening-ports.ts";
import { type ListenerPlan, planServices } from "./plan-traffic.ts";
import { receivePortsLeft } from "./ports-left.ts";
import { type FleetKnowledge, RouteTable } from "./route-table.ts";
import type { ServicePlan } from "./service-plan.ts";
import { TrafficCounts } from "./traffic-counts.ts";
import { TrafficReport } from "./traffic-report.ts";
import { type Stopped, WantedListeners } from "./wanted-listeners.ts";
import { WorkerBoard } from "./worker-board.ts";
import { WorkerFeed } from "./worker-feed.ts";
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

/** How long clients wait in the queue of a port, at start, for servers that have not been judged yet. */
const KNOW_WITHIN_MS = 3000;

/** For one command of the firewall, ms. */
const COMMAND_DEADLINE_MS = 2500;

/**
 * The services and listeners of the configuration, alive.
 *
 *   configuration ─▶ plans ─┬─▶ WantedListeners ─▶ ListeningPorts ─ sockets ─▶ workers
 *   fleet, roles ───────────┴─▶ RouteTable ─┬─▶ WorkerFeed ─ table, secrets ─▶ workers ─ counters, sessions ─▶ TrafficReport
 *                                           └─▶ KernelTraffic (dataplane=kernel) ───────────────────────────────┘
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
  readonly #wanted: WantedListeners;
  readonly #feed: WorkerFeed;
  /** What is told of it all. */
  readonly report: TrafficReport;
  #plans: ReadonlyMap<string, ServicePlan> = new Map();
  readonly #known = new KnownServices();
  /** Numbers of the workers that have got their listening sockets. */
  readonly #equipped = new Set<number>();
  #areWorkersLeft = false;
  #isPoolRunning = false;
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
    this.#wanted = new WantedListeners(
      {
        workers: parts.workers,
        configuration: () => parts.configuration(),
        plans: () => this.#plans,
        onRefused: (listener, error) => this.#listenerRefused(listener, error),
      },
      parts.stopped,
    );
    const all = {
      pool: this.#pool,
      ports: this.#ports,
      kernel: this.#kernel,
      board: this.#board,
      table: this.#table,
      counts: this.#counts,
      accounts: this.#accounts,
      certificates: this.#certificates,
    };
    this.#feed = new WorkerFeed(all);
    this.report = new TrafficReport({
      ...all,
      workers: parts.workers,
      fleet: parts.fleet,
      configuration: () => parts.configuration(),
      planOf: (service) => this.#plans.get(service),
      runningSince: (service) =>
        this.#plans.has(service) && !this.#wanted.isServiceStopped(service) ? this.#startedAt : undefined,
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
    for (const plan of this.#wanted.inProcesses()) await this.#ports.open(plan);
    await this.#kernel.open(this.#wanted.inKernel());
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
      this.#known.waitNoLonger();
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
    return this.#wanted.stopped;
  }

  /** Takes over the configuration that is now in force. */
  async put(): Promise<void> {
    this.#certificates.refresh();
    this.#plans = planServices(this.#parts.configuration());
    this.#putAccounts();
    this.refresh();
    const wanted = this.#wanted.inProcesses();
    const names = new Set(wanted.map(({ name }) => name));
    for (const name of this.#ports.names) if (!names.has(name)) await this.#ports.close(name, this.#pool);
    const inKernel = this.#wanted.inKernel();
    // A port may go from a process to the kernel, or back.
    await this.#kernel.put(inKernel);
    for (const plan of wanted) if (!this.#ports.has(plan, "all")) await this.#openAnew(plan);
    await this.#startPool();
  }

  /** Certificates that were replaced count for new connections; those that are open go on. */
  rereadFiles(): void {
    this.#certificates.refresh();
  }

  /** Something about the servers may have changed: a new routing table goes out where it differs. */
  refresh(): void {
    const { clock, fleet } = this.#parts;
    const { changed, nextAt } = this.#table.update(this.#plans.values(), fleet, clock.now());
    this.#cancelNext();
    if (nextAt !== undefined) this.#cancelNext = clock.after(nextAt - clock.now(), () => this.refresh());
    if (changed.length > 0) {
      for (const { link } of this.#pool.slots) if (link !== undefined) this.#feed.tellTable(link);
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
    this.#wanted.setRunning(kind, name, isRunning);
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
    const found = (await this.report.sessionLines()).some((session) => String(session.id) === id);
    if (!found) throw new SluiceError("NOT_FOUND", `there is no session ${id}`);
    this.#parts.clock.after(ttlMs, () => {
      this.#pool.broadcast({ type: "end session", id: Number(id) });
      void this.#kernel.endSession(Number(id));
    });
  }

  /** Sessions of a service on a server that was taken out of it go elsewhere, or end. */
  leaveServer(service: string, server: string): void {
    this.#pool.broadcast({ type: "leave server", service, server });
    void this.#kernel.leaveServer(service, server);
  }

  async #startPool(): Promise<void> {
    if (this.#isPoolRunning || this.#startedAt === undefined) return;
    if (this.#ports.names.length === 0 && !this.#areWorkersLeft) return;
    this.#isPoolRunning = true;
    await this.#pool.start();
  }

  /** While the program starts a mistake ends it; later the listener says what is wrong with it. */
  #listenerRefused(name: string, error: unknown): void {
    if (this.#startedAt === undefined) throw error;
    this.#listenerFailed(name, error);
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
    const { number, link } = slot;
    if (link !== undefined) this.#feed.equip(link);
    await this.#ports.giveTo(slot, ({ service }) => this.#known.has(service));
    this.#equipped.add(number);
    this.#relieveOrphans();
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
    for (const link of this.#pool.orphans) this.#feed.drain(link, withinMs);
  }

  /** Ports of services about which something is known are served; until then, whoever comes waits in their queue. */
  #serveKnown(): void {
    for (const name of this.#known.update(this.#plans, this.#parts.fleet))
      for (const slot of this.#pool.slots)
        if (slot.link !== undefined) void this.#ports.giveTo(slot, ({ service }) => service === name);
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
    const found = (await this.report.sessionLines()).find(({ id }) => connectionIdOf(id) === connectionId);
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
}
