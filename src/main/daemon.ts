/**
 * main/: the composition root. It alone knows every folder; it builds the parts from a plan, starts them in order, and
 * stops them in the opposite one.
 *
 *   flags or files ─▶ configuration ─▶ DaemonPlan ─▶ Daemon (log, pid, privileges, signals, systemd) ─▶ Runtime (the objects, alive)
 */
import { chmodSync, chownSync, mkdirSync } from "node:fs";
import type { Configuration } from "../config/configuration.ts";
import { Persistence } from "../config/persistence.ts";
import type { Decrypt } from "../config/secrets.ts";
import { errorMessage } from "../errors/sluice-error.ts";
import { AdminStore } from "../monitor/admin-store.ts";
import { EventLog } from "../monitor/event-log.ts";
import type { Publisher } from "../publish/publisher.ts";
import { PidFile } from "../system/pid-file.ts";
import { becomeIdentity, findGroup, giveFile, type Identity, requireWritable } from "../system/privileges.ts";
import type { RuntimePaths } from "../system/runtime-paths.ts";
import { connectServiceManager, type ServiceManager } from "../system/systemd.ts";
import { SYSTEM_CLOCK } from "../telemetry/clock.ts";
import { type LogOptions, type OpenLog, openLog } from "../telemetry/logger.ts";
import type { Admin, CreateAdmin } from "./runtime/admin.ts";
import type { CreateCompanion } from "./runtime/companion.ts";
import { type ConfigurationOrigin, ConfigurationStore } from "./runtime/configuration-store.ts";
import { agentSocket } from "./runtime/plan-publishers.ts";
import type { TargetOf } from "./runtime/plan-servers.ts";
import { Runtime } from "./runtime/runtime.ts";
import { VERSION } from "./version.ts";

/** Everything a daemon is made of; plain data but for the functions that know its secrets. */
export interface DaemonPlan {
  readonly configuration: Configuration;
  readonly origin: ConfigurationOrigin;
  readonly targetOf: TargetOf;
  /** For the passwords of publishers. */
  readonly decrypt: Decrypt;
  readonly paths: RuntimePaths;
  readonly stateDirectory: string;
  /** Directory of objects changed at run time; undefined: changes last until the restart. */
  readonly persistDirectory: string | undefined;
  readonly controlGroup: string;
  readonly pidFile: string | undefined;
  readonly runAs: Identity | undefined;
  readonly log: LogOptions;
  /** Journal and script of the monitors; undefined: none. */
  readonly createCompanion: CreateCompanion | undefined;
  /** The REST API; undefined: none. */
  readonly createAdmin: CreateAdmin | undefined;
  /** Called once everything is open and runs. */
  readonly onStarted?: () => void;
}

// SIGTERM ends the process within a second, whatever still hangs.
const STOP_DEADLINE_MS = 900;

/** Runs until SIGTERM or SIGINT; resolves to the exit code. Rejects with a SluiceError when it cannot start. */
export async function runDaemon(plan: DaemonPlan): Promise<number> {
  const manager = await connectServiceManager(process.env);
  makeDirectory(plan.paths.directory, 0o755, plan.runAs);
  makeDirectory(plan.stateDirectory, 0o700, plan.runAs);
  const openedLog = await openLog(plan.log);
  if (plan.runAs !== undefined && plan.log.file !== undefined) giveFile(plan.log.file, plan.runAs);
  const persistence =
    plan.persistDirectory === undefined ? undefined : await Persistence.open(plan.persistDirectory);
  const events = new EventLog(plan.stateDirectory, openedLog.log, SYSTEM_CLOCK);
  const runtime = new Runtime({
    configuration: new ConfigurationStore(plan.configuration, plan.origin, persistence),
    targetOf: plan.targetOf,
    decrypt: plan.decrypt,
    admin: new AdminStore(`${plan.stateDirectory}/admin.json`),
    events,
    clock: SYSTEM_CLOCK,
    log: openedLog.log,
    version: VERSION,
    stateDirectory: plan.stateDirectory,
    runtimeDirectory: plan.paths.directory,
    createCompanion: plan.createCompanion,
  });
  const admin = await plan.createAdmin?.({
    runtime,
    events,
    log: openedLog,
    logFile: plan.log.file,
    group: plan.controlGroup,
    paths: plan.paths,
    stateDirectory: plan.stateDirectory,
  });
  const daemon = new Daemon(plan, runtime, openedLog, manager, admin);
  const stopped = daemon.untilSignalled();
  await daemon.start();
  await stopped;
  await daemon.stop();
  return 0;
}

class Daemon {
  readonly #plan: DaemonPlan;
  readonly #runtime: Runtime;
  readonly #log: OpenLog;
  readonly #manager: ServiceManager;
  readonly #socket: Publisher;
  readonly #admin: Admin | undefined;
  #pidFile: PidFile | undefined;
  #watchdog: ReturnType<typeof setInterval> | undefined;

