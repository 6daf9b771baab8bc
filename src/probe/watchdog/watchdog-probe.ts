import { errorMessage } from "../../errors/sluice-error.ts";
import type { Clock } from "../../telemetry/clock.ts";
import { type Endpoint, formatEndpoint } from "../../topology/endpoint.ts";
import type { WatchdogAnswer } from "../../topology/facts.ts";
import type { Observation } from "../../topology/observation.ts";
import { bareFacts } from "../bare-facts.ts";
import type { Probe } from "../probe.ts";
import { WatchdogScript } from "./watchdog-script.ts";

/** Asks a program of GLB's `exec:` watchdog, which is started once and then polled. One that fails is started anew. */
export class WatchdogProbe implements Probe {
  readonly #commandLine: string;
  readonly #where: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #clock: Clock;
  #script: WatchdogScript | undefined;

  /** @param command a program and its arguments; the server is put in as the first of them */
  constructor(command: string, endpoint: Endpoint, env: NodeJS.ProcessEnv, clock: Clock) {
    this.#where = formatEndpoint(endpoint);
    this.#commandLine = withServer(command, this.#where);
    this.#env = env;
    this.#clock = clock;
  }

  async ask(deadlineMs: number): Promise<Observation> {
    const started = this.#clock.monotonic();
    const times = () => ({ at: this.#clock.now(), tookMs: this.#clock.monotonic() - started });
    let script: WatchdogScript | undefined;
    try {
      script = this.#script ??= new WatchdogScript(this.#commandLine, this.#env, this.#clock);
      const answer = parseAnswer(await script.poll(deadlineMs));
      return Object.freeze({ reached: true, facts: bareFacts(answer), ...times() });
    } catch (error) {
      script?.kill();
      if (this.#script === script) this.#script = undefined;
      const detail = `the watchdog of ${this.#where} failed: ${errorMessage(error)}`;
      const failure = { code: "PROBE_WATCHDOG_FAILED", detail, errno: undefined } as const;
      return Object.freeze({ reached: false, failure, ...times() });
    }
  }

  async ping(): Promise<undefined> {
    return undefined;
  }

  onConnectionLost(): void {}

  close(): void {
    this.#script?.quit();
    this.#script = undefined;
  }
}

/** GLB's numbers. */
const STATES = ["gone", "not-ready", "avoid", "ready"] as const satisfies readonly WatchdogAnswer["state"][];

/** Reads `STATE [MEMBER,MEMBER...]`. Throws where it is something else. */
export function parseAnswer(line: string): WatchdogAnswer {
  const [, digit, rest = ""] = /^\s*([0-3])(?:\s+(.*?))?\s*$/.exec(line) ?? [];
  const state = digit === undefined ? undefined : STATES[Number(digit)];
  if (state === undefined)
    throw new Error(`it said ${JSON.stringify(line.slice(0, 60))}, which begins with no state from 0 to 3`);
  return Object.freeze({
    state,
    members: Object.freeze(rest.split(",").flatMap((word) => word.trim() || [])),
  });
}

/** `mysql.sh -utest` becomes `mysql.sh 10.0.0.1:3306 -utest`. Hosts hold nothing that a shell would understand. */
function withServer(command: string, where: string): string {
  const [, program = "", rest = ""] = /^(\S+)(.*)$/s.exec(command.trim()) ?? [];
  return `${program} ${where}${rest}`;
}
