/**
 * main/: the composition root. It alone knows every folder; it builds the parts from a plan, starts them in order, and
 * stops them in the opposite one.
 *
 *   flags or files ─▶ configuration ─▶ DaemonPlan ─▶ Daemon (log, pid, privileges, signals, systemd) ─▶ Runtime (the objects, alive)
 */
import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { UpgradeStatus } from "../admin/control.ts";
import { print } from "../cli/output.ts";
import type { Configuration } from "../config/configuration.ts";
import { Persistence } from "../config/persistence.ts";
import type { Decrypt } from "../config/secrets.ts";
import type { SourceSection } from "../config/source.ts";
import { errorMessage } from "../errors/sluice-error.ts";
import { AdminStore } from "../monitor/admin-store.ts";
import { EventLog } from "../monitor/event-log.ts";
import type { Publisher } from "../publish/publisher.ts";
import { reap } from "../system/children.ts";
import { socketsOfServiceManager } from "../system/inherited-descriptors.ts";
import { closeDescriptors } from "../system/listening-socket.ts";
import { PidFile } from "../system/pid-file.ts";
import { becomeIdentity, findGroup, giveFile, type Identity, requireWritable } from "../system/privileges.ts";
import type { RuntimePaths } from "../system/runtime-paths.ts";
import { SOCKETS } from "../system/socket-register.ts";
import { connectServiceManager, type ServiceManager } from "../system/systemd.ts";
import { SYSTEM_CLOCK } from "../telemetry/clock.ts";
import { SILENT_LOG } from "../telemetry/log.ts";
import { type LogOptions, type OpenLog, openLog } from "../telemetry/logger.ts";
import type { Admin, CreateAdmin } from "./runtime/admin.ts";
import type { CreateCompanion } from "./runtime/companion.ts";
import { type ConfigurationOrigin, ConfigurationStore } from "./runtime/configuration-store.ts";
import { agentSocket } from "./runtime/plan-publishers.ts";
import type { TargetOf } from "./runtime/plan-servers.ts";
import { Runtime } from "./runtime/runtime.ts";
import { printFindings } from "./upgrade/rehearse.ts";
import { type Succeed, Succession } from "./upgrade/succession.ts";
import { type UpgradeParts, Upgrades, VERSION_WORDS } from "./upgrade/upgrades.ts";
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
  /** It is only to be seen whether it could run (`true`), and what the servers are to it. */
  readonly rehearsal: boolean | "servers";
}

/** A configuration as it was, whatever the files say. */
export type Sections = readonly SourceSection[];

// SIGTERM ends the process within a second, whatever still hangs;
const STOP_DEADLINE_MS = 900;
// but rules that are to go with it go, however slow the machine is: whoever they lead would be led on by nobody's word.
const FIREWALL_DEADLINE_MS = 20_000;
/** Before a succession, answers under way have this long. */
const REST_MS = 2000;
/** A successor that is not ready by then gives the place back. */
const READY_MS = 20_000;
const REAP_MS = 1000;

/**
 * Runs until SIGTERM or SIGINT; resolves to the exit code. Rejects with a SluiceError when it cannot start; where it was to take the
 * place of another program, that one goes on instead.
 */
export async function runDaemon(createPlan: (sections?: Sections) => DaemonPlan): Promise<number> {
  const succession = await Succession.receive(process.env);
  try {
    const plan = createPlan(succession?.sections);
    if (plan.rehearsal !== false) return await rehearseDaemon(plan);
    return await run(plan, succession);
  } catch (error) {
    succession?.back(errorMessage(error));
    throw error;
  }
}

/** Whether it could run: everything is made of the configuration, and nothing opened or written. Throws what speaks against it. */
async function rehearseDaemon(plan: DaemonPlan): Promise<number> {
  const around: Surroundings = {
    log: { log: SILENT_LOG, reopen: () => {} },
    persistence: undefined,
    succession: undefined,
    giveWay: () => {},
  };
  const { runtime } = await createParts(plan, around);
  runtime.publishers.check();
  // Without journals and scripts, and whatever else would act on what is found.
  const onlooker = await createParts({ ...plan, createCompanion: undefined, createAdmin: undefined }, around);
  const down = plan.rehearsal === "servers" ? await onlooker.runtime.findDown() : undefined;
  print(printFindings({ version: VERSION_WORDS, down }));
  return 0;
}

