import { availableParallelism } from "node:os";
import type { Configuration } from "../../config/configuration.ts";
import { formatChange } from "../../config/diff-configurations.ts";
import type { Edit } from "../../config/edit-sections.ts";
import { REAL_FILES } from "../../config/file-access.ts";
import { formatProblem } from "../../config/problem.ts";
import type { Decrypt } from "../../config/secrets.ts";
import type { SourceSection } from "../../config/source.ts";
import { checkTlsFiles } from "../../config/tls/check-tls-files.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import type { AdminStore } from "../../monitor/admin-store.ts";
import type { EventLog } from "../../monitor/event-log.ts";
import type { MonitorEvent } from "../../monitor/events.ts";
import type { FleetMonitor, FleetPlan } from "../../monitor/fleet-monitor.ts";
import { FleetStore } from "../../monitor/fleet-store.ts";
import { Turns } from "../../system/turns.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import type { AdminState } from "../../topology/verdict.ts";
import { explanation } from "../../verdict/explanation.ts";
import { Traffic } from "../traffic/traffic.ts";
import type { Stopped } from "../traffic/wanted-listeners.ts";
import type { CreateCompanion } from "./companion.ts";
import type { Candidate, ConfigurationStore } from "./configuration-store.ts";
import { Discovery } from "./discovery.ts";
import { GlbControls } from "./glb-controls.ts";
import { Monitors, type MonitorsMemory } from "./monitors.ts";
import { OffSwitches } from "./off-switches.ts";
import { planFleets, type TargetOf } from "./plan-servers.ts";
import { Publishers } from "./publishers.ts";
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
  readonly monitors: MonitorsMemory;
  readonly stoppedMonitors: readonly string[];
  readonly stopped: Stopped;
}

/** How long a successor waits for the first verdicts before it answers anybody; those it remembers are there at once. */
const KNOW_WITHIN_MS = 3000;

/**
 * The objects of the configuration, alive: monitors with their watches, publishers, off switches. A change of the configuration is
 * applied object by object; what did not change goes on undisturbed.
 *
 *   Candidate ─▶ plan all (may refuse) ─▶ keep ─▶ accept ─▶ monitors, publishers that differ
 */
export class Runtime {
  readonly #parts: RuntimeParts;
  readonly fleet = new FleetStore();
  readonly #monitors: Monitors;
  readonly publishers: Publishers;
  readonly services: Services;
  readonly traffic: Traffic;
  readonly #controls: GlbControls;
  readonly #discovery: Discovery;
  readonly #offSwitches: OffSwitches;
  readonly #outOfFirewall = Promise.withResolvers<void>();
  #isStarted = false;
  /** One change at a time. */
  readonly #turns = new Turns();

