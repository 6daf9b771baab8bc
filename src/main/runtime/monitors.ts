import type { Configuration } from "../../config/configuration.ts";
import type { EventLog } from "../../monitor/event-log.ts";
import type { MonitorEvent } from "../../monitor/events.ts";
import { FleetMonitor, type FleetPlan, type ServerMemory } from "../../monitor/fleet-monitor.ts";
import type { FleetStore } from "../../monitor/fleet-store.ts";
import type { ModuleState, ServerInput } from "../../monitor/modules/monitor-module.ts";
import type { ScriptServer } from "../../monitor/script/script-variables.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import type { ServerState } from "../../topology/state.ts";
import type { Overlay } from "../../verdict/judge.ts";
import type { Companion, CreateCompanion } from "./companion.ts";
import type { TargetOf } from "./plan-servers.ts";

/** What monitors knew, by monitor, then by server: plain JSON. */
export type MonitorsMemory = Readonly<Record<string, Readonly<Record<string, ServerMemory>>>>;

export interface MonitorsParts {
  readonly store: FleetStore;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly log: Log;
  /** Directory of what monitors remember. */
  readonly stateDirectory: string;
  readonly targetOf: TargetOf;
  /** Undefined: the monitors have neither journal nor script. */
  readonly createCompanion: CreateCompanion | undefined;
  /** What those of a predecessor knew. */
  readonly memory: MonitorsMemory | undefined;
  configuration(): Configuration;
  overlayOf(server: string): Overlay;
  openConnectionsOf(server: string): number;
  /** A monitor has judged its servers anew. */
  onJudged(): void;
}

/** The monitors of the configuration, alive; each has a companion beside it: journal, script, donors. */
export class Monitors {
  readonly #parts: MonitorsParts;
  readonly #running = new Map<string, FleetMonitor>();
  /** By monitor; a changed monitor gets a new one. */
  readonly #companions = new Map<string, { readonly key: string; readonly companion: Companion }>();
  #isStarted = false;
  /** Events are another program's to tell. */
  #isOnlooker = false;

  constructor(parts: MonitorsParts) {
    this.#parts = parts;
  }

  get all(): ReadonlyMap<string, FleetMonitor> {
    return this.#running;
  }

  /** The one that watches a server. */
  of(server: string): FleetMonitor | undefined {
    return [...this.#running.values()].find((monitor) => monitor.watch(server) !== undefined);
  }

  /** The first ones; they watch nothing before start(). */
  open(plans: readonly FleetPlan[]): void {
    for (const plan of plans) this.#addMonitor(plan);
  }

  /** @param stopped those that a person has stopped */
  start(stopped: ReadonlySet<string>): void {
    this.#isStarted = true;
    for (const [name, monitor] of this.#running) {
      monitor.start();
      if (stopped.has(name)) monitor.stop();
    }
  }

  stop(): void {
    for (const monitor of this.#running.values()) monitor.stop();
  }

  /** From now on they only look: nobody is told what happens. */
  onlyLook(): void {
    this.#isOnlooker = true;
  }

  /** They go on in a successor of this process, which needs to know this. */
  handOver(): { readonly memory: MonitorsMemory; readonly stopped: readonly string[] } {
    const all = [...this.#running];
    const stopped = all.filter(([, { isRunning }]) => !isRunning).map(([name]) => name);
    const memory = Object.fromEntries(all.map(([name, monitor]) => [name, monitor.handOver()]));
    return { memory, stopped };
  }

  /** @returns the end of each one's companion */
  close(): readonly Promise<void>[] {
    return [...this.#companions.values()].map(({ companion }) => companion.close());
  }

  /** Somebody says that something has happened: all servers are asked now. */
  hint(): void {
    for (const monitor of this.#running.values()) monitor.hint();
  }

  overlaysChanged(): void {
    for (const monitor of this.#running.values())
      for (const { name } of monitor.watches) monitor.overlayChanged(name);
  }

  /** Takes over new plans; a monitor whose plan is what it was goes on undisturbed. */
  put(plans: readonly FleetPlan[]): void {
    const names = new Set(plans.map(({ name }) => name));
    for (const [name, monitor] of this.#running) {
      if (names.has(name)) continue;
      monitor.remove();
      this.#running.delete(name);
      this.#closeCompanion(name);
    }
    for (const plan of plans) {
      const present = this.#running.get(plan.name);
      if (present !== undefined) {
        this.#companionOf(plan);
        present.replan(plan);
      } else this.#addMonitor(plan).start();
    }
  }

  #addMonitor(plan: FleetPlan): FleetMonitor {
    const { store, clock, log, overlayOf, openConnectionsOf } = this.#parts;
    const around = {
      store,
      clock,
      log: log.child({ monitor: plan.name }),
      listener: {
        onEvents: (name: string, events: readonly MonitorEvent[]) => this.#onEvents(name, events),
        onJudged: (
          name: string,
          inputs: readonly ServerInput[],
          states: ReadonlyMap<string, ServerState>,
        ) => {
          this.#parts.onJudged();
          this.#companions.get(name)?.companion.judged(inputs, states);
        },
        onState: (name: string, state: ModuleState) => this.#companions.get(name)?.companion.save(state),
      },
      overlayOf,
      openConnectionsOf,
    };
    const remembered = this.#isStarted ? undefined : this.#parts.memory?.[plan.name];
    const monitor = new FleetMonitor(plan, around, this.#companionOf(plan)?.load(), remembered);
    this.#running.set(plan.name, monitor);
    return monitor;
  }

  #onEvents(monitor: string, events: readonly MonitorEvent[]): void {
    if (this.#isOnlooker) return;
    this.#parts.events.append(monitor, events);
    this.#companions.get(monitor)?.companion.handle(events, this.#scriptServers(monitor));
  }

  /** The companion of a monitor; a new one where the monitor or its servers are not what they were. */
  #companionOf(plan: FleetPlan): Companion | undefined {
    const { createCompanion, stateDirectory, clock, log, configuration, targetOf } = this.#parts;
    const monitor = configuration().monitors.get(plan.name);
    if (createCompanion === undefined || monitor === undefined) return undefined;
    const endpoints = plan.members.map(({ watched }) => [watched.name, watched.endpoint]);
    const key = JSON.stringify([monitor.module, monitor.parameters, endpoints]);
    const present = this.#companions.get(plan.name);
    if (present?.key === key) return present.companion;
    const around = {
      directory: stateDirectory,
      clock,
      log,
      configuration,
      targetOf,
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
    const monitor = this.#running.get(name);
    if (monitor === undefined) return [];
    const { servers } = this.#parts.store.current();
    return [...monitor.states].flatMap(([server, state]) => {
      const snapshot = servers.get(server);
      return snapshot === undefined
        ? []
        : [{ name: server, endpoint: snapshot.endpoint, state, sources: monitor.sourcesOf(server) }];
    });
  }
}