async function run(plan: DaemonPlan, succession: Succession | undefined): Promise<number> {
  SOCKETS.adopt(await socketsOfServiceManager(process.env));
  const manager = await connectServiceManager(process.env);
  makeDirectory(plan.paths.directory, 0o755, plan.runAs);
  makeDirectory(plan.stateDirectory, 0o700, plan.runAs);
  const log = await openLog(plan.log);
  if (plan.runAs !== undefined && plan.log.file !== undefined) giveFile(plan.log.file, plan.runAs);
  const persistence =
    plan.persistDirectory === undefined ? undefined : await Persistence.open(plan.persistDirectory);
  const giveWay: Surroundings["giveWay"] = (...to) => void daemon.giveWay(...to);
  const parts = await createParts(plan, { log, persistence, succession, giveWay });
  const daemon = new Daemon(plan, { ...parts, log, manager, succession });
  const stopped = daemon.untilSignalled();
  await daemon.start();
  await stopped;
  await daemon.stop();
  return 0;
}

interface Surroundings {
  readonly log: OpenLog;
  readonly persistence: Persistence | undefined;
  readonly succession: Succession | undefined;
  readonly giveWay: UpgradeParts["giveWay"];
}

/** The parts of a daemon, none of them started. */
async function createParts(plan: DaemonPlan, { log, persistence, succession, giveWay }: Surroundings) {
  const events = new EventLog(plan.stateDirectory, log.log, SYSTEM_CLOCK);
  const runtime = new Runtime({
    configuration: new ConfigurationStore(plan.configuration, plan.origin, persistence),
    targetOf: plan.targetOf,
    decrypt: plan.decrypt,
    admin: new AdminStore(`${plan.stateDirectory}/admin.json`),
    events,
    clock: SYSTEM_CLOCK,
    log: log.log,
    version: VERSION,
    stateDirectory: plan.stateDirectory,
    runtimeDirectory: plan.paths.directory,
    createCompanion: plan.createCompanion,
    memory: succession?.memory,
  });
  const upgrades = new Upgrades({
    clock: SYSTEM_CLOCK,
    log: log.log,
    last: succession?.report,
    isUp: (server) => runtime.isUp(server),
    giveWay,
  });
  const admin = await plan.createAdmin?.({
    runtime,
    events,
    log,
    logFile: plan.log.file,
    group: plan.controlGroup,
    paths: plan.paths,
    stateDirectory: plan.stateDirectory,
    upgrades,
  });
  return { runtime, admin, upgrades };
}

interface DaemonParts {
  readonly runtime: Runtime;
  readonly log: OpenLog;
  readonly manager: ServiceManager;
  readonly admin: Admin | undefined;
  readonly upgrades: Upgrades;
  /** What this program has taken the place of; undefined: it was started as any other. */
  readonly succession: Succession | undefined;
}

class Daemon {
  readonly #plan: DaemonPlan;
  readonly #runtime: Runtime;
  readonly #log: OpenLog;
  readonly #manager: ServiceManager;
  readonly #socket: Publisher;
  readonly #admin: Admin | undefined;
  readonly #upgrades: Upgrades;
  readonly #succession: Succession | undefined;
  #pidFile: PidFile | undefined;
  #watchdog: ReturnType<typeof setInterval> | undefined;

  constructor(plan: DaemonPlan, { runtime, log, manager, admin, upgrades, succession }: DaemonParts) {
    this.#admin = admin;
    this.#plan = plan;
    this.#runtime = runtime;
    this.#log = log;
    this.#manager = manager;
    this.#upgrades = upgrades;
    this.#succession = succession;
    this.#socket = agentSocket(plan.paths, findGroup(plan.controlGroup), runtime.services);
  }

