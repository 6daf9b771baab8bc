/**
 * monitor/: schedules the probes, keeps the fleet snapshot, emits events. May import topology/, errors/, verdict/,
 * telemetry/, system/ and probe/; never proxy/.
 *
 *   clock ─tick─▶ ServerWatch ─ask─▶ probe        hint, lost connection, off switch ─▶ ask now
 *                     └─ judge ─▶ FleetStore ─▶ whoever tells
 */
import type { Probe } from "../probe/probe.ts";
import type { Clock } from "../telemetry/clock.ts";
import type { Log } from "../telemetry/log.ts";
import type { Endpoint } from "../topology/endpoint.ts";
import type { ServerSnapshot } from "../topology/fleet.ts";
import type { Observation } from "../topology/observation.ts";
import type { AdminState, Verdict } from "../topology/verdict.ts";
import { initialState, type JudgeState, judge, type Overlay, retell } from "../verdict/judge.ts";
import type { Policy } from "../verdict/policy.ts";

export interface WatchedServer {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly policy: Policy;
  /** Time between two probes, start to start, ms. */
  readonly intervalMs: number;
  /** Deadline of one probe: connect, login and queries together, ms. */
  readonly checkTimeoutMs: number;
  /** Time between two pings on the open connection, between the probes, ms; 0: none. */
  readonly heartbeatMs: number;
}

// Hints may come in any number: probes asked for by them keep this distance, ms.
const HINT_GAP_MS = 50;
// A refused connection costs next to nothing, so a server that is down is looked for again this soon, ms.
const FIRST_RETRY_MS = 25;
const CHEAP_RETRY_MS = 100;

/** Watches one server: one question at a time, for ever, until stopped. */
export class ServerWatch {
  readonly #server: WatchedServer;
  readonly #probe: Probe;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #onJudged: (judged: ServerSnapshot) => void;
  #state: JudgeState;
  #overlay: Overlay;
  #isAsking = false;
  #isStopped = false;
  #askAgain = false;
  #failuresInRow = 0;
  #lastAsked = Number.NEGATIVE_INFINITY;
  #dueAt = 0;
  /** Taken off the first interval only. */
  #startPhase = 0;
  #cancelTimer: () => void = () => {};
  /** Probes that have ended, by whether the server was reached; read by the metrics. */
  readonly counts = { reached: 0, failed: 0, changes: 0, tookMs: 0 };

  constructor(
    server: WatchedServer,
    probe: Probe,
    overlay: Overlay,
    clock: Clock,
    log: Log,
    onJudged: (judged: ServerSnapshot) => void,
    remembered?: JudgeState,
  ) {
    this.#server = server;
    this.#probe = probe;
    this.#overlay = overlay;
    this.#clock = clock;
    this.#log = log.child({ server: server.name });
    this.#onJudged = onJudged;
    this.#state = remembered ?? initialState(server.policy, clock.now());
  }

  /** What a successor goes on with. */
  get state(): JudgeState {
    return this.#state;
  }

  get name(): string {
    return this.#server.name;
  }

