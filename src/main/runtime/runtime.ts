import { availableParallelism } from "node:os";
import type { PublisherStatus } from "../../admin/control.ts";
import type { Configuration, MonitorObject } from "../../config/configuration.ts";
import { formatChange, type ObjectChange } from "../../config/diff-configurations.ts";
import type { Edit } from "../../config/edit-sections.ts";
import { REAL_FILES } from "../../config/file-access.ts";
import { formatProblem } from "../../config/problem.ts";
import type { Decrypt } from "../../config/secrets.ts";
import type { SourceSection } from "../../config/source.ts";
import { checkTlsFiles } from "../../config/tls/check-tls-files.ts";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import type { AdminStore } from "../../monitor/admin-store.ts";
import type { EventLog } from "../../monitor/event-log.ts";
import type { MonitorEvent } from "../../monitor/events.ts";
import { FleetMonitor, type FleetPlan, type ServerMemory } from "../../monitor/fleet-monitor.ts";
import { FleetStore } from "../../monitor/fleet-store.ts";
import type { ModuleState, ServerInput } from "../../monitor/modules/monitor-module.ts";
import { OffSwitch } from "../../monitor/off-switch.ts";
import type { ScriptServer } from "../../monitor/script/script-variables.ts";
import type { Publisher } from "../../publish/publisher.ts";
import { Turns } from "../../system/turns.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import type { ServerState } from "../../topology/state.ts";
import type { AdminState } from "../../topology/verdict.ts";
import { explanation } from "../../verdict/explanation.ts";
import type { Overlay } from "../../verdict/judge.ts";
import { Traffic } from "../traffic/traffic.ts";
import type { Stopped } from "../traffic/wanted-listeners.ts";
import type { Companion, CreateCompanion } from "./companion.ts";
import type { Candidate, ConfigurationStore } from "./configuration-store.ts";
import { Discovery } from "./discovery.ts";
import { GlbControls } from "./glb-controls.ts";
import { createPublisher } from "./plan-publishers.ts";
import { planFleets, type TargetOf } from "./plan-servers.ts";
import type { Services } from "./services.ts";

export interface RuntimeParts {
  readonly configuration: ConfigurationStore;
  readonly targetOf: TargetOf;
  readonly decrypt: Decrypt;
  readonly admin: AdminStore;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  /** Directory of what monitors remember. */
  readonly stateDirectory: string;
  /** Directory where worker processes find the control process. */
  readonly runtimeDirectory: string;
  /** Undefined: the monitors have neither journal nor script. */
  readonly createCompanion: CreateCompanion | undefined;
  /** What the runtime of a predecessor knew; undefined: there is none. */
  readonly memory: RuntimeMemory | undefined;
}

/** What must not be forgotten for a moment when another program goes on: plain JSON. */
export interface RuntimeMemory {
  /** By monitor, then by server. */
  readonly monitors: Readonly<Record<string, Readonly<Record<string, ServerMemory>>>>;
  readonly stoppedMonitors: readonly string[];
  readonly stopped: Stopped;
}

/** How long a successor waits for the first verdicts before it answers anybody; those it remembers are there at once. */
const KNOW_WITHIN_MS = 3000;

interface RunningPublisher {
  readonly publisher: Publisher | undefined;
  /** Why it does not run. */
  readonly reason: string | undefined;
}

/**
 * The objects of the configuration, alive: monitors with their watches, publishers, off switches. A change of the configuration is
 * applied object by object; what did not change goes on undisturbed.
 *
 *   Candidate ─▶ plan all (may refuse) ─▶ keep ─▶ accept ─▶ monitors, publishers that differ
 */
export class Runtime {
  readonly #parts: RuntimeParts;
  readonly fleet = new FleetStore();
  readonly #monitors = new Map<string, FleetMonitor>();
  /** By monitor; a changed monitor gets a new one. */
  readonly #companions = new Map<string, { readonly key: string; readonly companion: Companion }>();
  readonly #publishers = new Map<string, RunningPublisher>();
  readonly services: Services;
  readonly traffic: Traffic;
  readonly #controls: GlbControls;
  readonly #discovery: Discovery;
  #offSwitch: OffSwitch;
  readonly #outOfFirewall = Promise.withResolvers<void>();
  #isStarted = false;
  /** Events are another program's to tell. */
  #isOnlooker = false;
  /** One change at a time. */
  readonly #turns = new Turns();

