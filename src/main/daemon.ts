/**
 * main/: the composition root. It alone knows every folder; it builds the parts from a plan, starts them in order, and
 * stops them in the opposite one.
 *
 *   flags or files ─▶ configuration ─▶ plan ─▶ Daemon: watches ─▶ fleet ─▶ publishers, sockets, metrics
 */
import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { errorMessage, SluiceError } from "../errors/sluice-error.ts";
import { AdminStore } from "../monitor/admin-store.ts";
import { FleetStore } from "../monitor/fleet-store.ts";
import { OffSwitch } from "../monitor/off-switch.ts";
import { ServerWatch, type WatchedServer } from "../monitor/server-watch.ts";
import { DatabaseProbe } from "../probe/database/database-probe.ts";
import type { DatabaseTarget } from "../probe/database/target.ts";
import type { Questions } from "../probe/probe.ts";
import type { AgentActions } from "../publish/agent-socket/agent-handlers.ts";
import type { Publisher } from "../publish/publisher.ts";
import { PidFile } from "../system/pid-file.ts";
import { becomeIdentity, type Identity } from "../system/privileges.ts";
import { connectServiceManager, type ServiceManager } from "../system/systemd.ts";
import { type Clock, SYSTEM_CLOCK } from "../telemetry/clock.ts";
import type { Log } from "../telemetry/log.ts";
import { type LogOptions, type OpenLog, openLog } from "../telemetry/logger.ts";
import type { AdminState } from "../topology/verdict.ts";
import { explanation } from "../verdict/explanation.ts";
import { VERSION } from "./version.ts";

/** Everything a daemon is made of; plain data. */
export interface DaemonPlan {
  readonly servers: readonly ServerPlan[];
  readonly offSwitchFiles: readonly string[];
  readonly runtimeDirectory: string;
  readonly stateDirectory: string;
  readonly pidFile: string | undefined;
  readonly runAs: Identity | undefined;
  readonly log: LogOptions;
  createPublishers(services: Services): readonly Publisher[];
}

export interface ServerPlan {
  readonly watched: WatchedServer;
  readonly target: DatabaseTarget;
  readonly questions: Questions;
}

/** What publishers are built from. */
export interface Services {
  readonly fleet: FleetStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly actions: AgentActions;
  metrics(): Promise<string>;
}

// SIGTERM ends the process within a second, whatever still hangs.
const STOP_DEADLINE_MS = 900;

/** Runs until SIGTERM or SIGINT; resolves to the exit code. Rejects with a SluiceError when it cannot start. */
export async function runDaemon(plan: DaemonPlan): Promise<number> {
  const manager = await connectServiceManager(process.env);
  makeDirectory(plan.runtimeDirectory, 0o755, plan.runAs);
  makeDirectory(plan.stateDirectory, 0o700, plan.runAs);
  const openedLog = await openLog(plan.log);
  const daemon = new Daemon(plan, openedLog.log, manager);
  const stopped = untilStopped(openedLog, daemon);
  await daemon.start();
  await stopped;
  await daemon.stop();
  return 0;
}

class Daemon {
  readonly #plan: DaemonPlan;
  readonly #log: Log;
  readonly #manager: ServiceManager;
  readonly #fleet = new FleetStore();
  readonly #clock = SYSTEM_CLOCK;
  readonly #watches = new Map<string, ServerWatch>();
  readonly #admin: AdminStore;
  readonly #offSwitch: OffSwitch;
  readonly #publishers: readonly Publisher[];
  readonly #started: Publisher[] = [];
  #pidFile: PidFile | undefined;
  #watchdog: ReturnType<typeof setInterval> | undefined;

  constructor(plan: DaemonPlan, log: Log, manager: ServiceManager) {
    this.#plan = plan;
    this.#log = log;
    this.#manager = manager;
    this.#admin = new AdminStore(`${plan.stateDirectory}/admin.json`);
    this.#offSwitch = new OffSwitch(plan.offSwitchFiles, this.#clock, (present) => this.#switched(present));
    for (const server of plan.servers) this.#watches.set(server.watched.name, this.#watch(server));
    this.#publishers = plan.createPublishers(this.#services());
  }