  /** Probes at once; `phase`, 0 to 1, is the part of the interval in which it does from then on. */
  start(phase = 0): void {
    this.#startPhase = phase;
    this.#dueAt = this.#clock.monotonic();
    this.#publish();
    this.#probe.onConnectionLost(() => {
      this.#log.debug({ event: "connection_lost" }, "lost the connection to the server: probing at once");
      this.#askNow();
    });
    this.#askNow();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer();
    this.#probe.close();
  }

  /** "Something may have changed": probes now, or right after the question under way. */
  hint(): void {
    if (this.#isStopped) return;
    const gap = this.#lastAsked + HINT_GAP_MS - this.#clock.monotonic();
    if (gap <= 0) this.#askNow();
    else this.#schedule(Math.min(gap, Math.max(0, this.#dueAt - this.#clock.monotonic())));
  }

  setAdmin(admin: AdminState): void {
    this.#setOverlay({ ...this.#overlay, admin });
  }

  /** `path` of the off-switch file that has appeared; undefined: none is there. */
  setOffSwitch(path: string | undefined): void {
    this.#setOverlay({ ...this.#overlay, offSwitch: path });
  }

  #setOverlay(overlay: Overlay): void {
    this.#overlay = overlay;
    this.#accept(retell(this.#state, overlay, this.#clock.now()));
  }

  #askNow(): void {
    if (this.#isStopped) return;
    if (this.#isAsking) {
      this.#askAgain = true;
      return;
    }
    this.#cancelTimer();
    void this.#ask();
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    this.#lastAsked = this.#clock.monotonic();
    const observation = await this.#probe.ask(this.#server.checkTimeoutMs);
    this.#isAsking = false;
    if (this.#isStopped) return;
    this.#take(observation);
  }

  #take(observation: Observation): void {
    this.#failuresInRow = observation.reached ? 0 : this.#failuresInRow + 1;
    this.counts[observation.reached ? "reached" : "failed"] += 1;
    this.counts.tookMs += observation.tookMs;
    this.#dueAt = this.#lastAsked + this.#delayMs(observation) * (1 - this.#startPhase) - this.#latenessMs();
    this.#startPhase = 0;
    // Scheduled first: whatever a listener does, the next probe is on its way.
    if (this.#askAgain) {
      this.#askAgain = false;
      this.#schedule(0);
    } else {
      this.#scheduleNext();
    }
    this.#accept(judge(this.#state, observation, this.#overlay, this.#server.policy, this.#clock.now()));
  }

  /** Between two probes only pings: silence is then noticed within the heartbeat and the deadline. */
  #scheduleNext(): void {
    const left = Math.max(0, this.#dueAt - this.#clock.monotonic());
    const { heartbeatMs } = this.#server;
    if (heartbeatMs === 0 || this.#failuresInRow > 0 || left <= heartbeatMs) this.#schedule(left);
    else {
      this.#cancelTimer();
      this.#cancelTimer = this.#clock.after(heartbeatMs, () => void this.#ping());
    }
  }

  async #ping(): Promise<void> {
    this.#isAsking = true;
    const silence = await this.#probe.ping(this.#server.checkTimeoutMs);
    this.#isAsking = false;
    if (this.#isStopped) return;
    if (silence !== undefined) {
      this.#lastAsked = this.#clock.monotonic();
      this.#take(silence);
    } else if (this.#askAgain) {
      this.#askAgain = false;
      this.#askNow();
    } else {
      this.#scheduleNext();
    }
  }

  #schedule(ms: number): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.after(ms, () => this.#askNow());
  }

  /**
   * How much too late the probe began, less whole intervals, where it kept its time: the next one is on time again. Else
   * one busy moment would throw the probes of many servers together for good.
   */
  #latenessMs(): number {
    const late = this.#lastAsked - this.#dueAt;
    return this.#failuresInRow === 0 && late > 0 ? late % this.#server.intervalMs : 0;
  }

  /** From the start of one probe to the start of the next. A server that is down is asked sooner at first, never later. */
  #delayMs(observation: Observation): number {
    const { intervalMs } = this.#server;
    if (observation.reached) return intervalMs;
    const isCheap =
      observation.failure.code === "PROBE_REFUSED" || observation.failure.code === "PROBE_SOCKET_MISSING";
    const cap = isCheap ? Math.min(CHEAP_RETRY_MS, intervalMs) : intervalMs;
    const backOff = Math.min(cap, FIRST_RETRY_MS * 2 ** Math.min(this.#failuresInRow - 1, 16));
    const jittered = backOff * (0.75 + 0.25 * this.#clock.random());
    // The probe itself may have taken all of its deadline: the pause comes after it.
    return Math.min(observation.tookMs + jittered, Math.max(intervalMs, observation.tookMs));
  }

  #accept(state: JudgeState): void {
    const before = this.#state.verdict;
    this.#state = state;
    if (hasChanged(before, state.verdict)) this.#told(before, state.verdict);
    this.#publish();
  }

  #told(before: Verdict, after: Verdict): void {
    this.counts.changes += 1;
    const fields = {
      event: "verdict",
      code: after.code,
      up: after.up,
      role: after.role,
      before: before.code,
    };
    const word = after.up ? "up" : after.draining ? "draining" : "down";
    if (after.up) this.#log.info(fields, `${this.name} is ${word}: ${after.sentence}`);
    else this.#log.warn(fields, `${this.name} is ${word}: ${after.sentence}`);
  }

  #publish(): void {
    const { name, endpoint } = this.#server;
    this.#onJudged(
      Object.freeze({ name, endpoint, verdict: this.#state.verdict, admin: this.#overlay.admin }),
    );
  }
}

function hasChanged(a: Verdict, b: Verdict): boolean {
  return a.up !== b.up || a.code !== b.code || a.role !== b.role || a.draining !== b.draining;
}