  /** Throws where the configuration cannot be put into practice: a missing file, a server without an account. */
  constructor(parts: RuntimeParts) {
    this.#parts = parts;
    this.#offSwitch = this.#createOffSwitch(parts.configuration.current);
    this.services = this.#createServices();
    this.traffic = this.#createTraffic();
    this.#controls = this.#createControls();
    this.#discovery = this.#createDiscovery();
    this.fleet.subscribe(() => this.traffic.refresh());
    for (const plan of this.#planFleets(parts.configuration.current)) this.#addMonitor(plan);
  }

  get configuration(): Configuration {
    return this.#parts.configuration.current;
  }

  /** What the present configuration was compiled from. */
  get sections(): readonly SourceSection[] {
    return this.#parts.configuration.sections;
  }

  get monitors(): ReadonlyMap<string, FleetMonitor> {
    return this.#monitors;
  }

  /** Checks that publishers can be made of the configuration, and makes none. Throws CONFIG_INVALID. */
  check(): void {
    for (const object of this.configuration.publishers.values())
      createPublisher(object, this.configuration, this.services);
  }

  /** Watches the servers already, before anybody is answered; resolves when every one has been judged, or should have been. */
  async watch(): Promise<void> {
    this.#startWatching();
    await untilTrue(
      (look) => this.fleet.subscribe(look),
      () => this.isEveryoneKnown,
      this.#parts.clock,
      KNOW_WITHIN_MS,
    );
  }

  /** For a rehearsal: the servers that are down to this program, and why; one that has not been judged in time is not among them. */
  async findDown(): Promise<Readonly<Record<string, string>>> {
    this.#isOnlooker = true;
    await this.watch();
    const down = [...this.fleet.current().servers.values()].filter(
      ({ verdict }) => verdict.known && !verdict.up,
    );
    for (const monitor of this.#monitors.values()) monitor.stop();
    return Object.fromEntries(down.map(({ name, verdict }) => [name, verdict.sentence]));
  }

  /** Whether a server may be used, as far as is known now. */
  isUp(server: string): boolean {
    return this.fleet.current().servers.get(server)?.verdict.up === true;
  }

  get isEveryoneKnown(): boolean {
    return [...this.fleet.current().servers.values()].every(({ verdict }) => verdict.known);
  }

  /** Opens publishers and listeners; while privileges are still there. Throws what the first one that cannot start throws. */
  async open(): Promise<void> {
    for (const object of this.configuration.publishers.values()) {
      const publisher = createPublisher(object, this.configuration, this.services);
      await publisher.start();
      this.#publishers.set(object.name, { publisher, reason: undefined });
    }
    await this.traffic.open();
    await this.#controls.open();
  }

  /** A publisher or a service changes the firewall. */
  get needsNetAdmin(): boolean {
    if (this.traffic.needsNetAdmin) return true;
    return [...this.#publishers.values()].some(({ publisher }) => publisher?.needsNetAdmin === true);
  }

  async start(): Promise<void> {
    this.#startWatching();
    await this.traffic.start();
  }

  #startWatching(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#offSwitch.start();
    const stopped = new Set(this.#parts.memory?.stoppedMonitors);
    for (const [name, monitor] of this.#monitors) {
      monitor.start();
      if (stopped.has(name)) monitor.stop();
    }
    this.#discovery.start();
  }

  /**
   * Leaves everything to a successor of this process: nothing is taken back of what was told, and traffic goes on.
   * @returns what it has to know; and when whoever is being answered now has been
   */
  handOver(): { readonly memory: RuntimeMemory; readonly atRest: Promise<unknown> } {
    this.#offSwitch.close();
    this.#discovery.stop();
    const all = [...this.#monitors];
    const stoppedMonitors = all.filter(([, { isRunning }]) => !isRunning).map(([name]) => name);
    const monitors = Object.fromEntries(all.map(([name, monitor]) => [name, monitor.handOver()]));
    const memory = { monitors, stoppedMonitors, stopped: this.traffic.handOver() };
    const closing = [
      this.#controls.close("succession"),
      ...[...this.#publishers.values()].map(({ publisher }) => publisher?.close("succession")),
      ...[...this.#companions.values()].map(({ companion }) => companion.close()),
    ];
    return { memory, atRest: Promise.allSettled(closing).then(() => this.#parts.events.flush()) };
  }

  async stop(): Promise<void> {
    this.#discovery.stop();
    this.#offSwitch.close();
    for (const monitor of this.#monitors.values()) monitor.stop();
    const publishers = [...this.#publishers.values()].flatMap(({ publisher }) => publisher ?? []);
    const { firewall = [], others = [] } = Object.groupBy(publishers, ({ needsNetAdmin = false }) =>
      needsNetAdmin ? "firewall" : "others",
    );
    const leaving = [this.traffic.leaveKernel(), ...firewall.map((publisher) => publisher.close("exit"))];
    void Promise.allSettled(leaving).then(() => this.#outOfFirewall.resolve());
    await Promise.all([
      ...leaving,
      this.traffic.stop(),
      this.#controls.close(),
      ...others.map((publisher) => publisher.close("exit")),
      ...[...this.#companions.values()].map(({ companion }) => companion.close()),
    ]);
    await this.#parts.events.flush();
  }

  /** Resolves once stop() has taken out of the firewall what was not to stay there. */
  get outOfFirewall(): Promise<void> {
    return this.#outOfFirewall.promise;
  }

  /** Files that publishers have read (certificates) are read again. */
  rereadFiles(): void {
    for (const [name, { publisher }] of this.#publishers) {
      try {
        publisher?.reload?.();
      } catch (error) {
        this.#parts.log.error({ event: "reload_failed", publisher: name }, errorMessage(error));
      }
    }
    this.traffic.rereadFiles();
  }

  /** See Control.apply. */
  apply(edits: readonly Edit[]): Promise<void> {
    return this.edit(() => edits);
  }

  /** The same for edits that depend on what the changes before them have left. */
  edit(make: (configuration: Configuration) => readonly Edit[]): Promise<void> {
    return this.inTurn(async () => {
      await this.#put(this.#parts.configuration.edited(make(this.configuration)));
    });
  }

  /** See Control.reload. */
  reload(): Promise<readonly string[]> {
    return this.inTurn(async () => {
      const candidate = this.#parts.configuration.reread();
      await this.#put(candidate);
      return candidate.changes.map(formatChange);
    });
  }

  /** See Control.setServerState. */
  setServerState(server: string, state: AdminState, force: boolean): void {
    const monitor = this.#monitorOf(server);
    if (!this.configuration.servers.has(server))
      throw new SluiceError("NOT_FOUND", `there is no server ${server}`);
    if (
      state !== "none" &&
      !force &&
      monitor?.states.get(server)?.role === "primary" &&
      monitor.watches.length > 1
    ) {
      throw new SluiceError(
        "REFUSED",
        `${server} is the primary: putting it away stops all writes; --force does it all the same`,
      );
    }
    this.#parts.admin.set(server, state);
    monitor?.overlayChanged(server);
    const words = state === "none" ? "back in service" : state;
    this.#parts.log.info({ event: "admin", server, state }, `${server}: ${words}, by a person`);
  }

  /** Starts or stops a monitor. NOT_FOUND. */
  setMonitorRunning(name: string, isRunning: boolean): void {
    const monitor = this.#monitors.get(name);
    if (monitor === undefined) throw new SluiceError("NOT_FOUND", `there is no monitor ${name}`);
    if (isRunning) monitor.start();
    else monitor.stop();
  }

  publisherStatus(): ReadonlyMap<string, PublisherStatus> {
    return new Map(
      [...this.#publishers].map(([name, { publisher, reason }]) => {
        const state = publisher === undefined ? "failed" : "running";
        const tells = publisher?.gate && (publisher.gate.isOpen ? "open" : "closed");
        return [name, { state, reason, tells }] as const;
      }),
    );
  }

  explain(name: string): string {
    const server = this.fleet.current().servers.get(name);
    if (server === undefined) throw new SluiceError("NOT_FOUND", `there is no server ${name}`);
    return explanation(server, this.#parts.clock.now());
  }

  async #put(candidate: ReturnType<ConfigurationStore["edited"]>): Promise<void> {
    const { configuration: store, log } = this.#parts;
    checkCertificates(candidate, this.#parts.clock.now());
    const plans = this.#planFleets(candidate.configuration);
    await store.keep(candidate);
    store.accept(candidate);
    for (const change of candidate.changes) log.info({ event: "configuration" }, formatChange(change));
    this.#replaceOffSwitch(candidate.configuration);
    this.#putMonitors(plans);
    await this.#putPublishers(candidate.changes);
    await this.traffic.put();
    await this.#controls.put();
  }

  #putMonitors(plans: readonly FleetPlan[]): void {
    const names = new Set(plans.map(({ name }) => name));
    for (const [name, monitor] of this.#monitors) {
      if (names.has(name)) continue;
      monitor.remove();
      this.#monitors.delete(name);
      this.#closeCompanion(name);
    }
    for (const plan of plans) {
      const present = this.#monitors.get(plan.name);
      if (present !== undefined) {
        this.#companionOf(plan);
        present.replan(plan);
      } else this.#addMonitor(plan).start();
    }
  }

  async #putPublishers(changes: readonly ObjectChange[]): Promise<void> {
    for (const change of changes) {
      const object = change.change === "changed" ? change.after : change.object;
      if (object.kind !== "publisher") continue;
      await this.#publishers.get(object.name)?.publisher?.close("changed");
      this.#publishers.delete(object.name);
      if (change.change !== "removed") await this.#startPublisher(object);
    }
  }

  /** A publisher that cannot start is an object that says why; the change itself stands. */
  async #startPublisher(object: Parameters<typeof createPublisher>[0]): Promise<void> {
    try {
      const publisher = createPublisher(object, this.configuration, this.services);
      await publisher.start();
      this.#publishers.set(object.name, { publisher, reason: undefined });
    } catch (error) {
      const reason = errorMessage(error);
      this.#publishers.set(object.name, { publisher: undefined, reason });
      this.#parts.log.error(
        { event: "publisher_failed", publisher: object.name, reason },
        `${object.name}: ${reason}`,
      );
    }
  }

  #planFleets(configuration: Configuration): readonly FleetPlan[] {
    return planFleets(configuration, this.#parts.targetOf, this.#parts.clock);
  }

  #addMonitor(plan: FleetPlan): FleetMonitor {
    const { clock, log } = this.#parts;
    const around = {
      store: this.fleet,
      clock,
      log: log.child({ monitor: plan.name }),
      listener: {
        onEvents: (name: string, events: readonly MonitorEvent[]) => this.#onEvents(name, events),
        onJudged: (
          name: string,
          inputs: readonly ServerInput[],
          states: ReadonlyMap<string, ServerState>,
        ) => {
          this.traffic.refresh();
          this.#companions.get(name)?.companion.judged(inputs, states);
        },
        onState: (name: string, state: ModuleState) => this.#companions.get(name)?.companion.save(state),
      },
      overlayOf: (server: string) => this.#overlayOf(server),
      openConnectionsOf: (server: string) => this.traffic.report.connectionsOf(server).current,
    };
    const remembered = this.#isStarted ? undefined : this.#parts.memory?.monitors[plan.name];
    const monitor = new FleetMonitor(plan, around, this.#companionOf(plan)?.load(), remembered);
    this.#monitors.set(plan.name, monitor);
    return monitor;
  }

  #onEvents(monitor: string, events: readonly MonitorEvent[]): void {
    if (this.#isOnlooker) return;
    this.#parts.events.append(monitor, events);
    this.#companions.get(monitor)?.companion.handle(events, this.#scriptServers(monitor));
  }

  /** The companion of a monitor; a new one where the monitor or its servers are not what they were. */
  #companionOf(plan: FleetPlan): Companion | undefined {
    const { createCompanion, stateDirectory, clock, log, configuration } = this.#parts;
    const monitor = configuration.current.monitors.get(plan.name);
    if (createCompanion === undefined || monitor === undefined) return undefined;
    const endpoints = plan.members.map(({ watched }) => [watched.name, watched.endpoint]);
    const key = JSON.stringify([monitor.module, monitor.parameters, endpoints]);
    const present = this.#companions.get(plan.name);
    if (present?.key === key) return present.companion;
    const around = {
      directory: stateDirectory,
      clock,
      log,
      configuration: () => this.configuration,
      targetOf: this.#parts.targetOf,
    };
    const companion = createCompanion(monitor, plan, around);
    this.#closeCompanion(plan.name);
    this.#companions.set(plan.name, { key, companion });
    return companion;
  }

  #closeCompanion(name: string): void {
    void this.#companions.get(name)?.companion.close();
    this.#companions.delete(name);
  }

  /** The servers of a monitor as its script is told of them. */
  #scriptServers(name: string): readonly ScriptServer[] {
    const monitor = this.#monitors.get(name);
    if (monitor === undefined) return [];
    const { servers } = this.fleet.current();
    return [...monitor.states].flatMap(([server, state]) => {
      const snapshot = servers.get(server);
      return snapshot === undefined
        ? []
        : [{ name: server, endpoint: snapshot.endpoint, state, sources: monitor.sourcesOf(server) }];
    });
  }

  #overlayOf(server: string): Overlay {
    return { admin: this.#parts.admin.get(server), offSwitch: this.#offSwitchOf(server) };
  }

  /** The off-switch file that is there, if it is one of those that this server's monitor names. */
  #offSwitchOf(server: string): string | undefined {
    const { present } = this.#offSwitch;
    if (present === undefined) return undefined;
    const monitor = monitorObjectOf(server, this.configuration);
    const own = this.configuration.servers.get(server)?.parameters.disable_files;
    return (own ?? monitor?.parameters.disable_files ?? []).includes(present) ? present : undefined;
  }

  #createOffSwitch(configuration: Configuration): OffSwitch {
    const files = [...configuration.monitors.values(), ...configuration.servers.values()].flatMap(
      ({ parameters }) => parameters.disable_files ?? [],
    );
    return new OffSwitch([...new Set(files)], this.#parts.clock, (present) => {
      const words = present === undefined ? "the off-switch file is gone" : `${present} forces servers out`;
      this.#parts.log.warn({ event: "off_switch", file: present }, words);
      this.#overlaysChanged();
    });
  }

  #replaceOffSwitch(configuration: Configuration): void {
    this.#offSwitch.close();
    this.#offSwitch = this.#createOffSwitch(configuration);
    if (this.#isStarted) this.#offSwitch.start();
    this.#overlaysChanged();
  }

  #overlaysChanged(): void {
    for (const monitor of this.#monitors.values()) {
      for (const { name } of monitor.watches) monitor.overlayChanged(name);
    }
  }

  #monitorOf(server: string): FleetMonitor | undefined {
    return [...this.#monitors.values()].find((monitor) => monitor.watch(server) !== undefined);
  }

  #createServices(): Services {
    const { clock, log, version, events, decrypt } = this.#parts;
    const sources = {
      fleet: this.fleet,
      clock,
      version,
      counts: (server: string) => this.#monitorOf(server)?.watch(server)?.counts,
      eventCounts: () => events.counts(),
      gates: () =>
        [...this.#publishers].flatMap(([name, { publisher }]) =>
          publisher?.gate === undefined ? [] : [{ publisher: name, ...publisher.gate }],
        ),
      traffic: () => this.traffic.report.figures,
    };
    // Loaded when somebody scrapes: an agent that nobody scrapes need not hold it in memory.
    let registry: Promise<{ metrics(): Promise<string> }> | undefined;
    const render = async (): Promise<string> => {
      registry ??= import("../../telemetry/metrics.ts").then(({ createMetrics }) => createMetrics(sources));
      return await (await registry).metrics();
    };
    let text: Promise<string> | undefined;
    return {
      fleet: this.fleet,
      clock,
      log,
      decrypt,
      actions: {
        hint: () => {
          for (const monitor of this.#monitors.values()) monitor.hint();
        },
        explain: (name) => this.explain(name),
        // Whoever may use the control socket is on the host and means it.
        setAdmin: (name, state) => this.setServerState(name, state, true),
      },
      // Whoever asks in the same turn of the event loop shares the text: scrapers by the hundred must not hold up probes.
      metrics: () => {
        if (text === undefined) {
          text = render();
          setImmediate(() => {
            text = undefined;
          });
        }
        return text;
      },
    };
  }

  #createDiscovery(): Discovery {
    const { clock, log } = this.#parts;
    return new Discovery({
      fleet: this.fleet,
      clock,
      log,
      configuration: () => this.configuration,
      edit: (make) => this.edit(make),
    });
  }

