/**
 * port-gate/: a port of this host that is open while its server may take traffic, for balancers that can do no more than try
 * whether a port is open.
 *
 *   fleet snapshot ─▶ PortGate ─┬─▶ nftables/   a set whose elements expire: the kernel closes by itself
 *    a tick ──renews, repairs─▶ ├─▶ iptables/   chains of its own, and a guard process that closes in time
 *                               └─▶ conntrack, ss: ends established connections, where asked to
 *
 * May import what publish/ may, and system/ for the commands.
 */
import { errorMessage } from "../../errors/sluice-error.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import type { FleetView } from "../../topology/fleet.ts";
import type { CloseReason, GateStatus, Publisher } from "../publisher.ts";
import { chooseFirewall } from "./choose-firewall.ts";
import type { Firewall } from "./firewall.ts";
import type { GatePlan } from "./gate-plan.ts";

export interface PortGateOptions {
  readonly name: string;
  readonly server: string;
  readonly plan: GatePlan;
  /** An opening ends by itself if it was not renewed for so long, ms. */
  readonly ttlMs: number;
  /** What others change is put right within this, ms. */
  readonly intervalMs: number;
  /** Established connections are ended so long after the gate has closed, ms; undefined: never. */
  readonly cutAfterMs: number | undefined;
  /** Whether the end of the program leaves an open gate open, for KEEP_MS. */
  readonly keepOnExit: boolean;
}

/** What a gate works with. */
export interface GateMeans {
  /** In order of preference. */
  readonly firewalls: readonly Firewall[];
  readonly connections: { check(): Promise<void>; cut(): Promise<number>; outliveRules(): Promise<boolean> };
  readonly claim: { take(mirrorPort: number): Promise<void>; release(): void };
}

/** An upgrade that takes longer closes the gate, ms. */
const KEEP_MS = 30_000;
const RETRY_MS = 100;
/** Rules must not stay behind because a slow machine has not ended one command in time. */
const END_TRIES = 3;

/** Publisher `port-gate`. */
export class PortGate implements Publisher {
  readonly module = "port-gate";
  readonly needsNetAdmin = true;
  readonly #options: PortGateOptions;
  readonly #means: GateMeans;
  readonly #fleet: FleetView;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #counts = { opened: 0, closed: 0, repaired: 0, failed: 0, cut: 0 };
  #firewall: Firewall | undefined;
  #isOpen = false;
  #isDue = false;
  /** Something was known of the server since the start. */
  #isKnown = false;
  #isWorking = false;
  #work: Promise<void> = Promise.resolve();
  #lastFailure = "";
  #unsubscribe: () => void = () => {};
  #cancelTick: () => void = () => {};
  #cancelCut: () => void = () => {};
  #cancelRetry: () => void = () => {};

  constructor(options: PortGateOptions, means: GateMeans, fleet: FleetView, clock: Clock, log: Log) {
    this.#options = options;
    this.#means = means;
    this.#fleet = fleet;
    this.#clock = clock;
    this.#log = log;
  }

  get name(): string {
    return this.#options.name;
  }

  get gate(): GateStatus {
    return { isOpen: this.#isOpen, ...this.#counts };
  }

  async start(): Promise<void> {
    const { plan, cutAfterMs } = this.#options;
    await this.#means.claim.take(plan.mirrorPort);
    try {
      if (cutAfterMs !== undefined) await this.#means.connections.check();
      const { firewall, isOpen } = await chooseFirewall(this.#means.firewalls);
      this.#firewall = firewall;
      this.#isOpen = isOpen;
    } catch (error) {
      this.#means.claim.release();
      throw error;
    }
    const state = this.#isOpen ? "open, as it was left" : "closed until the server is healthy";
    this.#log.info(
      { event: "gate_ready", backend: this.#firewall.name },
      `port ${plan.mirrorPort} leads to ${plan.realPort} by ${this.#firewall.name}; ${state}`,
    );
    this.#unsubscribe = this.#fleet.subscribe(() => this.#reconcile());
    this.#tick();
  }

  async close(reason: CloseReason = "exit"): Promise<void> {
    this.#unsubscribe();
    this.#cancelTick();
    this.#cancelCut();
    this.#cancelRetry();
    const firewall = this.#firewall;
    if (firewall === undefined) return;
    this.#firewall = undefined;
    await this.#work;
    try {
      if (reason === "succession") await this.#leave(firewall);
      else await this.#endSurely(firewall, reason === "exit" && this.#options.keepOnExit && this.#isOpen);
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#means.claim.release();
    }
  }

  async #endSurely(firewall: Firewall, isKept: boolean): Promise<void> {
    for (let tries = END_TRIES; ; tries--) {
      try {
        await this.#end(firewall, isKept);
        return;
      } catch (error) {
        if (tries <= 1) throw error;
        this.#failed(error);
      }
    }
  }

  async #end(firewall: Firewall, isKept: boolean): Promise<void> {
    const { plan, cutAfterMs } = this.#options;
    if (isKept) {
      await this.#leave(firewall);
      const words = `port ${plan.mirrorPort} stays open for ${KEEP_MS / 1000} s`;
      this.#log.info({ event: "gate_kept" }, words);
      return;
    }
    await firewall.close();
    this.#isOpen = false;
    // A connection that nobody translates any more would hang: it is better reset.
    if (cutAfterMs === 0 || !(await this.#means.connections.outliveRules()))
      await this.#cut().catch((error: unknown) => this.#failed(error));
    await firewall.remove();
    this.#log.info({ event: "gate_removed" }, `port ${plan.mirrorPort} is closed, and its rules are gone`);
  }

  /** The gate stays as it is, an open one for KEEP_MS. */
  async #leave(firewall: Firewall): Promise<void> {
    if (this.#isOpen) await firewall.renew(Math.max(this.#options.ttlMs, KEEP_MS));
    await firewall.leave();
  }

  #tick(): void {
    this.#isDue = true;
    this.#reconcile();
    this.#cancelTick = this.#clock.after(this.#tickMs(), () => this.#tick());
  }

  /** Often enough to renew in time; and as soon as the verdict is too old to be believed. */
  #tickMs(): number {
    const { intervalMs, ttlMs } = this.#options;
    const staleIn = (this.#verdict()?.staleAt ?? Number.POSITIVE_INFINITY) - this.#clock.now() + 1;
    const regular = Math.min(intervalMs, ttlMs / 3);
    return staleIn > 0 ? Math.min(regular, staleIn) : regular;
  }

  #verdict() {
    return this.#fleet.current().servers.get(this.#options.server)?.verdict;
  }

