/**
 * main/traffic/kernel/: services that the kernel carries (dataplane=kernel). No byte of theirs passes through a process.
 *
 *   plans, routes ─▶ KernelTraffic ─┬─▶ NftTable: one transaction per change; every second: as it was left? renew
 *                                   └─▶ KernelFlows: who is connected; ends those of servers that are out
 *
 * What is in the kernel outlives this process. One that is started again takes the table over, and changes nothing before it
 * knows the servers.
 */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorMessage, SluiceError } from "../../../errors/sluice-error.ts";
import type { KernelService } from "../../../proxy/kernel/kernel-service.ts";
import { type Led, ledConnections } from "../../../proxy/kernel/table-listing.ts";
import type { SessionLine, WorkerCounters } from "../../../proxy/worker/messages.ts";
import { resetPeer } from "../../../system/firewall/reset-peer.ts";
import { type Forwarding, requireForwarding } from "../../../system/forwarding.ts";
import type { RunCommand } from "../../../system/run-command.ts";
import { Turns } from "../../../system/turns.ts";
import type { Clock } from "../../../telemetry/clock.ts";
import type { Log } from "../../../telemetry/log.ts";
import type { ServiceRoute } from "../../../topology/routing-table.ts";
import { KernelClaim } from "./kernel-claim.ts";
import { kernelCounters } from "./kernel-counters.ts";
import { type KernelFlow, KernelFlows, sessionLine } from "./kernel-flows.ts";
import type { KernelPlan } from "./kernel-plan.ts";
import { KernelPorts } from "./kernel-ports.ts";
import { KernelRoutes } from "./kernel-routes.ts";
import { NftTable } from "./nft-table.ts";

export interface KernelParts {
  /** Where it is noted that there is a table: what a daemon has left, the next one takes away if nobody wants it any more. */
  readonly stateDirectory: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly run: RunCommand;
  readForwarding(): Forwarding;
}

const TICK_MS = 1000;
const RETRY_MS = 200;
/** Rules must not stay behind because a slow machine has not ended one command in time. */
const END_TRIES = 3;
const ITS_END = "nobody would translate for them any more, and they would hang";
/** Of the time, at most this share goes into telling connections: with very many of them it takes long. */
const COUNTING_SHARE = 0.2;

export class KernelTraffic {
  readonly #parts: KernelParts;
  readonly #table: NftTable;
  readonly #flows: KernelFlows;
  readonly #ports = new KernelPorts();
  readonly #claim = new KernelClaim();
  readonly #routes = new KernelRoutes();
  #plans: readonly KernelPlan[] = [];
  /** By service: the servers it has had, some of which it may have no more, though connections to them go on. */
  readonly #servers = new Map<string, Map<string, string>>();
  /** Nft and conntrack work here, and the table is ours. */
  #isReady = false;
  /** Our rules are in force; before that, what a predecessor has left. */
  #isLaid = false;
  #present: readonly KernelFlow[] = [];
  #led: readonly Led[] = [];
  #countAgainAt = 0;
  /** Why nothing can be done for any listener. */
  #failure: string | undefined;
  #lastSaid = "";
  #lastClosing = "";
  readonly #turns = new Turns();
  #isKicked = false;
  #cancelTick: () => void = () => {};
  #cancelRetry: () => void = () => {};

  constructor(parts: KernelParts) {
    this.#parts = parts;
    this.#table = new NftTable(parts.run);
    this.#flows = new KernelFlows({ clock: parts.clock, run: parts.run, reset: resetPeer });
  }

  /** At the start, while privileges are still there. Throws what keeps the services from being carried. */
  async open(plans: readonly KernelPlan[]): Promise<void> {
    await this.#put(plans);
    const [failure] = this.#ports.failures.values();
    if (failure !== undefined) throw new SluiceError("ADDRESS_IN_USE", failure);
  }

  /** Later: a mistake becomes the state of the listeners. */
  async put(plans: readonly KernelPlan[]): Promise<void> {
    try {
      await this.#put(plans);
      this.#failure = undefined;
    } catch (error) {
      this.#failure = errorMessage(error);
      this.#failed(error);
    }
  }

  /** Where connections are to go now. */
  route(routes: readonly ServiceRoute[], isKnown: (service: string) => boolean): void {
    this.#routes.put(routes, isKnown);
    this.#kick();
  }