  /** Throws where the configuration cannot be put into practice: a missing file, a server without an account. */
  constructor(parts: RuntimeParts) {
    this.#parts = parts;
    this.#offSwitches = new OffSwitches({
      clock: parts.clock,
      log: parts.log,
      configuration: () => this.configuration,
      onChange: () => this.#monitors.overlaysChanged(),
    });
    this.services = this.#createServices();
    this.publishers = new Publishers({
      log: parts.log,
      configuration: () => this.configuration,
      services: () => this.services,
    });
    this.#monitors = this.#createMonitors();
    this.traffic = this.#createTraffic();
    this.#controls = this.#createControls();
    this.#discovery = this.#createDiscovery();
    this.fleet.subscribe(() => this.traffic.refresh());
    this.#monitors.open(this.#planFleets(parts.configuration.current));
  }

  get monitors(): ReadonlyMap<string, FleetMonitor> {
    return this.#monitors.all;
  }

  get configuration(): Configuration {
    return this.#parts.configuration.current;
  }

  /** What the present configuration was compiled from. */
  get sections(): readonly SourceSection[] {
    return this.#parts.configuration.sections;
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
    this.#monitors.onlyLook();
    await this.watch();
    const down = [...this.fleet.current().servers.values()].filter(
      ({ verdict }) => verdict.known && !verdict.up,
    );
    this.#monitors.stop();
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
    await this.publishers.open();
    await this.traffic.open();
    await this.#controls.open();
  }

  /** A publisher or a service changes the firewall. */
  get needsNetAdmin(): boolean {
    return this.traffic.needsNetAdmin || this.publishers.needsNetAdmin;
  }

  async start(): Promise<void> {
    this.#startWatching();
    await this.traffic.start();
  }

  #startWatching(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#offSwitches.start();
    this.#monitors.start(new Set(this.#parts.memory?.stoppedMonitors));
    this.#discovery.start();
  }

  /**
   * Leaves everything to a successor of this process: nothing is taken back of what was told, and traffic goes on.
   * @returns what it has to know; and when whoever is being answered now has been
   */
  handOver(): { readonly memory: RuntimeMemory; readonly atRest: Promise<unknown> } {
    this.#offSwitches.close();
    this.#discovery.stop();
    const { memory: monitors, stopped: stoppedMonitors } = this.#monitors.handOver();
    const memory = { monitors, stoppedMonitors, stopped: this.traffic.handOver() };
    const closing = [
      this.#controls.close("succession"),
      ...this.publishers.handOver(),
      ...this.#monitors.close(),
    ];
    return { memory, atRest: Promise.allSettled(closing).then(() => this.#parts.events.flush()) };
  }

  async stop(): Promise<void> {
    this.#discovery.stop();
    this.#offSwitches.close();
    this.#monitors.stop();
    const { firewall, others } = this.publishers.end();
    const leaving = [this.traffic.leaveKernel(), ...firewall];
    void Promise.allSettled(leaving).then(() => this.#outOfFirewall.resolve());
    await Promise.all([
      ...leaving,
      this.traffic.stop(),
      this.#controls.close(),
      ...others,
      ...this.#monitors.close(),
    ]);
    await this.#parts.events.flush();
  }

  /** Resolves once stop() has taken out of the firewall what was not to stay there. */
  get outOfFirewall(): Promise<void> {
    return this.#outOfFirewall.promise;
  }

  /** Files that publishers have read (certificates) are read again. */
  rereadFiles(): void {
    this.publishers.rereadFiles();
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
    const monitor = this.#monitors.of(server);
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
    const monitor = this.#monitors.all.get(name);
    if (monitor === undefined) throw new SluiceError("NOT_FOUND", `there is no monitor ${name}`);
    if (isRunning) monitor.start();
    else monitor.stop();
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
    this.#offSwitches.put();
    this.#monitors.put(plans);
    await this.publishers.put(candidate.changes);
    await this.traffic.put();
    await this.#controls.put();
  }

  #planFleets(configuration: Configuration): readonly FleetPlan[] {
    return planFleets(configuration, this.#parts.targetOf, this.#parts.clock);
  }

  #createServices(): Services {
    const { clock, log, version, events, decrypt } = this.#parts;
    const sources = {
      fleet: this.fleet,
      clock,
      version,
      counts: (server: string) => this.#monitors.of(server)?.watch(server)?.counts,
      eventCounts: () => events.counts(),
      gates: () => this.publishers.gates,
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
        hint: () => this.#monitors.hint(),
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

  #createMonitors(): Monitors {
    const { events, clock, log, stateDirectory, targetOf, createCompanion, memory, admin } = this.#parts;
    const parts = {
      store: this.fleet,
      events,
      clock,
      log,
      stateDirectory,
      targetOf,
      createCompanion,
      memory: memory?.monitors,
      configuration: () => this.configuration,
      overlayOf: (server: string) => ({
        admin: admin.get(server),
        offSwitch: this.#offSwitches.fileOf(server),
      }),
      openConnectionsOf: (server: string) => this.traffic.report.connectionsOf(server).current,
      onJudged: () => this.traffic.refresh(),
    };
    return new Monitors(parts);
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
        stateOf: (server) => this.#monitors.of(server)?.states.get(server),
      },
      stopped: memory?.stopped,
      onServerFailed: (server) => this.#monitors.of(server)?.watch(server)?.hint(),
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
