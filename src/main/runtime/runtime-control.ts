import type {
  CommandInfo,
  Control,
  Edit,
  ListenerStatus,
  MonitorStatus,
  ProgramInfo,
  PublisherStatus,
  ServerStatus,
  ServiceStatus,
  SessionInfo,
  ThreadInfo,
} from "../../admin/control.ts";
import type { Configuration } from "../../config/configuration.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import type { EventLog } from "../../monitor/event-log.ts";
import type { FleetMonitor } from "../../monitor/fleet-monitor.ts";
import type { ServerSnapshot } from "../../topology/fleet.ts";
import type { FleetEvent } from "../../topology/fleet-event.ts";
import { type ServerState, stateDetails, stateString, UNKNOWN_STATE } from "../../topology/state.ts";
import type { ProcessLoad } from "./process-load.ts";
import type { Runtime } from "./runtime.ts";

export interface RuntimeControlParts {
  readonly program: ProgramInfo;
  readonly runtime: Runtime;
  readonly events: EventLog;
  readonly load: ProcessLoad;
  readonly logFile: string | undefined;
  rotateLog(): void;
}

const NO_CONNECTIONS = Object.freeze({ current: 0, total: 0, max: 0 });

/** The running program as the admin API sees it. What listeners will bring is here, and says that it has not started. */
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
        serverStatus(server, states.get(name) ?? UNKNOWN_STATE, lastEvents.get(name)),
      ]),
    );
  }

  monitors(): ReadonlyMap<string, MonitorStatus> {
    return new Map(
      [...this.#parts.runtime.monitors].map(([name, monitor]) => [name, monitorStatus(monitor)]),
    );
  }

  services(): ReadonlyMap<string, ServiceStatus> {
    return new Map();
  }

  listeners(): ReadonlyMap<string, ListenerStatus> {
    const status = { state: "not started", reason: "listeners are not part of this version yet" } as const;
    return new Map([...this.configuration().listeners.keys()].map((name) => [name, status]));
  }

  publishers(): ReadonlyMap<string, PublisherStatus> {
    return this.#parts.runtime.publisherStatus();
  }

  async sessions(): Promise<readonly SessionInfo[]> {
    return [];
  }

  threads(): readonly ThreadInfo[] {
    return [this.#parts.load.thread()];
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

  async setRunning(kind: "monitor" | "service" | "listener", name: string, running: boolean): Promise<void> {
    if (kind === "monitor") {
      this.#parts.runtime.setMonitorRunning(name, running);
      return;
    }
    const known = kind === "service" ? this.configuration().services : this.configuration().listeners;
    if (!known.has(name)) throw new SluiceError("NOT_FOUND", `there is no ${kind} ${name}`);
    throw new SluiceError(
      "REFUSED",
      `${name} cannot be ${running ? "started" : "stopped"}: ${kind}s are not part of this version yet`,
    );
  }

  async callCommand(module: string, command: string): Promise<unknown> {
    throw new SluiceError("NOT_FOUND", `the module ${module} has no command ${command}`);
  }

  async reload(): Promise<readonly string[]> {
    return await this.#parts.runtime.reload();
  }

  async reloadAccounts(service: string): Promise<void> {
    if (!this.configuration().services.has(service))
      throw new SluiceError("NOT_FOUND", `there is no service ${service}`);
    throw new SluiceError(
      "REFUSED",
      `${service} has no accounts to fetch: services are not part of this version yet`,
    );
  }

  async endSession(id: string): Promise<void> {
    throw new SluiceError("NOT_FOUND", `there is no session ${id}`);
  }

  rotateLog(): void {
    this.#parts.rotateLog();
  }
}

function serverStatus(
  { verdict }: ServerSnapshot,
  state: ServerState,
  lastEvent: FleetEvent | undefined,
): ServerStatus {
  const { observation } = verdict;
  return {
    state: stateString(state),
    details: stateDetails(state),
    verdict,
    facts: observation?.reached === true ? observation.facts : undefined,
    lagSeconds: state.lagSeconds,
    lastEvent: lastEvent && { name: lastEvent.maxscaleEvent ?? lastEvent.event, time: lastEvent.time },
    connections: NO_CONNECTIONS,
  };
}

function monitorStatus(monitor: FleetMonitor): MonitorStatus {
  const { isRunning, ticks, primary, diagnosis } = monitor;
  return { running: isRunning, ticks, primary, diagnosis: diagnosis || undefined };
}
