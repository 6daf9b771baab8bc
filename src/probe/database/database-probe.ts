import { lookup } from "node:dns/promises";
import { isIP, type Socket } from "node:net";
import { afterPoll } from "../../system/after-poll.ts";
import { hasRoute } from "../../system/route.ts";
import type { Clock } from "../../telemetry/clock.ts";
import { formatEndpoint } from "../../topology/endpoint.ts";
import type { ServerFacts } from "../../topology/facts.ts";
import type { Observation, ProbeFailure } from "../../topology/observation.ts";
import type { Probe, Questions } from "../probe.ts";
import { classifyFailure, deadlineFailure, type Step } from "./failure.ts";
import { parseFacts } from "./parse-facts.ts";
import { DatabaseSession, type Row } from "./session.ts";
import { SELECT_HOSTNAME, SHOW_STATUS, SHOW_VARIABLES, sessionSetup, showReplication } from "./statements.ts";
import type { DatabaseTarget } from "./target.ts";

const FAREWELL_MS = 200;

const MAX_OPEN_TRIES = 20;

/** One question under way: its socket, which a deadline destroys, and how far it has come. */
interface Attempt {
  step: Step;
  socket: Socket | undefined;
}

/** Asks a MySQL, MariaDB or Galera server, or a connector in front of one, over one persistent connection. */
export class DatabaseProbe implements Probe {
  readonly #target: DatabaseTarget;
  readonly #questions: Questions;
  readonly #clock: Clock;
  readonly #where: string;
  #session: DatabaseSession | undefined;
  #onConnectionLost: () => void = () => {};
  #attempt: Attempt | undefined;

  constructor(target: DatabaseTarget, questions: Questions, clock: Clock) {
    this.#target = target;
    this.#questions = questions;
    this.#clock = clock;
    this.#where = formatEndpoint(target.endpoint);
  }

