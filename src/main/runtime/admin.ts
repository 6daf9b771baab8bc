import { AdminServer, adminOptions } from "../../admin/admin-server.ts";
import type { EventLog } from "../../monitor/event-log.ts";
import { findGroup } from "../../system/privileges.ts";
import type { RuntimePaths } from "../../system/runtime-paths.ts";
import { SYSTEM_CLOCK } from "../../telemetry/clock.ts";
import type { OpenLog } from "../../telemetry/logger.ts";
import type { Upgrades } from "../upgrade/upgrades.ts";
import { COMMIT, VERSION } from "../version.ts";
import { ProcessLoad } from "./process-load.ts";
import type { Runtime } from "./runtime.ts";
import { RuntimeControl } from "./runtime-control.ts";

export interface AdminParts {
  readonly runtime: Runtime;
  readonly events: EventLog;
  readonly log: OpenLog;
  readonly logFile: string | undefined;
  readonly group: string;
  readonly paths: RuntimePaths;
  readonly stateDirectory: string;
  readonly upgrades: Upgrades;
}

/** The REST API of a daemon with a configuration file. */
export interface Admin {
  start(): Promise<void>;
  /** Reads key and certificates again. */
  reload(): void;
  /** `isSucceeded`: another program goes on to listen there. */
  close(isSucceeded?: boolean): Promise<void>;
}

export type CreateAdmin = (parts: AdminParts) => Promise<Admin>;

/** Throws CONFIG_INVALID where [sluice] would open it to the network without TLS. */
export function createAdmin(parts: AdminParts): Admin {
  const { runtime, events, log, logFile, group, paths, stateDirectory, upgrades } = parts;
  const load = new ProcessLoad();
  const server = new AdminServer({
    ...adminOptions(runtime.configuration.sluice, {
      socket: paths.adminSocket,
      stateDirectory,
      gid: findGroup(group),
    }),
    control: new RuntimeControl({
      program: { version: VERSION, commit: COMMIT, startedAt: SYSTEM_CLOCK.now() },
      runtime,
      events,
      load,
      logFile,
      rotateLog: () => log.reopen(),
      upgrades,
    }),
    clock: SYSTEM_CLOCK,
    log: log.log.child({ component: "admin" }),
  });
  return {
    start: async () => {
      load.start();
      await server.start();
    },
    reload: () => server.reloadTls(),
    close: async (isSucceeded) => {
      load.stop();
      await server.close(isSucceeded);
    },
  };
}
