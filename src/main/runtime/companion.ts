import type { Configuration, MonitorObject } from "../../config/configuration.ts";
import { DonorSetter } from "../../monitor/donor-setter.ts";
import { EventScript } from "../../monitor/event-script.ts";
import type { MonitorEvent } from "../../monitor/events.ts";
import type { FleetPlan } from "../../monitor/fleet-monitor.ts";
import { Journal } from "../../monitor/journal.ts";
import type { ModuleState, ServerInput } from "../../monitor/modules/monitor-module.ts";
import type { ScriptServer } from "../../monitor/script/script-variables.ts";
import { onOneSession } from "../../probe/database/one-session.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import type { ServerState } from "../../topology/state.ts";
import type { TargetOf } from "./plan-servers.ts";

/** What goes along with a monitor that is configured in a file: its memory on disk, and the script for its events. */
export interface Companion {
  /** What the monitor remembered when the program ended last. */
  load(): ModuleState;
  save(state: ModuleState): void;
  judged(inputs: readonly ServerInput[], states: ReadonlyMap<string, ServerState>): void;
  handle(events: readonly MonitorEvent[], servers: readonly ScriptServer[]): void;
  close(): Promise<void>;
}

export interface CompanionParts {
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly targetOf: TargetOf;
  configuration(): Configuration;
}

export type CreateCompanion = (monitor: MonitorObject, plan: FleetPlan, parts: CompanionParts) => Companion;

/** Throws CONFIG_INVALID where `script=` is wrong. */
export const createCompanion: CreateCompanion = (monitor, plan, parts) => {
  const { directory, clock, log } = parts;
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
  const donors = createDonorSetter(monitor, parts);
  const runner =
    script === undefined
      ? undefined
      : new EventScript({
          monitor: monitor.name,
          commandLine: script,
          events,
          timeoutMs,
          isPassive: isPassive(parts),
          log,
          clock,
        });
  return {
    load: () => journal.load(),
    save: (state) => journal.save(state),
    judged: (inputs, states) => donors?.judged(inputs, states),
    handle: (found, all) => runner?.handle(found, all),
    close: async () => {
      journal.close();
      await runner?.close();
    },
  };
};

function createDonorSetter(monitor: MonitorObject, parts: CompanionParts): DonorSetter | undefined {
  if (monitor.module !== "galeramon" || !monitor.parameters.set_donor_nodes) return undefined;
  const { disable_master_failback, root_node_as_master, use_priority, check_timeout } = monitor.parameters;
  return new DonorSetter({
    choice: {
      disableMasterFailback: disable_master_failback,
      rootNodeAsMaster: root_node_as_master,
      usePriority: use_priority,
    },
    isPassive: isPassive(parts),
    clock: parts.clock,
    log: parts.log,
    run: async (name, sql) => {
      const server = parts.configuration().servers.get(name);
      if (server === undefined) return;
      await onOneSession(parts.targetOf(server, monitor), check_timeout, (session) => session.query(sql));
    },
  });
}

const isPassive =
  ({ configuration }: CompanionParts) =>
  (): boolean =>
    configuration().sluice.parameters.passive;
