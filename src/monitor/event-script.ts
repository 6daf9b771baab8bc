import { resolve } from "node:path";
import { isExecutable } from "../system/is-executable.ts";
import type { Clock } from "../telemetry/clock.ts";
import type { Log } from "../telemetry/log.ts";
import type { MonitorEvent } from "./events.ts";
import { parseCommandLine, substitute } from "./script/command-line.ts";
import { OutputLines } from "./script/output-lines.ts";
import { type ScriptOutcome, ScriptProcess } from "./script/script-process.ts";
import { type ScriptServer, scriptVariables } from "./script/script-variables.ts";
import { changesIn, isSelected } from "./script/server-change.ts";

/** Runs that wait for the one before them. */
const MAX_QUEUED = 100;

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export interface EventScriptOptions {
  readonly monitor: string;
  /** `script=`, as it is written. */
  readonly commandLine: string;
  /** `events=`. */
  readonly events: readonly string[];
  /** `script_timeout`, ms. */
  readonly timeoutMs: number;
  /** While it says true, nothing is run. */
  readonly isPassive: () => boolean;
  readonly log: Log;
  readonly clock: Clock;
}

interface Run {
  readonly words: readonly string[];
  readonly server: string;
  readonly change: string;
}

/** The script of a monitor: run once for each change of a server that `events=` asks for, one run after the other. */
export class EventScript {
  readonly #options: EventScriptOptions;
  readonly #words: readonly string[];
  readonly #path = process.env["PATH"] || DEFAULT_PATH;
  #queue: Run[] = [];
  #process: ScriptProcess | undefined;
  #isRunning = false;
  #isClosed = false;

  /** Throws CONFIG_INVALID if the command line is wrong; one that cannot be run (yet) is warned of. */
  constructor(options: EventScriptOptions) {
    this.#options = options;
    this.#words = parseCommandLine(options.commandLine);
    const command = this.#words[0] ?? "";
    if (!command.includes("$") && !isFound(command, this.#path)) {
      this.#log({}).warn({ event: "script_missing" }, `script: ${command} is not there, or not executable`);
    }
  }

  /** Takes the events of one judgement, and the servers as they are after it. Returns at once. */
  handle(events: readonly MonitorEvent[], servers: readonly ScriptServer[]): void {
    if (this.#isClosed || this.#options.isPassive()) return;
    for (const change of changesIn(events)) {
      if (!isSelected(change, this.#options.events)) continue;
      const words = substitute(this.#words, scriptVariables(change, servers));
      this.#queue.push({ words, server: change.server, change: change.name });
    }
    this.#dropOverflow();
    void this.#runQueue();
  }

  /** Kills what runs, forgets what waits. Resolves when it is gone, within a few seconds. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#queue = [];
    this.#process?.stop();
    await this.#process?.ended;
  }

  #dropOverflow(): void {
    const dropped = this.#queue.splice(0, Math.max(0, this.#queue.length - MAX_QUEUED));
    if (dropped.length === 0) return;
    this.#log({}).warn(
      { event: "script_dropped" },
      `script: ${dropped.length} runs dropped, the oldest at ${dropped[0]?.change} of ${dropped[0]?.server}: ` +
        `${MAX_QUEUED} wait already`,
    );
  }

  async #runQueue(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    for (let run = this.#queue.shift(); run !== undefined; run = this.#queue.shift()) {
      // Those that waited until it became passive are forgotten.
      if (!this.#options.isPassive()) await this.#run(run);
    }
    this.#isRunning = false;
  }

  async #run({ words, server, change }: Run): Promise<void> {
    const { timeoutMs, clock } = this.#options;
    const log = this.#log({ server, reason: change });
    const output = new OutputLines((level, line) => log[level]({ event: "script_output" }, line));
    log.info({ event: "script_started" }, `script: ${words[0]} runs at ${change} of ${server}`);
    this.#process = new ScriptProcess(words, { timeoutMs, output, clock, path: this.#path });
    const outcome = await this.#process.ended;
    this.#process = undefined;
    output.end();
    const isGood = outcome.kind === "exited" && outcome.code === 0;
    const sentence = `script: ${words[0]} at ${change} of ${server} ${describe(outcome, timeoutMs)}`;
    log[isGood || outcome.kind === "stopped" ? "info" : "warn"]({ event: "script_ended" }, sentence);
  }

  #log(fields: { readonly server?: string; readonly reason?: string }): Log {
    return this.#options.log.child({ monitor: this.#options.monitor, ...fields });
  }
}

function describe(outcome: ScriptOutcome, timeoutMs: number): string {
  switch (outcome.kind) {
    case "exited":
      return `ended with exit code ${outcome.code}`;
    case "timed out":
      return `was killed: script_timeout is ${timeoutMs / 1000} s`;
    case "stopped":
      return "was stopped";
    case "failed":
      return `failed: ${outcome.reason}`;
  }
}

function isFound(command: string, path: string): boolean {
  // Scripts run in /.
  const candidates = command.includes("/")
    ? [resolve("/", command)]
    : path.split(":").map((folder) => resolve("/", folder, command));
  return candidates.some(isExecutable);
}
