import type { Configuration, MonitorObject } from "../../config/configuration.ts";
import { EventScript } from "../../monitor/event-script.ts";
import type { MonitorEvent } from "../../monitor/events.ts";
import type { FleetPlan } from "../../monitor/fleet-monitor.ts";
import { Journal } from "../../monitor/journal.ts";
import type { ModuleState } from "../../monitor/modules/monitor-module.ts";
import type { ScriptServer } from "../../monitor/script/script-variables.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";

/** What goes along with a monitor that is configured in a file: its memory on disk, and the script for its events. */
export interface Companion {
  /** What the monitor remembered when the program ended last. */
  load(): ModuleState;
  save(state: ModuleState): void;
  handle(events: readonly MonitorEvent[], servers: readonly ScriptServer[]): void;
  close(): Promise<void>;
}

export interface CompanionParts {
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
  configuration(): Configuration;
}

export type CreateCompanion = (monitor: MonitorObject, plan: FleetPlan, parts: CompanionParts) => Companion;

/** Throws CONFIG_INVALID where `script=` is wrong. */
export const createCompanion: CreateCompanion = (monitor, plan, { directory, clock, log, configuration }) => {
  const { script, events, script_timeout: timeoutMs, journal_max_age: maxAgeMs } = monitor.parameters;
  const servers = plan.members.map(({ watched }) => ({ name: watched.name, endpoint: watched.endpoint }));
  const journal = new Journal({
    directory,
    monitor: monitor.name,
    module: monitor.module,
    servers,
    maxAgeMs,
    clock,
    log,
  });
  const runner =
    script === undefined
      ? undefined
      : new EventScript({
          monitor: monitor.name,
          commandLine: script,
          events,
          timeoutMs,
          isPassive: () => configuration().sluice.parameters.passive,
          log,
          clock,
        });
  return {
    load: () => journal.load(),
    save: (state) => journal.save(state),
    handle: (found, all) => runner?.handle(found, all),
    close: async () => {
      journal.close();
      await runner?.close();
    },
  };
};