  async start(): Promise<void> {
    const { pidFile, runAs } = this.#plan;
    if (pidFile !== undefined) this.#pidFile = new PidFile(pidFile);
    try {
      for (const publisher of this.#publishers) {
        await publisher.start();
        this.#started.push(publisher);
      }
      if (runAs !== undefined) becomeIdentity(runAs);
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#offSwitch.start();
    for (const watch of this.#watches.values()) watch.start();
    this.#announceWhenKnown();
    this.#keepWatchdog();
    this.#log.info(
      { event: "started", version: VERSION },
      `sluice ${VERSION} watches ${[...this.#watches.keys()].join(", ")}`,
    );
  }

  async stop(): Promise<void> {
    this.#manager.notify("STOPPING=1");
    clearInterval(this.#watchdog);
    this.#offSwitch.close();
    for (const watch of this.#watches.values()) watch.stop();
    await Promise.all(this.#started.map((publisher) => publisher.close()));
    this.#pidFile?.remove();
    this.#log.info({ event: "stopped" }, "stopped");
  }

  /** SIGHUP: files that were replaced are read again. */
  reload(): void {
    for (const publisher of this.#started) publisher.reload?.();
  }

  #watch({ watched, target, questions }: ServerPlan): ServerWatch {
    const probe = new DatabaseProbe(target, questions, this.#clock);
    const overlay = { admin: this.#admin.get(watched.name), offSwitch: this.#offSwitch.present };
    return new ServerWatch(watched, probe, overlay, this.#clock, this.#log, (server) =>
      this.#fleet.put(server),
    );
  }

  #services(): Services {
    const watches = this.#watches;
    const sources = {
      fleet: this.#fleet,
      clock: this.#clock,
      version: VERSION,
      counts: (server: string) => watches.get(server)?.counts,
    };
    // Loaded when somebody scrapes: an agent that nobody scrapes need not hold it in memory.
    let registry: Promise<{ metrics(): Promise<string> }> | undefined;
    return {
      fleet: this.#fleet,
      clock: this.#clock,
      log: this.#log,
      actions: {
        hint: () => {
          for (const watch of watches.values()) watch.hint();
        },
        explain: (name) => this.#explain(name),
        setAdmin: (name, state) => this.#setAdmin(name, state),
      },
      metrics: async () => {
        registry ??= import("../telemetry/metrics.ts").then(({ createMetrics }) => createMetrics(sources));
        return await (await registry).metrics();
      },
    };
  }

  /** The administrative state of one server, kept before it takes effect. Throws IO_FAILED when it cannot be kept. */
  #setAdmin(name: string, state: AdminState): void {
    this.#admin.set(name, state);
    this.#watches.get(name)?.setAdmin(state);
    this.#log.info(
      { event: "admin", server: name, state },
      `${name}: ${state === "none" ? "back in service" : state}, by a person`,
    );
  }

  #explain(name: string): string {
    const server = this.#fleet.current().servers.get(name);
    if (server === undefined) throw new SluiceError("NOT_FOUND", `there is no server called ${name}`);
    return explanation(server, this.#clock.now());
  }

  #switched(present: string | undefined): void {
    this.#log.warn(
      { event: "off_switch", file: present },
      present === undefined ? "the off-switch file is gone" : `${present} forces the server out`,
    );
    for (const watch of this.#watches.values()) watch.setOffSwitch(present);
  }

  /** READY=1 once every server has been judged, so that what is started after us finds an answer. */
  #announceWhenKnown(): void {
    const isKnown = (): boolean =>
      [...this.#fleet.current().servers.values()].every(({ verdict }) => verdict.known);
    const announce = (): void =>
      this.#manager.notify(`READY=1\nSTATUS=${this.#status()}\nMAINPID=${process.pid}`);
    if (isKnown()) {
      announce();
      return;
    }
    const end = this.#fleet.subscribe(() => {
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
      const now = this.#clock.now();
      const isStale = [...this.#fleet.current().servers.values()].some(
        ({ verdict }) => now > verdict.staleAt,
      );
      if (!isStale) this.#manager.notify(`WATCHDOG=1\nSTATUS=${this.#status()}`);
    }, watchdogMs / 3);
  }

  #status(): string {
    const words = [...this.#fleet.current().servers.values()].map(
      ({ name, verdict }) => `${name}: ${verdict.sentence}`,
    );
    return words.join("; ").replace(/\n/g, " ").slice(0, 500);
  }
}

/** Resolves at the first SIGTERM or SIGINT, and sees to it that the process is gone soon after. */
function untilStopped(openedLog: OpenLog, daemon: Daemon): Promise<void> {
  process.on("SIGPIPE", () => {});
  process.on("SIGHUP", () => {
    openedLog.reopen();
    try {
      daemon.reload();
    } catch (error) {
      openedLog.log.error({ event: "reload_failed", err: error }, errorMessage(error));
    }
  });
  return new Promise((resolve) => {
    const stop = (): void => {
      setTimeout(() => process.exit(0), STOP_DEADLINE_MS).unref();
      resolve();
    };
    process.once("SIGTERM", stop);
    process.once("SIGINT", stop);
  });
}

function makeDirectory(path: string, mode: number, owner: Identity | undefined): void {
  const created = mkdirSync(path, { recursive: true, mode });
  if (created === undefined) return;
  chmodSync(path, mode);
  if (owner !== undefined && process.getuid?.() === 0) chownSync(path, owner.uid, owner.gid);
}
