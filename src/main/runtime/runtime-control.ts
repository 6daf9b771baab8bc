import type {
  CertificateInfo,
  CommandInfo,
  Connections,
  Control,
  ListenerStatus,
  MonitorStatus,
  ProgramInfo,
  PublisherStatus,
  ServerStatus,
  ServiceStatus,
  SessionInfo,
  ThreadInfo,
  UpgradeStatus,
} from "../../admin/control.ts";
import type { Configuration } from "../../config/configuration.ts";
import type { Edit } from "../../config/edit-sections.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import type { EventLog } from "../../monitor/event-log.ts";
import type { FleetMonitor } from "../../monitor/fleet-monitor.ts";
import type { ServerSnapshot } from "../../topology/fleet.ts";
import type { FleetEvent } from "../../topology/fleet-event.ts";
import { type ServerState, stateDetails, stateString, UNKNOWN_STATE } from "../../topology/state.ts";
import type { Upgrades } from "../upgrade/upgrades.ts";
import type { ProcessLoad } from "./process-load.ts";
import type { Runtime } from "./runtime.ts";

export interface RuntimeControlParts {
  readonly program: ProgramInfo;
  readonly runtime: Runtime;
  readonly events: EventLog;
  readonly load: ProcessLoad;
  readonly logFile: string | undefined;
  rotateLog(): void;
  readonly upgrades: Upgrades;
}

/** The running program as the admin API sees it. */
export class RuntimeControl implements Control {
  readonly #parts: RuntimeControlParts;

  constructor(parts: RuntimeControlParts) {
    this.#parts = parts;
  }

  get program(): ProgramInfo {
    return this.#parts.program;
  }

  get logFile(): string | undefined {
    return this.#parts.logFile;
  }

  configuration(): Configuration {
    return this.#parts.runtime.configuration;
  }

  servers(): ReadonlyMap<string, ServerStatus> {
    const { runtime, events } = this.#parts;
    const lastEvents = new Map<string, FleetEvent>();
    for (const event of events.events()) lastEvents.set(event.server, event);
    const states = new Map([...runtime.monitors.values()].flatMap((monitor) => [...monitor.states]));
    return new Map(
      [...runtime.fleet.current().servers].map(([name, server]) => [
        name,
        serverStatus(
          server,
          states.get(name) ?? UNKNOWN_STATE,
          lastEvents.get(name),
          runtime.traffic.report.connectionsOf(name),
        ),
      ]),
    );
  }

  monitors(): ReadonlyMap<string, MonitorStatus> {
    return new Map(
      [...this.#parts.runtime.monitors].map(([name, monitor]) => [name, monitorStatus(monitor)]),
    );
  }

  services(): ReadonlyMap<string, ServiceStatus> {
    return this.#parts.runtime.traffic.report.services();
  }

  listeners(): ReadonlyMap<string, ListenerStatus> {
    return this.#parts.runtime.traffic.report.listeners();
  }

  certificates(): readonly CertificateInfo[] {
    return this.#parts.runtime.traffic.report.certificates;
  }

  publishers(): ReadonlyMap<string, PublisherStatus> {
    return this.#parts.runtime.publishers.statuses();
  }

  async sessions(): Promise<readonly SessionInfo[]> {
    return await this.#parts.runtime.traffic.report.sessions();
  }

  threads(): readonly ThreadInfo[] {
    return [this.#parts.load.thread(), ...this.#parts.runtime.traffic.report.threads()];
  }

  commands(): readonly CommandInfo[] {
    return [];
  }

  events(): readonly FleetEvent[] {
    return this.#parts.events.events();
  }

  subscribeEvents(listener: (event: FleetEvent) => void): () => void {
    return this.#parts.events.subscribe(listener);
  }

  metrics(): Promise<string> {
    return this.#parts.runtime.services.metrics();
  }

  async apply(edits: readonly Edit[]): Promise<void> {
    await this.#parts.runtime.apply(edits);
  }

  async setServerState(
    server: string,
    state: "none" | "drain" | "maintenance",
    force: boolean,
  ): Promise<void> {
    this.#parts.runtime.setServerState(server, state, force);
  }

  async setRunning(
    kind: "monitor" | "service" | "listener",
    name: string,
    running: boolean,
    force: boolean,
  ): Promise<void> {
    const { runtime } = this.#parts;
    if (kind === "monitor") runtime.setMonitorRunning(name, running);
    else await runtime.inTurn(async () => await runtime.traffic.setRunning(kind, name, running, force));
  }

  async callCommand(module: string, command: string): Promise<unknown> {
    throw new SluiceError("NOT_FOUND", `the module ${module} has no command ${command}`);
  }

  async reload(): Promise<readonly string[]> {
    return await this.#parts.runtime.reload();
  }

  get lastUpgrade(): UpgradeStatus | undefined {
    return this.#parts.upgrades.last;
  }

  /** After the change that is under way, so that nothing is left half done. */
  async upgrade(): Promise<UpgradeStatus> {
    return await this.#parts.runtime.inTurn(() => this.#parts.upgrades.begin());
  }

  async reloadAccounts(service: string): Promise<void> {
    if (!this.configuration().services.has(service))
      throw new SluiceError("NOT_FOUND", `there is no service ${service}`);
    throw new SluiceError(
      "REFUSED",
      `${service} has no accounts to fetch: its clients log in to the servers themselves`,
    );
  }

  async endSession(id: string, ttlMs: number): Promise<void> {
    await this.#parts.runtime.traffic.endSession(id, ttlMs);
  }

  rotateLog(): void {
    this.#parts.rotateLog();
  }
}

function serverStatus(
  { verdict }: ServerSnapshot,
  state: ServerState,
  lastEvent: FleetEvent | undefined,
  connections: Connections,
): ServerStatus {
  const { observation } = verdict;
  return {
    state: stateString(state),
    details: stateDetails(state),
    verdict,
    facts: observation?.reached === true ? observation.facts : undefined,
    lagSeconds: state.lagSeconds,
    lastEvent: lastEvent && { name: lastEvent.maxscaleEvent ?? lastEvent.event, time: lastEvent.time },
    connections,
  };
}

function monitorStatus(monitor: FleetMonitor): MonitorStatus {
  const { isRunning, ticks, primary, diagnosis } = monitor;
  return { running: isRunning, ticks, primary, diagnosis: diagnosis || undefined };
}