  #createControls(): GlbControls {
    const { clock, log } = this.#parts;
    const host = {
      configuration: () => this.configuration,
      usage: (service: string) => this.traffic.report.usage(service),
      edit: (make: (configuration: Configuration) => readonly Edit[]) => this.edit(make),
      leaveServer: (service: string, server: string) => this.traffic.leaveServer(service, server),
    };
    return new GlbControls(host, clock, log);
  }

  #createTraffic(): Traffic {
    const { clock, log, runtimeDirectory, stateDirectory, memory } = this.#parts;
    const { threads } = this.configuration.sluice.parameters;
    const { fleet } = this;
    return new Traffic({
      workers: threads === "auto" ? availableParallelism() : threads,
      directory: runtimeDirectory,
      stateDirectory,
      clock,
      log,
      files: REAL_FILES,
      decrypt: this.#parts.decrypt,
      configuration: () => this.configuration,
      onCertificateExpiring: ({ name }, sentence) =>
        this.#parts.events.append("", [certificateEvent(clock.now(), name, sentence)]),
      fleet: {
        get snapshot() {
          return fleet.current();
        },
        stateOf: (server) => this.#monitorOf(server)?.states.get(server),
      },
      stopped: memory?.stopped,
      onServerFailed: (server) => this.#monitorOf(server)?.watch(server)?.hint(),
    });
  }

  /** One change at a time. */
  inTurn<T>(change: () => Promise<T>): Promise<T> {
    return this.#turns.run(change);
  }
}

