import { readFileSync } from "node:fs";
import { eventually } from "../eventually.ts";
import { childrenOf, commandLineOf } from "./daemon-processes.ts";
import type { Host } from "./host.ts";
import type { MariaDb } from "./maria-db.ts";
import type { Process } from "./process.ts";
import { runSluice, startSluice } from "./sluice.ts";

export interface BalancerSettings {
  readonly servers: readonly MariaDb[];
  /** `galeramon` or `mariadbmon`. */
  readonly module: string;
  /** The monitor's account. */
  readonly user: string;
  readonly password: string;
  /** How it watches. Default: so that a fault is noticed within a second. */
  readonly monitor?: string;
  /** Worker processes. Default 2. */
  readonly threads?: number;
  /** Each has a listener of its own; the texts are lines for their sections. */
  readonly services: readonly {
    readonly name: string;
    readonly port: number;
    /** Default readconnroute. */
    readonly router?: string;
    readonly service?: string;
    readonly listener?: string;
  }[];
  /** Lines for the section of a server, by its host's name. */
  readonly server?: Readonly<Record<string, string>>;
}

interface Listed {
  readonly id: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

const QUICK = "monitor_interval=200ms\ncheck_timeout=500ms";
const WORKERS_DEADLINE_MS = 20_000;
/** Codes of verdicts. */
const BY_A_PERSON: ReadonlySet<string> = new Set(["MAINTENANCE", "DRAINING"]);

/** `sluice run` on a host, with services that pass connections through. */
export class Balancer {
  readonly host: Host;
  readonly #settings: BalancerSettings;
  #process: Process | undefined;

  /** Resolves once it listens. */
  static async start(host: Host, settings: BalancerSettings): Promise<Balancer> {
    const balancer = new Balancer(host, settings);
    host.write("/etc/sluice.cnf", configuration(host, settings), 0o600);
    await balancer.start();
    return balancer;
  }

  private constructor(host: Host, settings: BalancerSettings) {
    this.host = host;
    this.#settings = settings;
  }

  /** The control process. */
  get process(): Process {
    if (this.#process === undefined) throw new Error("it has not been started");
    return this.#process;
  }

  /** Pids of its worker processes as seen from outside; those that an earlier control process left behind are none of them. */
  get workers(): readonly number[] {
    // Before it begins its own program, a child of any kind goes by the command line of the control process.
    const isWorker = (pid: number): boolean => commandLineOf(pid).startsWith("sluice\0worker\0");
    return childrenOf(this.process.pid).filter(isWorker);
  }

  get threads(): number {
    return this.#settings.threads ?? 2;
  }

  /** Starts it where it does not run, e.g. after it was killed. */
  async start(): Promise<void> {
    // The kernel leads connections to others from a port that nobody listens on.
    const listening = this.#settings.services.filter(
      ({ service = "" }) => !service.includes("dataplane=kernel"),
    );
    const ports = listening.map(({ port }) => port);
    const argv = ["run", "--config", this.host.path("/etc/sluice.cnf")];
    this.#process = await startSluice(this.host, argv, { ports });
    await this.untilWorking();
  }

  /** Resolves once all its workers are there. */
  async untilWorking(): Promise<void> {
    await eventually(() => this.workers.length === this.threads, {
      within: WORKERS_DEADLINE_MS,
      what: `${this.threads} workers`,
    });
  }

  /** Resolves once the workers that an earlier control process left behind have ended. */
  async untilAlone(): Promise<void> {
    const areGone = async (): Promise<boolean> => {
      const { stdout } = await this.host.run(["pgrep", "-c", "-f", "^sluice worker "], { mayFail: true });
      return Number(stdout) === this.threads;
    };
    await eventually(areGone, {
      within: WORKERS_DEADLINE_MS,
      every: 100,
      what: "the end of the workers of before",
    });
  }

  /** Servers that have failed since then by themselves, with the reasons, as the control process has said. */
  failures(since: number): readonly string[] {
    const lines = this.process.output.split("\n").filter((line) => /^\{.*"event":"verdict".*\}$/.test(line));
    return lines
      .map((line) => JSON.parse(line) as { time: string; up: boolean; code: string; msg: string })
      .filter(({ time, up, code }) => !up && !BY_A_PERSON.has(code) && Date.parse(time) >= since)
      .map(({ time, msg }) => `${time.slice(11, 23)} ${msg}`);
  }

  async kill(): Promise<void> {
    this.process.kill();
    await this.process.ended();
  }

  async command(...args: readonly string[]): Promise<string> {
    return (await runSluice(this.host, args, { timeoutMs: 20_000 })).stdout;
  }

  /** Objects of a list: servers, services, sessions, … */
  async list(kind: string): Promise<readonly Listed[]> {
    return JSON.parse(await this.command("list", kind, "--json")).data;
  }

  async maintenance(server: MariaDb, state: "on" | "off" | "drain"): Promise<void> {
    await this.command("maintenance", state, "--server", server.host.name);
  }

  /** Resolves once a service uses exactly these servers. */
  async untilUses(service: string, servers: readonly MariaDb[], within = 40_000): Promise<void> {
    const wanted = servers.map(({ host }) => host.name).sort();
    await eventually(
      async () => {
        const targets = await this.targetsOf(service);
        if (targets.join() === wanted.join()) return true;
        throw new Error(`it uses ${targets.join(", ") || "none"}`);
      },
      { within, every: 100, what: `service ${service} uses ${wanted.join(", ") || "none"}` },
    );
  }

  async targetsOf(service: string): Promise<readonly string[]> {
    const found = (await this.list("services")).find(({ id }) => id === service);
    const diagnostics = found?.attributes["router_diagnostics"] as { targets?: string[] } | undefined;
    return [...(diagnostics?.targets ?? [])].sort();
  }
}

/** Resident memory of a process, MB. NaN: there is none of that pid. */
export function residentMb(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  } catch {
    return Number.NaN;
  }
}

function configuration(host: Host, settings: BalancerSettings): string {
  const { servers, module, user, password, services, server = {} } = settings;
  const names = servers.map(({ host: { name } }) => name).join(",");
  const sections = [
    `[sluice]\nthreads=${settings.threads ?? 2}\ndatadir=${host.folder}/data\npersistdir=${host.folder}/data/sluice.cnf.d`,
    ...servers.map(
      ({ host: { name }, address, port }) =>
        `[${name}]\ntype=server\naddress=${address}\nport=${port}\n${server[name] ?? ""}`,
    ),
    `[fleet]\ntype=monitor\nmodule=${module}\nservers=${names}\nuser=${user}\npassword=${password}\n${settings.monitor ?? QUICK}`,
    ...services.map(
      ({ name, router = "readconnroute", service = "" }) =>
        `[${name}]\ntype=service\nrouter=${router}\ncluster=fleet\n${service}`,
    ),
    ...services.map(
      ({ name, port, listener = "" }) =>
        `[${name}-listener]\ntype=listener\nservice=${name}\nport=${port}\n${listener}`,
    ),
  ];
  return `${sections.join("\n\n")}\n`;
}
