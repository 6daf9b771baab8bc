import type { ListenerObject, ServiceObject } from "../../config/configuration.ts";
import { type Destination, parseDestination } from "../../config/values/destination.ts";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import { destinationEdits, destinationServer } from "./destination-edits.ts";
import type { GlbHost } from "./glb-host.ts";
import { type KnownHosts, lookUpHosts } from "./known-hosts.ts";
import { NO_TOTALS, routerTable, statLine } from "./reports.ts";

const OK = "Ok\n";
const ERROR = "Error\n";

/** Understands the commands of GLB for one service. */
export class GlbCommands {
  readonly #service: string;
  readonly #host: GlbHost;
  readonly #clock: Clock;
  readonly #log: Log;
  #reported = NO_TOTALS;
  #reportedAt: number;

  constructor(service: string, host: GlbHost, clock: Clock, log: Log) {
    this.#service = service;
    this.#host = host;
    this.#clock = clock;
    this.#log = log;
    this.#reportedAt = clock.monotonic();
  }

  /**
   * Does what a line says and resolves to the answer; never rejects. What was wrong is in the log: the protocol has no words for it.
   * @param from who says it, for the log
   */
  async answer(line: string, from: string): Promise<string> {
    const command = line.trim();
    try {
      if (/^getinfo/i.test(command)) return await this.#info();
      if (/^getstat/i.test(command)) return await this.#stat();
      await this.#change(command, from);
      return OK;
    } catch (error) {
      const reason = errorMessage(error).replace(/\s*\n\s*/g, "; ");
      this.#log.warn(
        { event: "control_refused", from, reason },
        `${JSON.stringify(command.slice(0, 80))}: ${reason}`,
      );
      return ERROR;
    }
  }

  async #info(): Promise<string> {
    return routerTable(await this.#usage());
  }

  async #stat(): Promise<string> {
    const usage = await this.#usage();
    const now = this.#clock.monotonic();
    const line = statLine(usage, this.#reported, now - this.#reportedAt);
    this.#reported = usage;
    this.#reportedAt = now;
    return line;
  }

  async #usage() {
    const usage = await this.#host.usage(this.#service);
    if (usage === undefined) throw new SluiceError("REFUSED", `the service ${this.#service} does not run`);
    return usage;
  }

  async #change(command: string, from: string): Promise<void> {
    const destination = parseDestination(command, this.#port);
    if (destination === undefined) {
      throw new SluiceError("REQUEST_INVALID", "expected getinfo, getstat or HOST:PORT[:WEIGHT]");
    }
    const hosts = await this.#lookUp(destination);
    let removed: string | undefined;
    await this.#host.edit((configuration) => {
      const service = configuration.services.get(this.#service);
      if (service === undefined) throw new SluiceError("NOT_FOUND", `there is no service ${this.#service}`);
      const present = destinationServer(configuration, service, destination, hosts.isSame);
      if (present === undefined && !hosts.isFound(destination.host))
        throw new SluiceError("NOT_FOUND", `there is no host ${destination.host}`);
      if (destination.weight < 0) removed = present?.name;
      return destinationEdits(configuration, service, destination, hosts.isSame);
    });
    if (removed !== undefined) this.#host.leaveServer(this.#service, removed);
    this.#log.info({ event: "control", from }, `by the control socket: ${command}`);
  }

  async #lookUp({ host, port }: Destination): Promise<KnownHosts> {
    const servers = [...this.#host.configuration().servers.values()];
    const hosts = servers.flatMap(({ parameters: p }) =>
      p.address === undefined || p.port !== port ? [] : p.address,
    );
    const isWritten = hosts.some((other) => other.toLowerCase() === host.toLowerCase());
    return await lookUpHosts(isWritten ? [host] : [...hosts, host], this.#clock);
  }

  /** The port that a destination without one gets: the service's own, as in GLB. */
  get #port(): number | undefined {
    const { listeners } = this.#host.configuration();
    return [...listeners.values()].find((listener) => isOf(listener, this.#service))?.parameters.port;
  }
}

function isOf({ parameters }: ListenerObject, service: ServiceObject["name"]): boolean {
  return parameters.service === service && parameters.port !== undefined;
}
