/**
 * haproxy-socket/: tells HAProxy over its runtime socket, in the moment a verdict changes, instead of waiting to be asked.
 *
 *   fleet snapshot ─▶ haproxyOrders ─▶ those not told yet ─▶ RuntimeSocket ─▶ "set server galera/db1 agent down"
 *                                            ▲
 *            "show info", four times a second ┘ another process there has forgotten everything: all is told again
 */
import { errorMessage } from "../../errors/sluice-error.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Endpoint } from "../../topology/endpoint.ts";
import type { FleetView } from "../../topology/fleet.ts";
import { PublishedServers, type ServerSelection } from "../published-servers.ts";
import type { Publisher } from "../publisher.ts";
import { haproxyOrders, type OrderMode } from "./haproxy-orders.ts";
import { RuntimeSocket } from "./runtime-socket.ts";

export interface HaproxySocketOptions {
  readonly name: string;
  readonly socket: Endpoint;
  readonly servers: ServerSelection;
  /** HAProxy's backends that have these servers. */
  readonly backends: readonly string[];
  /** The server's name in HAProxy; undefined: the same as here. */
  readonly serverName: string | undefined;
  readonly mode: OrderMode;
}

/** How soon a reload of HAProxy, or a verdict that has become stale, is noticed. */
const LOOK_MS = 250;
const ANSWER_MS = 1000;

interface Order {
  /** `galera/db1` */
  readonly target: string;
  readonly words: readonly string[];
}

/** Publisher `haproxy-socket`. */
export class HaproxySocketPublisher implements Publisher {
  readonly module = "haproxy-socket";
  readonly name: string;
  readonly #options: HaproxySocketOptions;
  readonly #servers: PublishedServers;
  readonly #fleet: FleetView;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #socket: RuntimeSocket;
  /** By target, what this HAProxy process was told, whether it obeyed or not. */
  readonly #told = new Map<string, string>();
  #process: string | undefined;
  #isReachable = true;
  #unsubscribe: () => void = () => {};
  #cancelLook: () => void = () => {};
  /** One conversation at a time. */
  #talking: Promise<void> | undefined;
  #hasNews = false;

  constructor(options: HaproxySocketOptions, fleet: FleetView, clock: Clock, log: Log) {
    this.name = options.name;
    this.#options = options;
    this.#fleet = fleet;
    this.#servers = new PublishedServers(fleet, options.servers);
    this.#clock = clock;
    this.#log = log;
    this.#socket = new RuntimeSocket(options.socket, ANSWER_MS);
  }

  /** Begins to tell. HAProxy need not run yet. */
  async start(): Promise<void> {
    this.#unsubscribe = this.#fleet.subscribe(() => this.#news());
    this.#look();
  }

  /** What HAProxy was told stays: whether Sluice runs changes no traffic. */
  async close(): Promise<void> {
    this.#unsubscribe();
    this.#cancelLook();
    await this.#talking;
  }

  #look(): void {
    this.#talk(true);
    this.#cancelLook = this.#clock.after(LOOK_MS, () => this.#look());
  }

  #news(): void {
    if (this.#process !== undefined && this.#untold().length > 0) this.#talk(false);
  }

  #talk(isLook: boolean): void {
    if (this.#talking !== undefined) {
      this.#hasNews ||= !isLook;
      return;
    }
    this.#talking = this.#converse(isLook).finally(() => {
      this.#talking = undefined;
      if (!this.#hasNews) return;
      this.#hasNews = false;
      this.#news();
    });
  }

  async #converse(isLook: boolean): Promise<void> {
    try {
      if (isLook) this.#recognise(await this.#socket.ask("show info"));
      await this.#tell(this.#untold());
      if (!this.#isReachable) this.#log.info({ event: "haproxy_reached" }, "HAProxy is told again");
      this.#isReachable = true;
    } catch (error) {
      // Whatever part of it arrived: it is told again.
      this.#process = undefined;
      if (this.#isReachable) this.#log.warn({ event: "haproxy_unreachable" }, errorMessage(error));
      this.#isReachable = false;
    }
  }

  #recognise(info: string): void {
    const process = /^Pid: (\d+)$/m.exec(info)?.[1] ?? "";
    if (process === this.#process) return;
    this.#told.clear();
    this.#process = process;
    this.#log.info({ event: "haproxy_found", process }, `HAProxy process ${process} is told everything`);
  }

  #untold(): readonly Order[] {
    return this.#orders().filter(
      ({ target, words }) => words.length > 0 && this.#told.get(target) !== words.join(),
    );
  }

  #orders(): readonly Order[] {
    const { backends, serverName, mode } = this.#options;
    const now = this.#clock.now();
    return this.#servers.all().flatMap(({ name, verdict }) => {
      const words = haproxyOrders(verdict, mode, now);
      return backends.map((backend) => ({ target: `${backend}/${serverName ?? name}`, words }));
    });
  }

  async #tell(orders: readonly Order[]): Promise<void> {
    if (orders.length === 0) return;
    const lines = orders.flatMap(({ target, words }) => words.map((word) => ({ target, word })));
    const complaints = await this.#socket.order(
      lines.map(({ target, word }) => `set server ${target} ${word}`),
    );
    const refused = new Map<string, string>();
    for (const [index, { target }] of lines.entries()) {
      const complaint = complaints[index];
      if (complaint !== undefined && !refused.has(target)) refused.set(target, complaint);
    }
    for (const { target, words } of orders) {
      this.#told.set(target, words.join());
      const complaint = refused.get(target);
      if (complaint === undefined)
        this.#log.info({ event: "haproxy_told", target }, `${target}: ${words.join(", ")}`);
      else
        this.#log.error(
          { event: "haproxy_refused", target },
          `HAProxy does not set ${target}: ${advice(complaint)}`,
        );
    }
  }
}

/** HAProxy's words, and what would be right. */
function advice(complaint: string): string {
  if (/no such (server|backend)/i.test(complaint)) {
    return `${complaint}: see \`backends\` and \`server_name\` here, and the names there`;
  }
  if (/agent checks are not enabled/i.test(complaint)) {
    return `${complaint}: give it agent-check there, or set mode=state here`;
  }
  if (/permission denied/i.test(complaint)) return `${complaint}: the socket needs \`level admin\` there`;
  return complaint;
}
