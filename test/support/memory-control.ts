import type {
  CertificateInfo,
  CommandInfo,
  Control,
  ListenerStatus,
  MonitorStatus,
  PublisherStatus,
  ServerStatus,
  ServiceStatus,
  SessionInfo,
  ThreadInfo,
  UpgradeStatus,
} from "../../src/admin/control.ts";
import { parseCnf } from "../../src/config/cnf-parser.ts";
import { compileConfiguration } from "../../src/config/compile-configuration.ts";
import type { Configuration } from "../../src/config/configuration.ts";
import type { Edit } from "../../src/config/edit-sections.ts";
import { formatProblem } from "../../src/config/problem.ts";
import { fromCnf, type SourceSection } from "../../src/config/source.ts";
import { SluiceError } from "../../src/errors/sluice-error.ts";
import { ConfigurationStore } from "../../src/main/runtime/configuration-store.ts";
import type { FleetEvent } from "../../src/topology/fleet-event.ts";
import { facts } from "./facts.ts";
import { aVerdict } from "./fake-fleet.ts";
import { memoryFiles } from "./memory-files.ts";

const STARTED_AT = Date.UTC(2026, 0, 2, 3, 0, 0);

/** A Control whose configuration is real and whose servers are in memory: all are running until a test says otherwise. */
export class MemoryControl implements Control {
  readonly program = { version: "0.1.0", commit: "abc1234", startedAt: STARTED_AT };
  logFile: string | undefined;
  readonly states = new Map<string, Partial<ServerStatus>>();
  readonly stopped = new Set<string>();
  readonly known: FleetEvent[] = [];
  readonly clientSessions: SessionInfo[] = [];
  readonly certificateFiles: CertificateInfo[] = [];
  /** What was asked for, in order: `rotate`, `reload accounts rw` … */
  readonly calls: string[] = [];
  /** How often edits were applied. */
  applied = 0;
  readonly #store: ConfigurationStore;
  readonly #listeners = new Set<(event: FleetEvent) => void>();

  constructor(text: string) {
    const { sections, configuration } = compiled(text);
    const origin = { file: undefined, sections, files: memoryFiles({}), env: {} };
    this.#store = new ConfigurationStore(configuration, origin, undefined);
  }

  configuration(): Configuration {
    return this.#store.current;
  }

