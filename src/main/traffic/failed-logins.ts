import type { LoginFailure } from "../../proxy/login/end-login.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";

/** Failures of one service within this time are one burst; ms. */
const BURST_MS = 10_000;

interface Burst {
  more: number;
  last: string;
}

/** Logs failed logins: the first of a burst at once, and how many came after it when it is over. */
export class FailedLogins {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #bursts = new Map<string, Burst>();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  add(service: string, { user, host, reason }: LoginFailure): void {
    const who = user === "" ? host : `${user}@${host}`;
    const sentence = `a login of ${printable(who)} failed: ${printable(reason)}`;
    const burst = this.#bursts.get(service);
    if (burst !== undefined) {
      burst.more++;
      burst.last = sentence;
      return;
    }
    this.#log.warn({ event: "login_failed", service }, `service ${service}: ${sentence}`);
    this.#bursts.set(service, { more: 0, last: "" });
    this.#clock.after(BURST_MS, () => this.#end(service));
  }

  #end(service: string): void {
    const burst = this.#bursts.get(service);
    this.#bursts.delete(service);
    if (burst === undefined || burst.more === 0) return;
    const { more, last } = burst;
    this.#log.warn(
      { event: "login_failed", service, count: more },
      `service ${service}: ${more} more logins failed within ${BURST_MS / 1000} s; the last: ${last}`,
    );
  }
}

/** A name comes from whoever connects: it must not break or colour a line of the log. */
const printable = (text: string): string => text.replace(/[^\x20-\x7e\u00a0-\uffff]/g, "?").slice(0, 300);