  /** Ends all connections and takes every rule away, but of services that are to outlive the program. */
  async stop(): Promise<void> {
    this.#cancelTick();
    this.#cancelRetry();
    for (let tries = END_TRIES; tries > 0 && !(await this.#attempt(() => this.#end())); tries--);
    this.#isReady = false;
    this.#cancelTick();
    this.#claim.release();
  }

  /** Leaves it all to a successor of this process, as it is. */
  leave(): void {
    this.#cancelTick();
    this.#cancelRetry();
  }

  get needsNetAdmin(): boolean {
    return this.#plans.length > 0;
  }

  /** Why a listener is not served; undefined: it is, or nobody wants it. */
  failureOf(listener: string): string | undefined {
    return this.#failure ?? this.#ports.failures.get(listener);
  }

  isServed(listener: string): boolean {
    return this.#isLaid && this.#ports.has(listener);
  }

  /** In the form in which workers tell theirs. */
  get counters(): readonly WorkerCounters[] {
    if (this.#plans.length === 0) return [];
    return [kernelCounters(this.#plans, this.#present, this.#led)];
  }

  /** Brings `counters` up to date. */
  async recount(): Promise<void> {
    await this.#attempt(async () => {
      await this.#look();
      await this.#count();
    });
  }

  /** How many there can be, of all services together. */
  get mostConnections(): number {
    return this.#parts.readForwarding().mostConnections;
  }

  async sessions(): Promise<readonly SessionLine[]> {
    if (!this.#isReady) return [];
    await this.#turns.run(async () => await this.#count());
    const now = this.#parts.clock.now();
    const { idleLimitSeconds } = this.#parts.readForwarding();
    return this.#present.map((flow) => sessionLine(flow, now, idleLimitSeconds));
  }

  /** Ends one session, of those that were listed last. */
  async endSession(id: number): Promise<void> {
    await this.#attempt(async () => {
      const flow = this.#present.find((candidate) => candidate.id === id);
      if (flow !== undefined) await this.#flows.cutOne(flow);
    });
  }

  /** All of a service, or those that came by one listener. */
  async endSessions({ service, listener }: { service?: string; listener?: string }): Promise<void> {
    await this.#attempt(async () => {
      await this.#count();
      for (const flow of this.#present)
        if (flow.service === service || flow.listenerName === listener) await this.#flows.cutOne(flow);
    });
  }

  /** Ends what a service has on a server that was taken out of it. */
  async leaveServer(service: string, server: string): Promise<void> {
    await this.#attempt(async () => {
      await this.#count();
      const isMeant = (flow: KernelFlow): boolean => flow.service === service && flow.serverName === server;
      await this.#cut(this.#present.filter(isMeant), "it was taken out of the service");
    });
  }

  /** In turn, where there is a table of ours; a failure is said. @returns whether nothing failed */
  async #attempt(work: () => Promise<void>): Promise<boolean> {
    if (!this.#isReady) return true;
    try {
      await this.#turns.run(work);
      return true;
    } catch (error) {
      this.#failed(error);
      return false;
    }
  }

  async #put(plans: readonly KernelPlan[]): Promise<void> {
    await this.#turns.run(async () => {
      const before = this.#plans;
      this.#plans = plans.map((plan) => ({ ...plan, servers: this.#remember(plan) }));
      await this.#holdPorts();
      if (plans.length > 0) await this.#prepare(plans);
      else if (this.#isReady) await this.#removeAll(before);
      else await this.#removeLeft();
      await this.#settleOrRetry();
    });
  }

  #remember({ service, servers }: KernelPlan): ReadonlyMap<string, string> {
    const all = new Map([...(this.#servers.get(service) ?? []), ...servers]);
    this.#servers.set(service, all);
    return all;
  }

  async #holdPorts(): Promise<void> {
    const listeners = this.#plans.flatMap((plan) => plan.listeners);
    await this.#ports.put(listeners.filter(({ isOpen }) => isOpen));
  }

  async #prepare(plans: readonly KernelPlan[]): Promise<void> {
    const { stateDirectory, readForwarding } = this.#parts;
    const forwarding = readForwarding();
    for (const { listeners, servers } of plans)
      requireForwarding(
        listeners.map(({ address }) => address),
        [...servers.keys()].map((key) => hostOf(key)),
        forwarding,
      );
    if (this.#isReady) return;
    await this.#claim.take();
    await this.#table.check();
    await this.#flows.check();
    writeFileSync(noteIn(stateDirectory), "");
    this.#isReady = true;
    this.#tick();
  }

  /** What a predecessor has left, unless somebody else has it now. Nothing here needs it, so a failure is only said. */
  async #removeLeft(): Promise<void> {
    if (!existsSync(noteIn(this.#parts.stateDirectory))) return;
    try {
      await this.#claim.take();
      await this.#removeAll([]);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** @param plans whose connections end */
  async #removeAll(plans: readonly KernelPlan[]): Promise<void> {
    this.#cancelTick();
    await this.#table.put([], this.#host);
    await this.#cut(await this.#flows.list(plans, this.#parts.clock.now()), ITS_END);
    await this.#flows.allReset;
    await this.#table.remove();
    this.#isReady = false;
    this.#isLaid = false;
    this.#present = [];
    this.#led = [];
    this.#claim.release();
    rmSync(noteIn(this.#parts.stateDirectory), { force: true });
    this.#parts.log.info({ event: "kernel_removed" }, "the rules of dataplane=kernel are gone");
  }

  async #end(): Promise<void> {
    const kept = this.#plans.filter(({ keepOnExit }) => keepOnExit);
    if (kept.length === 0) {
      await this.#removeAll(this.#plans);
      return;
    }
    const services = this.#wanted()?.filter(({ name }) => kept.some(({ service }) => service === name));
    // Where nothing is known yet, what a predecessor has left stays as it is.
    if (services !== undefined) {
      const ending = this.#plans.filter(({ keepOnExit }) => !keepOnExit);
      await this.#table.put(services, this.#host);
      await this.#cut(await this.#flows.list(ending, this.#parts.clock.now()), ITS_END);
      await this.#flows.allReset;
      await this.#table.tend();
    }
    const names = kept.map(({ service }) => service).join(", ");
    this.#parts.log.info({ event: "kernel_kept" }, `the rules of ${names} stay, and connections go on`);
  }

  /** The next one when this one has ended: on a busy machine they must not pile up. */
  #tick(): void {
    this.#cancelTick();
    void this.#attempt(async () => await this.#tend()).then(() => {
      if (this.#isReady) this.#cancelTick = this.#parts.clock.after(this.#tickMs, () => this.#tick());
    });
  }

  /** Often enough to renew in time. */
  get #tickMs(): number {
    const times = this.#plans.flatMap(({ ttlMs }) => (ttlMs === 0 ? [] : [ttlMs / 3]));
    return Math.min(TICK_MS, ...times);
  }

  async #tend(): Promise<void> {
    if (!this.#isReady || !this.#isLaid) return;
    // A port that a worker still had may be free by now.
    if (this.#ports.failures.size > 0) {
      await this.#holdPorts();
      await this.#settle();
    }
    await this.#look();
    if (this.#parts.clock.monotonic() >= this.#countAgainAt) await this.#count();
    await this.#cutClosing();
    this.#lastSaid = "";
  }

  /** Are the rules as they were left, and how many connections have they led? */
  async #look(): Promise<void> {
    if (!this.#isLaid) return;
    const { listing, isRepaired } = await this.#table.tend();
    this.#led = ledConnections(listing);
    if (isRepaired)
      this.#parts.log.warn(
        { event: "kernel_repaired" },
        "the rules of dataplane=kernel were not as this program had left them: they are right again",
      );
  }

  #kick(): void {
    if (this.#isKicked) return;
    this.#isKicked = true;
    void this.#turns.run(async () => {
      this.#isKicked = false;
      await this.#settleOrRetry();
    });
  }

  async #settleOrRetry(): Promise<void> {
    this.#cancelRetry();
    try {
      await this.#settle();
    } catch (error) {
      this.#failed(error);
      this.#cancelRetry = this.#parts.clock.after(RETRY_MS, () => this.#kick());
    }
  }

  /** Makes the rules what they should be, and ends what should not go on. */
  async #settle(): Promise<void> {
    const { current } = this.#routes;
    const services = this.#wanted();
    if (services === undefined) return;
    const isChanged = await this.#table.put(services, this.#host);
    this.#routes.follow(current);
    this.#isLaid = true;
    const closing = this.#plans.flatMap(({ service }) => [...this.#routes.closingOf(service)]).join(" ");
    // What comes later to a server that is out is ended once a second.
    if (!isChanged && closing === this.#lastClosing) return;
    this.#lastClosing = closing;
    if (closing === "") return;
    await this.#count();
    await this.#cutClosing();
  }

  /** Undefined while nothing may be changed yet. */
  #wanted(): readonly KernelService[] | undefined {
    if (!this.#isReady) return undefined;
    if (!this.#isLaid && !this.#routes.areAllKnown(this.#plans)) return undefined;
    return this.#routes.servicesOf(this.#plans, (listener) => this.#ports.has(listener));
  }

  async #cutClosing(): Promise<void> {
    const flows = this.#present.filter(({ service, serverName }) =>
      this.#routes.closingOf(service).has(serverName),
    );
    await this.#cut(flows, "their server is out");
    if (flows.length > 0) await this.#count();
  }

  async #cut(flows: readonly KernelFlow[], why: string): Promise<void> {
    if (flows.length === 0) return;
    await this.#flows.cut(flows);
    const servers = [...new Set(flows.map(({ serverName }) => serverName))].join(", ");
    const words = `ended ${flows.length} connections to ${servers}: ${why}`;
    this.#parts.log.info({ event: "kernel_cut", count: flows.length }, words);
  }

  async #count(): Promise<void> {
    const { clock } = this.#parts;
    const begun = clock.monotonic();
    this.#present = await this.#flows.list(this.#plans, clock.now());
    const ended = clock.monotonic();
    this.#countAgainAt = ended + (ended - begun) / COUNTING_SHARE - TICK_MS;
  }

  get #host() {
    return { routesLoopback: this.#parts.readForwarding().routesLoopback };
  }

  /** Said once for each new reason: it is tried again and again. */
  #failed(error: unknown): void {
    const sentence = errorMessage(error);
    if (sentence === this.#lastSaid) return;
    this.#lastSaid = sentence;
    this.#parts.log.error(
      { event: "kernel_failed", err: sentence },
      `the rules of dataplane=kernel cannot be changed: ${sentence}`,
    );
  }
}

const hostOf = (key: string): string => key.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");

const noteIn = (directory: string): string => join(directory, "kernel-table");