/**
 * Throws CONFIG_INVALID where the certificates of what changes cannot be used. Files of the rest are watched, and a broken one
 * there must not stand against every other change.
 */
function checkCertificates({ configuration, changes }: Candidate, now: number): void {
  const names = changes.map((change) => (change.change === "changed" ? change.after : change.object).name);
  const { problems } = checkTlsFiles(configuration, REAL_FILES, now, new Set(names));
  if (problems.length > 0) throw new SluiceError("CONFIG_INVALID", problems.map(formatProblem).join("\n"));
}

/** `name` is a listener's or a server's. */
function certificateEvent(time: number, name: string, sentence: string): MonitorEvent {
  const cause = { code: "CERTIFICATE_EXPIRES", sentence };
  return { time, server: name, event: "certificate_expires", from: "", to: "", cause, maxscaleEvent: null };
}

/** Resolves when it holds, looking at each change, or at the deadline. */
async function untilTrue(
  subscribe: (look: () => void) => () => void,
  holds: () => boolean,
  clock: Clock,
  withinMs: number,
): Promise<void> {
  if (holds()) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      cancel();
      unsubscribe();
      resolve();
    };
    const cancel = clock.after(withinMs, end);
    const unsubscribe = subscribe(() => holds() && end());
  });
}

function monitorObjectOf(server: string, configuration: Configuration): MonitorObject | undefined {
  return [...configuration.monitors.values()].find(({ parameters }) => parameters.servers.includes(server));
}