  servers(): ReadonlyMap<string, ServerStatus> {
    return this.#each(this.configuration().servers, (name) => ({
      state: "Running",
      details: undefined,
      verdict: aVerdict(),
      facts: facts({ serverId: 3000 }),
      lagSeconds: 0,
      lastEvent: { name: "server_up", time: STARTED_AT },
      connections: { current: 0, total: 0, max: 0 },
      ...this.states.get(name),
    }));
  }

  monitors(): ReadonlyMap<string, MonitorStatus> {
    return this.#each(this.configuration().monitors, (name, { parameters }) => ({
      running: !this.stopped.has(name),
      ticks: 12,
      primary: parameters.servers.find((server) => this.states.get(server)?.state?.startsWith("Master")),
      diagnosis: "All is well.",
    }));
  }

  services(): ReadonlyMap<string, ServiceStatus> {
    return new Map();
  }

  listeners(): ReadonlyMap<string, ListenerStatus> {
    return new Map();
  }

  certificates(): readonly CertificateInfo[] {
    return this.certificateFiles;
  }

  publishers(): ReadonlyMap<string, PublisherStatus> {
    return this.#each(this.configuration().publishers, () => ({
      state: "running",
      reason: undefined,
      tells: "200 GALERA_SYNCED",
    }));
  }

  sessions(): Promise<readonly SessionInfo[]> {
    return Promise.resolve(this.clientSessions);
  }

  threads(): readonly ThreadInfo[] {
    const load = { lastSecond: 0.02, lastMinute: 0.01, lastHour: 0 };
    const descriptors = { current: 5, total: 9 };
    return [{ id: 0, pid: 4711, state: "Active", sessions: 0, descriptors, load, memoryBytes: 50_000_000 }];
  }

  commands(): readonly CommandInfo[] {
    const server = { type: "SERVER", required: false, description: "A server" } as const;
    const monitor = { type: "MONITOR", required: true, description: "The monitor" } as const;
    return [
      {
        module: "mariadbmon",
        name: "switchover",
        description: "Moves the primary role",
        writes: true,
        arguments: [monitor, server, server],
      },
    ];
  }

  events(): readonly FleetEvent[] {
    return this.known;
  }

  subscribeEvents(listener: (event: FleetEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** How many clients follow the events. */
  get subscribers(): number {
    return this.#listeners.size;
  }

  /** Something happens. */
  emit(event: Partial<FleetEvent>): void {
    const id = (this.known.at(-1)?.id ?? 0) + 1;
    const cause = { code: "PROBE_REFUSED", sentence: "Nothing listens there." };
    const happened = {
      id,
      time: STARTED_AT + id * 1000,
      monitor: "m",
      server: "db1",
      event: "server_down",
      from: "Running",
      to: "Down",
      cause,
      maxscaleEvent: "server_down",
      ...event,
    };
    this.known.push(happened);
    for (const listener of this.#listeners) listener(happened);
  }

  metrics(): Promise<string> {
    return Promise.resolve("# HELP sluice_build_info Version.\nsluice_build_info 1\n");
  }

  async apply(edits: readonly Edit[]): Promise<void> {
    const candidate = this.#store.edited(edits);
    // Whoever writes at the same time would be lost here.
    await new Promise((resolve) => setImmediate(resolve));
    await this.#store.keep(candidate);
    this.#store.accept(candidate);
    this.applied++;
  }

  setServerState(server: string, state: "none" | "drain" | "maintenance", force: boolean): Promise<void> {
    const present = this.servers().get(server)?.state ?? "";
    if (state !== "none" && present.startsWith("Master") && !force) {
      throw new SluiceError("REFUSED", `${server} is the primary; --force puts it away nevertheless`);
    }
    this.calls.push(`${server} ${state}`);
    const words = { none: "Running", drain: "Drained, Running", maintenance: "Maintenance, Running" };
    this.states.set(server, { ...this.states.get(server), state: words[state] });
    return Promise.resolve();
  }

  setRunning(kind: string, name: string, running: boolean, force: boolean): Promise<void> {
    this.calls.push(`${running ? "start" : "stop"} ${kind} ${name}${force ? " by force" : ""}`);
    if (running) this.stopped.delete(name);
    else this.stopped.add(name);
    return Promise.resolve();
  }

  callCommand(module: string, command: string, args: readonly string[]): Promise<unknown> {
    this.calls.push([module, command, ...args].join(" "));
    return Promise.resolve(args.length > 1 ? { done: args } : undefined);
  }

  reload(): Promise<readonly string[]> {
    this.calls.push("reload");
    return Promise.resolve(["~ server db1: rise 1 -> 3"]);
  }

  reloadAccounts(service: string): Promise<void> {
    this.calls.push(`reload accounts ${service}`);
    return Promise.resolve();
  }

  endSession(id: string, ttlMs: number): Promise<void> {
    if (!this.clientSessions.some((session) => session.id === id)) {
      throw new SluiceError("NOT_FOUND", `there is no session ${id}`);
    }
    this.calls.push(`end ${id} ${ttlMs}`);
    return Promise.resolve();
  }

  readonly lastUpgrade = undefined;

  async upgrade(): Promise<UpgradeStatus> {
    throw new SluiceError("REFUSED", "there is nothing to upgrade to");
  }

  rotateLog(): void {
    this.calls.push("rotate");
  }

  #each<O, S>(
    objects: ReadonlyMap<string, O>,
    status: (name: string, object: O) => S,
  ): ReadonlyMap<string, S> {
    return new Map([...objects].map(([name, object]) => [name, status(name, object)]));
  }
}

function compiled(text: string): {
  readonly sections: readonly SourceSection[];
  readonly configuration: Configuration;
} {
  const { sections: parsed, problems } = parseCnf("/etc/sluice.cnf", text);
  const sections = fromCnf(parsed, "file");
  const result = compileConfiguration(sections, {}, problems);
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  return { sections, configuration: result.configuration };
}
