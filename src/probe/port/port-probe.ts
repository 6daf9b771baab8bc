import { lookup } from "node:dns/promises";
import { connect, isIP, type Socket } from "node:net";
import { TcpKnock } from "../../system/tcp-knock.ts";
import type { Clock } from "../../telemetry/clock.ts";
import { type Endpoint, formatEndpoint } from "../../topology/endpoint.ts";
import type { Observation, ProbeFailure } from "../../topology/observation.ts";
import { bareFacts } from "../bare-facts.ts";
import { classifyFailure, deadlineFailure } from "../database/failure.ts";
import type { Probe } from "../probe.ts";

/** Well below the 40 ms within which a knock has to be ended. */
const LOOK_MS = 5;

type Outcome = { readonly tookMs: number } | { readonly failure: ProbeFailure };

/** Tries whether a port accepts connections. The server behind it does not notice; a unix socket's sees a client come and go. */
export class PortProbe implements Probe {
  readonly #endpoint: Endpoint;
  readonly #where: string;
  readonly #clock: Clock;
  #isClosed = false;

  constructor(endpoint: Endpoint, clock: Clock) {
    this.#endpoint = endpoint;
    this.#where = formatEndpoint(endpoint);
    this.#clock = clock;
  }

  async ask(deadlineMs: number): Promise<Observation> {
    const endpoint = this.#endpoint;
    const started = this.#clock.monotonic();
    const tried =
      endpoint.kind === "tcp"
        ? this.#knock(endpoint.host, endpoint.port, deadlineMs)
        : this.#connect(endpoint.path);
    const outcome = await this.#within(deadlineMs, tried);
    const at = this.#clock.now();
    return Object.freeze(
      "failure" in outcome
        ? { reached: false as const, at, tookMs: this.#clock.monotonic() - started, failure: outcome.failure }
        : { reached: true as const, at, tookMs: outcome.tookMs, facts: bareFacts() },
    );
  }

  async ping(): Promise<undefined> {
    return undefined; // there is no open connection
  }

  onConnectionLost(): void {}

  close(): void {
    this.#isClosed = true;
  }

  /** What took how long is the round trip that the kernel measured: waiting for our own turn is no latency. */
  async #knock(host: string, port: number, deadlineMs: number): Promise<Outcome> {
    const end = this.#clock.monotonic() + deadlineMs;
    let knock: TcpKnock | undefined;
    try {
      knock = await TcpKnock.begin(isIP(host) === 0 ? (await lookup(host)).address : host, port);
      for (
        let wait = 0;
        this.#clock.monotonic() < end && !this.#isClosed;
        wait = Math.min(wait + 1, LOOK_MS)
      ) {
        const state = knock.look();
        if (state.kind === "open") return { tookMs: state.roundTripMs };
        if (state.kind === "failed") return this.#failed(state);
        await new Promise<void>((resolve) => this.#clock.after(wait, resolve));
      }
      return this.#late(deadlineMs);
    } catch (error) {
      return this.#failed(error);
    } finally {
      knock?.end();
    }
  }

  #connect(path: string): Promise<Outcome> {
    const started = this.#clock.monotonic();
    const socket: Socket = connect({ path });
    return new Promise<Outcome>((resolve) => {
      socket.once("connect", () => resolve({ tookMs: this.#clock.monotonic() - started }));
      socket.on("error", (error) => resolve(this.#failed(error)));
    }).finally(() => socket.destroy());
  }

  /** A name may take longer to resolve than all there is. */
  #within(deadlineMs: number, tried: Promise<Outcome>): Promise<Outcome> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(deadlineMs, () => resolve(this.#late(deadlineMs)));
      void tried.then((outcome) => {
        cancel();
        resolve(outcome);
      });
    });
  }

  #failed(error: unknown): Outcome {
    return { failure: classifyFailure(error, "connect", this.#where) };
  }

  #late(deadlineMs: number): Outcome {
    return { failure: deadlineFailure("connect", this.#where, deadlineMs) };
  }
}
