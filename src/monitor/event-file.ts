import { readFileSync, statSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import * as z from "zod/mini";
import { errorMessage } from "../errors/sluice-error.ts";
import { replaceFile } from "../system/durable-file.ts";
import type { Clock } from "../telemetry/clock.ts";
import type { Log } from "../telemetry/log.ts";
import type { FleetEvent } from "../topology/fleet-event.ts";

const MODE = 0o600;
/** After a failed write the disk is left alone for this long, ms. */
const RETRY_MS = 30_000;
/** No event log of ours comes near it: what is larger is not read into memory. */
const MAX_BYTES = 16 * 1024 * 1024;

const LINE = z.object({
  id: z.int().check(z.positive()),
  time: z.number(),
  monitor: z.string(),
  server: z.string(),
  event: z.string(),
  from: z.string(),
  to: z.string(),
  cause: z.object({ code: z.string(), sentence: z.string() }),
  maxscaleEvent: z.nullable(z.string()),
});

/**
 * The event log on disk: a line of JSON for each event, oldest first.
 *
 *   append ─▶ pending ─▶ one writer at a time ─┬─▶ the file's end
 *                                              └─▶ the whole file anew, atomically: where it has grown to twice what is
 *                                                  kept, or its end cannot be trusted (torn line, failed write)
 *
 * A disk that cannot be written costs one warning and no event while the process lives: what is kept in memory is
 * written as a whole as soon as the disk takes it.
 */
export class EventFile {
  readonly #path: string;
  readonly #maxEvents: number;
  readonly #log: Log;
  readonly #clock: Clock;
  #pending: FleetEvent[] = [];
  #kept: readonly FleetEvent[] = [];
  #lines = 0;
  #mustRewrite = false;
  /** When the disk may be tried again, ms of the monotonic clock; undefined: it works. */
  #retryAt: number | undefined;
  /** Events came while the disk was left alone: they are in `kept` only. */
  #hasPassedOver = false;
  /** It is to be tried again now. */
  #isRetryDue = false;
  #writer: Promise<void> = Promise.resolve();
  #isWriting = false;

  constructor(path: string, maxEvents: number, log: Log, clock: Clock) {
    this.#path = path;
    this.#maxEvents = maxEvents;
    this.#log = log;
    this.#clock = clock;
  }

  /** The last events of the file; never throws. Damaged lines are dropped with one warning. */
  load(): readonly FleetEvent[] {
    let found: { readonly text: string; readonly mode: number };
    try {
      found = readBounded(this.#path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      // What cannot be read must not be overwritten either.
      this.#degrade(error, Number.POSITIVE_INFINITY);
      return [];
    }
    const { text, mode } = found;
    const lines = text.split("\n").filter((line) => line !== "");
    const events = lines.map(parseLine).filter((event) => event !== undefined);
    const damaged = lines.length - events.length;
    if (damaged > 0) {
      const torn = parseLine(lines.at(-1) ?? "") === undefined && !text.endsWith("\n");
      const what = torn && damaged === 1 ? "the last line, which was cut off" : `${damaged} damaged lines`;
      this.#log.warn({ event: "event_log_damaged" }, `${this.#path}: dropped ${what}`);
    }
    this.#lines = lines.length;
    this.#mustRewrite = damaged > 0 || mode !== MODE || (text !== "" && !text.endsWith("\n"));
    this.#kept = events.slice(-this.#maxEvents);
    return this.#kept;
  }

  /** Writes them soon, in this order. `kept`: all events that are to be found after a restart, these included. */
  append(events: readonly FleetEvent[], kept: readonly FleetEvent[]): void {
    this.#kept = kept;
    if (this.#retryAt !== undefined && this.#clock.monotonic() < this.#retryAt) {
      this.#hasPassedOver = true;
      return;
    }
    this.#pending.push(...events);
    // A disk that takes its time: what `kept` has dropped already need not be written.
    this.#pending = this.#pending.slice(-this.#maxEvents);
    this.#startWriter();
  }

  /** Resolves when everything appended so far is written, or cannot be. */
  async flush(): Promise<void> {
    this.#startWriter();
    await this.#writer;
    // The last chance for what a failing disk has not taken so far.
    this.#isRetryDue = this.#retryAt !== undefined && Number.isFinite(this.#retryAt);
    this.#startWriter();
    await this.#writer;
  }

  #startWriter(): void {
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#writer = this.#write();
  }

  async #write(): Promise<void> {
    while (this.#pending.length > 0 || this.#isRetryDue) {
      const batch = this.#pending;
      this.#pending = [];
      this.#isRetryDue = false;
      try {
        if (this.#mustRewrite || this.#lines + batch.length > 2 * this.#maxEvents) await this.#rewrite();
        else await this.#appendLines(batch);
        this.#recover();
      } catch (error) {
        this.#mustRewrite = true;
        this.#pending = [];
        this.#degrade(error, this.#clock.monotonic() + RETRY_MS);
      }
    }
    this.#isWriting = false;
  }

  async #appendLines(events: readonly FleetEvent[]): Promise<void> {
    await appendFile(this.#path, linesOf(events), { mode: MODE });
    this.#lines += events.length;
  }

  async #rewrite(): Promise<void> {
    const kept = this.#kept;
    this.#pending = []; // they are among those
    this.#hasPassedOver = false;
    await replaceFile(this.#path, linesOf(kept), MODE);
    this.#lines = kept.length;
    this.#mustRewrite = this.#hasPassedOver;
    this.#isRetryDue = this.#hasPassedOver;
  }

  #degrade(error: unknown, retryAt: number): void {
    const isNew = this.#retryAt === undefined;
    this.#retryAt = retryAt;
    if (!isNew) return;
    const why = errorMessage(error);
    this.#log.warn({ event: "event_log_in_memory" }, `events are kept in memory only: ${why}`);
  }

  #recover(): void {
    if (this.#retryAt === undefined) return;
    this.#retryAt = undefined;
    this.#log.info({ event: "event_log_written" }, `events are written to ${this.#path} again`);
  }
}

function readBounded(path: string): { readonly text: string; readonly mode: number } {
  const stat = statSync(path);
  if (!stat.isFile()) throw new Error(`${path} is not a file`);
  if (stat.size > MAX_BYTES) throw new Error(`${path} is no event log: it has ${stat.size} bytes`);
  return { text: readFileSync(path, "utf8"), mode: stat.mode & 0o777 };
}

function parseLine(line: string): FleetEvent | undefined {
  try {
    return Object.freeze(LINE.parse(JSON.parse(line)));
  } catch {
    return undefined;
  }
}

function linesOf(events: readonly FleetEvent[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join("");
}