  async ask(deadlineMs: number): Promise<Observation> {
    const started = this.#clock.monotonic();
    const outcome = await this.#within(deadlineMs, (attempt) =>
      this.#askOverOpenOrFresh(attempt, deadlineMs),
    );
    const at = this.#clock.now();
    const tookMs = this.#clock.monotonic() - started;
    return Object.freeze(
      "failure" in outcome
        ? { reached: false as const, at, tookMs, failure: outcome.failure }
        : { reached: true as const, at, tookMs, facts: outcome.value },
    );
  }

  async ping(deadlineMs: number): Promise<Observation | undefined> {
    const session = this.#session;
    if (session === undefined) return undefined;
    const started = this.#clock.monotonic();
    const outcome = await this.#within(deadlineMs, () => session.ping());
    if (!("failure" in outcome)) return undefined;
    if (outcome.failure.code !== "PROBE_QUERY_TIMEOUT") {
      // The connection has ended, or does not do; only a probe can tell why.
      this.#onConnectionLost();
      return undefined;
    }
    const tookMs = this.#clock.monotonic() - started;
    return Object.freeze({ reached: false, at: this.#clock.now(), tookMs, failure: outcome.failure });
  }

  onConnectionLost(callback: () => void): void {
    this.#onConnectionLost = callback;
  }

  /** Resolves once the server has been told goodbye, which a process that is about to end has to wait for. */
  async close(): Promise<void> {
    const session = this.#session;
    const attempt = this.#attempt;
    this.#session = undefined;
    this.#attempt = undefined;
    if (attempt !== undefined) attempt.socket?.destroy();
    else await session?.quit(FAREWELL_MS);
  }

  /** Runs one question against the deadline. At the deadline its socket goes, whatever it still waits for. */
  async #within<T>(
    deadlineMs: number,
    question: (attempt: Attempt) => Promise<T>,
  ): Promise<{ value: T } | { failure: ProbeFailure }> {
    if (this.#attempt !== undefined) throw new Error("a probe was asked while a question was under way");
    const attempt: Attempt = {
      step: this.#session === undefined ? "connect" : "query",
      socket: this.#session?.socket,
    };
    this.#attempt = attempt;
    let cancel = (): void => {};
    const deadline = new Promise<{ failure: ProbeFailure }>((resolve) => {
      // Where this process was held up, the answer may have come in time and lie unread: then it wins the race.
      cancel = this.#clock.after(deadlineMs, () =>
        afterPoll(() => resolve({ failure: deadlineFailure(attempt.step, this.#where, deadlineMs) })),
      );
    });
    const answer = question(attempt).then(
      (value) => ({ value }),
      (error: unknown) => ({ failure: classifyFailure(error, attempt.step, this.#where) }),
    );
    const outcome = await Promise.race([answer, deadline]);
    cancel();
    this.#attempt = undefined;
    // The rest of a question that failed (the library's own farewell, a late answer) finds its socket gone.
    if ("failure" in outcome) this.#drop(attempt);
    return outcome;
  }

  /** An open connection may have died unnoticed: then the question is put once more over a fresh one. */
  async #askOverOpenOrFresh(attempt: Attempt, deadlineMs: number): Promise<ServerFacts> {
    const open = this.#session;
    if (open !== undefined) {
      try {
        return await this.#askOver(open);
      } catch (error) {
        const isLost = classifyFailure(error, "query", this.#where).code === "PROBE_CONNECTION_LOST";
        // A question that is over lost its connection by that; nobody would close the one it opened now.
        if (!isLost || this.#attempt !== attempt) throw error;
        this.#drop(attempt);
      }
    }
    const session = await this.#login(attempt, deadlineMs);
    return await this.#askOver(session);
  }

  async #login(attempt: Attempt, deadlineMs: number): Promise<DatabaseSession> {
    const session = await this.#open(attempt);
    attempt.step = "query";
    // Past the deadline this attempt is not the present one any more, and its socket is already gone.
    if (this.#attempt !== attempt) throw new Error("too late");
    session.onClose(() => this.#closed(session));
    if (this.#questions !== "connector") await this.#setUp(session, deadlineMs);
    if (this.#attempt === attempt) this.#session = session;
    return session;
  }

  /**
   * A server with no free connection says so and closes at once. The runtime then often reports a unix socket as reset
   * while connecting, and the server's words are lost: so that is tried again until they are heard.
   */
  async #open(attempt: Attempt): Promise<DatabaseSession> {
    for (let tries = 1; ; tries++) {
      try {
        return await DatabaseSession.open(
          this.#target,
          (socket) => {
            attempt.socket = socket;
          },
          (step) => {
            attempt.step = step;
          },
        );
      } catch (error) {
        const { endpoint } = this.#target;
        if (endpoint.kind === "tcp") throw await asNoRoute(error, endpoint.host);
        const isLost = isResetWhileConnecting(error);
        if (!isLost || tries === MAX_OPEN_TRIES || this.#attempt !== attempt) throw error;
      }
    }
  }

  async #setUp(session: DatabaseSession, deadlineMs: number): Promise<void> {
    let last: unknown;
    for (const statement of sessionSetup(session.version, deadlineMs)) {
      try {
        await session.query(statement);
        return;
      } catch (error) {
        last = error;
        const { code } = classifyFailure(error, "query", this.#where);
        if (code !== "PROBE_UNKNOWN_VARIABLE" && code !== "PROBE_PRIVILEGE_MISSING") throw error;
      }
    }
    throw last;
  }

  async #askOver(session: DatabaseSession): Promise<ServerFacts> {
    const { checkQuery } = this.#target;
    const { version } = session;
    if (this.#questions === "connector") {
      const check = await session.query(checkQuery ?? SELECT_HOSTNAME);
      return parseFacts({ version, variables: undefined, status: undefined, replication: undefined, check });
    }
    const variables = await session.query(SHOW_VARIABLES);
    if (this.#questions === "standalone") {
      const check = checkQuery === undefined ? undefined : await session.query(checkQuery);
      return parseFacts({ version, variables, status: undefined, replication: undefined, check });
    }
    if (this.#questions === "galera" || (this.#questions === "auto" && saysWsrepOn(variables))) {
      const status = await session.query(SHOW_STATUS);
      return parseFacts({ version, variables, status, replication: undefined, check: undefined });
    }
    const replication = await this.#askReplication(session);
    return parseFacts({ version, variables, status: undefined, replication, check: undefined });
  }

  async #askReplication(session: DatabaseSession): Promise<readonly Row[] | "denied"> {
    try {
      return await session.query(showReplication(session.version));
    } catch (error) {
      if (classifyFailure(error, "query", this.#where).code === "PROBE_PRIVILEGE_MISSING") return "denied";
      throw error;
    }
  }

  #closed(session: DatabaseSession): void {
    if (this.#session !== session) return;
    this.#session = undefined;
    // A question under way learns of the loss by itself.
    if (this.#attempt === undefined) this.#onConnectionLost();
  }

  #drop(attempt: Attempt): void {
    this.#session = undefined;
    attempt.socket?.destroy();
  }
}

function isResetWhileConnecting(error: unknown): boolean {
  return systemCode(error) === "ECONNRESET" && shapeOf(error)["syscall"] === "connect";
}

/** The error itself, or EHOSTUNREACH where the runtime calls that a refusal. */
async function asNoRoute(error: unknown, host: string): Promise<unknown> {
  if (systemCode(error) !== "ECONNREFUSED") return error;
  const ips = isIP(host) > 0 ? [host] : (await lookup(host, { all: true })).map(({ address }) => address);
  for (const ip of ips) if (await hasRoute(ip)) return error;
  return Object.assign(new Error(`no route to ${host}`), { code: "EHOSTUNREACH", cause: error });
}

function systemCode(error: unknown): unknown {
  const { code, cause } = shapeOf(error);
  return cause === undefined ? code : systemCode(cause);
}

function shapeOf(error: unknown): Readonly<Record<string, unknown>> {
  return typeof error === "object" && error !== null ? (error as Record<string, unknown>) : {};
}

function saysWsrepOn(variables: readonly Row[]): boolean {
  return variables.some(
    (row) => row["Variable_name"] === "wsrep_on" && /^(on|1)$/i.test(String(row["Value"])),
  );
}
