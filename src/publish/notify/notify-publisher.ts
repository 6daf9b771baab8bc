/**
 * notify/: tells proxies, over their REST API, which of a pair may act on the cluster (passive=false) and which may not.
 *
 *   keepalived ─FIFO─▶ FifoReader ─▶ parseVrrpNotice ─▶ isPassive ─┐
 *   fleet snapshot (without a FIFO) ─▶ up? ─────────────────────────┴─▶ AcknowledgedFlag, one per API ─▶ PATCH /v1/maxscale
 */
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import type { FleetView } from "../../topology/fleet.ts";
import { freshVerdict } from "../../verdict/endpoint.ts";
import { PublishedServers, type ServerSelection } from "../published-servers.ts";
import type { Publisher } from "../publisher.ts";
import { AcknowledgedFlag, type FlagTarget } from "./acknowledged-flag.ts";
import { FifoReader } from "./fifo-reader.ts";
import { isPassive, parseVrrpNotice } from "./vrrp-state.ts";

export interface NotifyOptions {
  readonly name: string;
  readonly targets: readonly FlagTarget[];
  /** keepalived's notify FIFO; undefined: the verdict decides. */
  readonly fifo: string | undefined;
  readonly servers: ServerSelection;
  readonly retryMs: number;
}

/** Publisher `notify`. */
export class NotifyPublisher implements Publisher {
  readonly module = "notify";
  readonly name: string;
  readonly #flags: readonly AcknowledgedFlag[];
  readonly #retryMs: number;
  readonly #fleet: FleetView;
  readonly #servers: PublishedServers;
  readonly #clock: Clock;
  readonly #reader: FifoReader | undefined;
  #unsubscribe: () => void = () => {};
  #passive: boolean | undefined;

  constructor(options: NotifyOptions, fleet: FleetView, clock: Clock, log: Log) {
    this.name = options.name;
    this.#flags = options.targets.map((target) => new AcknowledgedFlag(target, options.retryMs, clock, log));
    this.#fleet = fleet;
    this.#retryMs = options.retryMs;
    this.#servers = new PublishedServers(fleet, options.servers);
    this.#clock = clock;
    if (options.fifo !== undefined) {
      const complain = (sentence: string): void => log.error({ event: "fifo_failed" }, sentence);
      this.#reader = new FifoReader(options.fifo, clock, (line) => this.#onLine(line), complain);
    }
  }

  async start(): Promise<void> {
    for (const flag of this.#flags) flag.keep(this.#retryMs);
    if (this.#reader === undefined) this.#unsubscribe = this.#fleet.subscribe(() => this.#judge());
    else this.#reader.start();
  }

  async close(): Promise<void> {
    this.#reader?.close();
    this.#unsubscribe();
    await Promise.all(this.#flags.map((flag) => flag.close()));
  }

  #onLine(line: string): void {
    const notice = parseVrrpNotice(line);
    const passive = notice && isPassive(notice.state);
    if (passive !== undefined) for (const flag of this.#flags) flag.want(passive);
  }

  #judge(): void {
    const now = this.#clock.now();
    const verdicts = this.#servers.all().map(({ verdict }) => freshVerdict(verdict, now));
    if (!verdicts.some(({ known }) => known)) return;
    const passive = !verdicts.some(({ up }) => up);
    if (passive === this.#passive) return;
    this.#passive = passive;
    for (const flag of this.#flags) flag.want(passive);
  }
}