  async start(): Promise<void> {
    const { pidFile, runAs } = this.#plan;
    this.#reapChildren();
    try {
      if (pidFile !== undefined) this.#pidFile = new PidFile(pidFile);
      // Whoever asks a successor meanwhile waits in the queue of a socket that never closed.
      if (this.#succession !== undefined) await this.#runtime.watch();
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
      this.#succession?.back(errorMessage(error));
      await this.#close();
      throw error;
    }
    await this.#closeRest();
    this.#plan.onStarted?.();
    this.#announceWhenKnown();
    this.#keepWatchdog();
    const servers = [...this.#runtime.configuration.servers.keys()];
    this.#log.log.info(
      { event: "started", version: VERSION },
      `sluice ${VERSION} watches ${servers.join(", ") || "nothing yet"}`,
    );
  }

  /** This process goes on as the program at `path`: what can be at rest is, sockets and workers go on, and nobody is turned away. */
  async giveWay(path: string, report: UpgradeStatus, succeed: Succeed): Promise<void> {
    await this.#runtime.inTurn(async () => {
      clearInterval(this.#watchdog);
      this.#manager.notify("RELOADING=1");
      const sockets = await SOCKETS.duplicates();
      const { memory, atRest } = this.#runtime.handOver();
      const resting = [atRest, this.#admin?.close(true), this.#socket.close("succession")];
      await Promise.race([Promise.allSettled(resting), delay(REST_MS)]);
      const { sections } = this.#runtime;
      const env = { ...process.env, ...this.#manager.environment };
      succeed(path, { sockets, report, sections, memory }, env);
    });
  }

  async stop(): Promise<void> {
    this.#manager.notify("STOPPING=1");
    clearInterval(this.#watchdog);
    await this.#close();
    this.#log.log.info({ event: "stopped" }, "stopped");
  }

  /** Sockets that the configuration has no use for. */
  async #closeRest(): Promise<void> {
    const { predecessors, systemds } = SOCKETS.rest();
    await closeDescriptors(predecessors.map(({ fd }) => fd));
    if (this.#succession !== undefined) return;
    for (const { name } of systemds) {
      const sentence = `nothing listens on the socket ${name} of systemd: its address, or its FileDescriptorName=, must be that of a listener`;
      this.#log.log.warn({ event: "socket_unused", socket: name }, sentence);
    }
  }

  /** The program has taken the place of another one: it has proved itself, or that one is back. */
  #succeeded(): void {
    const { report, isTrial, children } = this.#succession ?? {};
    if (report === undefined || children === undefined) return;
    this.#succession?.close();
    this.#upgrades.done();
    if (isTrial)
      this.#log.log.info(
        { event: "upgraded", from: report.from, to: report.to },
        `upgraded from ${report.from}`,
      );
    else {
      const sentence = `the upgrade to ${report.to} has failed, and ${report.from} goes on: ${report.reason}`;
      this.#log.log.error({ event: "upgrade_failed", to: report.to, reason: report.reason }, sentence);
    }
  }

  /** Those of the program before: nobody else takes note of their end. */
  #reapChildren(): void {
    let left = this.#succession?.children ?? [];
    const timer = setInterval(() => {
      void reap(left).then((still) => {
        left = still;
        if (left.length === 0) clearInterval(timer);
      });
    }, REAP_MS);
    timer.unref();
  }

  async #close(): Promise<void> {
    await Promise.all([this.#admin?.close(), this.#runtime.stop(), this.#socket.close()]);
    this.#pidFile?.remove();
  }

  /** Resolves at the first SIGTERM or SIGINT, and sees to it that the process is gone soon after. */
  untilSignalled(): Promise<void> {
    process.on("SIGPIPE", () => {});
    process.on("SIGHUP", () => void this.#reload());
    // Begun or refused: both are in the log.
    process.on("SIGUSR2", () => void this.#runtime.inTurn(() => this.#upgrades.begin()).catch(() => {}));
    return new Promise((resolve) => {
      const stop = (): void => {
        this.#succession?.close();
        setTimeout(() => void this.#exit(), STOP_DEADLINE_MS).unref();
        setTimeout(() => process.exit(0), FIREWALL_DEADLINE_MS).unref();
        resolve();
      };
      process.once("SIGTERM", stop);
      process.once("SIGINT", stop);
    });
  }

  async #exit(): Promise<void> {
    if (this.#runtime.needsNetAdmin) await this.#runtime.outOfFirewall;
    process.exit(0);
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
    const announce = (): void => {
      cancel();
      this.#succeeded();
      this.#manager.notify(`READY=1\nSTATUS=${this.#status()}\nMAINPID=${process.pid}`);
    };
    const cancel = SYSTEM_CLOCK.after(READY_MS, () =>
      this.#succession?.back(`it was not ready within ${READY_MS / 1000} s`),
    );
    if (this.#runtime.isEveryoneKnown) {
      announce();
      return;
    }
    const end = fleet.subscribe(() => {
      if (!this.#runtime.isEveryoneKnown) return;
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