  /** Undefined while nothing is known: then nothing is changed, and an opening that was found goes its way. */
  #wanted(): boolean | undefined {
    const verdict = this.#verdict();
    // At first nothing may be known yet; later, that nothing is known is a no.
    if (verdict?.known !== true) return this.#isKnown ? false : undefined;
    this.#isKnown = true;
    return verdict.up && this.#clock.now() <= verdict.staleAt;
  }

  /** Makes the gate what it should be, one change at a time; what comes meanwhile is looked at right after. */
  #reconcile(): void {
    if (this.#isWorking) return;
    this.#isWorking = true;
    this.#work = this.#settle();
  }

  async #settle(): Promise<void> {
    try {
      while (await this.#step());
      this.#lastFailure = "";
    } catch (error) {
      this.#failed(error);
      this.#cancelRetry = this.#clock.after(RETRY_MS, () => this.#reconcile());
    } finally {
      this.#isWorking = false;
    }
  }

  /** Does what is to be done next; false: nothing is. */
  async #step(): Promise<boolean> {
    const firewall = this.#firewall;
    const wanted = this.#wanted();
    if (firewall === undefined || wanted === undefined) return false;
    if (wanted !== this.#isOpen) await this.#change(firewall, wanted);
    else if (this.#isDue) await this.#renew(firewall);
    else return false;
    return true;
  }

  async #change(firewall: Firewall, isOpen: boolean): Promise<void> {
    const { plan, ttlMs, cutAfterMs } = this.#options;
    const reason = this.#verdict()?.sentence ?? "the server is gone";
    const begun = this.#clock.monotonic();
    this.#cancelCut();
    if (isOpen) await firewall.open(ttlMs);
    else await firewall.close();
    this.#isOpen = isOpen;
    this.#isDue = false;
    this.#counts[isOpen ? "opened" : "closed"] += 1;
    const tookMs = Math.round(this.#clock.monotonic() - begun);
    const words = `port ${plan.mirrorPort} is ${isOpen ? "open" : "closed"}: ${reason}`;
    this.#log.info({ event: isOpen ? "gate_open" : "gate_closed", tookMs }, words);
    if (isOpen || cutAfterMs === undefined) return;
    if (cutAfterMs === 0) await this.#cut();
    else
      this.#cancelCut = this.#clock.after(cutAfterMs, () => void this.#cut().catch((e) => this.#failed(e)));
  }

  async #renew(firewall: Firewall): Promise<void> {
    this.#isDue = false;
    const { plan, ttlMs } = this.#options;
    if (!(await firewall.renew(this.#isOpen ? ttlMs : undefined))) return;
    this.#counts.repaired += 1;
    this.#log.warn(
      { event: "gate_repaired" },
      `the rules of port ${plan.mirrorPort} were not as this agent had left them: they are right again`,
    );
  }

  async #cut(): Promise<void> {
    const count = await this.#means.connections.cut();
    this.#counts.cut += count;
    if (count > 0)
      this.#log.info({ event: "gate_cut", count }, `ended ${count} connections that came through the gate`);
  }

  /** Said once for each new reason: it is tried again and again. */
  #failed(error: unknown): void {
    this.#counts.failed += 1;
    const sentence = errorMessage(error);
    if (sentence === this.#lastFailure) return;
    this.#lastFailure = sentence;
    this.#log.error({ event: "gate_failed", err: sentence }, `the gate cannot be changed: ${sentence}`);
  }
}