  constructor(
    plan: DaemonPlan,
    runtime: Runtime,
    log: OpenLog,
    manager: ServiceManager,
    admin: Admin | undefined,
  ) {
    this.#admin = admin;
    this.#plan = plan;
    this.#runtime = runtime;
    this.#log = log;
    this.#manager = manager;
    this.#socket = agentSocket(plan.paths, findGroup(plan.controlGroup), runtime.services);
  }

  async start(): Promise<void> {
    const { pidFile, runAs } = this.#plan;
    try {
      if (pidFile !== undefined) this.#pidFile = new PidFile(pidFile);
      await this.#socket.start();
      await this.#runtime.open();
      if (runAs !== undefined) {
        await becomeIdentity(runAs, this.#runtime.needsNetAdmin);
        requireWritable(this.#plan.stateDirectory, runAs);
      }
      // Its files are written while it runs, so they belong to whom it runs as.
      await this.#admin?.start();
      await this.#runtime.start();
    } catch (error) {
      await this.#close();
      throw error;
    }
    this.#plan.onStarted?.();
    this.#announceWhenKnown();
    this.#keepWatchdog();
    const servers = [...this.#runtime.configuration.servers.keys()];
    this.#log.log.info(
      { event: "started", version: VERSION },
      `sluice ${VERSION} watches ${servers.join(", ") || "nothing yet"}`,
    );
  }

  async stop(): Promise<void> {
    this.#manager.notify("STOPPING=1");
    clearInterval(this.#watchdog);
    await this.#close();
    this.#log.log.info({ event: "stopped" }, "stopped");
  }

  async #close(): Promise<void> {
    await Promise.all([this.#admin?.close(), this.#runtime.stop(), this.#socket.close()]);
    this.#pidFile?.remove();
  }

  /** Resolves at the first SIGTERM or SIGINT, and sees to it that the process is gone soon after. */
  untilSignalled(): Promise<void> {
    process.on("SIGPIPE", () => {});
    process.on("SIGHUP", () => void this.#reload());
    return new Promise((resolve) => {
      const stop = (): void => {
        setTimeout(() => process.exit(0), STOP_DEADLINE_MS).unref();
        resolve();
      };
      process.once("SIGTERM", stop);
      process.once("SIGINT", stop);
    });
  }

  /** SIGHUP: the log begins anew, files that were replaced are read again, and the configuration, if it is in a file. */
  async #reload(): Promise<void> {
    try {
      this.#log.reopen();
    } catch (error) {
      this.#log.log.error({ event: "reload_failed" }, `${errorMessage(error)}; the old one goes on`);
    }
    this.#rereadFiles();
    if (this.#plan.origin.file === undefined) return;
    try {
      const changes = await this.#runtime.reload();
      if (changes.length === 0)
        this.#log.log.info({ event: "reloaded" }, "the configuration has not changed");
    } catch (error) {
      this.#log.log.error(
        { event: "reload_failed" },
        `the configuration is wrong, and nothing was changed: ${errorMessage(error)}`,
      );
    }
  }

  #rereadFiles(): void {
    this.#runtime.rereadFiles();
    try {
      this.#admin?.reload();
    } catch (error) {
      this.#log.log.error({ event: "reload_failed" }, errorMessage(error));
    }
  }

  /** READY=1 once every server has been judged, so that what is started after us finds an answer. */
  #announceWhenKnown(): void {
    const { fleet } = this.#runtime;
    const isKnown = (): boolean =>
      [...fleet.current().servers.values()].every(({ verdict }) => verdict.known);
    const announce = (): void =>
      this.#manager.notify(`READY=1\nSTATUS=${this.#status()}\nMAINPID=${process.pid}`);
    if (isKnown()) {
      announce();
      return;
    }
    const end = fleet.subscribe(() => {
      if (!isKnown()) return;
      end();
      announce();
    });
  }

  /** WATCHDOG=1 only while the probes get on: a stalled agent is restarted by systemd. */
  #keepWatchdog(): void {
    const { watchdogMs } = this.#manager;
    if (watchdogMs === undefined) return;
    this.#watchdog = setInterval(() => {
      const now = SYSTEM_CLOCK.now();
      const isStale = [...this.#runtime.fleet.current().servers.values()].some(
        ({ verdict }) => now > verdict.staleAt,
      );
      if (!isStale) this.#manager.notify(`WATCHDOG=1\nSTATUS=${this.#status()}`);
    }, watchdogMs / 3);
  }

  #status(): string {
    const servers = [...this.#runtime.fleet.current().servers.values()];
    const words = servers.map(({ name, verdict }) => `${name}: ${verdict.sentence}`);
    return words.join("; ").replace(/\n/g, " ").slice(0, 500);
  }
}

/** A directory that was there is somebody else's, unless systemd made it for this service: then it is root's, and to be ours. */
function makeDirectory(path: string, mode: number, owner: Identity | undefined): void {
  const created = mkdirSync(path, { recursive: true, mode });
  const { RUNTIME_DIRECTORY: runtime = "", STATE_DIRECTORY: state = "" } = process.env;
  if (created === undefined && ![...runtime.split(":"), ...state.split(":")].includes(path)) return;
  chmodSync(path, mode);
  if (owner !== undefined && process.getuid?.() === 0) chownSync(path, owner.uid, owner.gid);
}
