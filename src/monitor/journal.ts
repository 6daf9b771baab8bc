import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { errorMessage } from "../errors/sluice-error.ts";
import { writeFileAtomically } from "../system/atomic-file.ts";
import type { Clock } from "../telemetry/clock.ts";
import type { Log } from "../telemetry/log.ts";
import { type Endpoint, formatEndpoint } from "../topology/endpoint.ts";
import type { ReplicaLink } from "../topology/replica-link.ts";
import { INITIAL_STATE, type ModuleState } from "./modules/monitor-module.ts";

/** The disk is written at most this often, ms. */
const WRITE_EVERY_MS = 1000;
/** After a failed write the disk is left alone for this long, ms. */
const RETRY_MS = 30_000;
/** What has not changed is written again this often, ms, or before it has half of journal_max_age. */
const REFRESH_MS = 3_600_000;
/** No journal of ours comes near it. */
const MAX_BYTES = 16 * 1024 * 1024;

const LINK = z
  .object({
    channel: z.string(),
    sourceHost: z.string(),
    sourcePort: z.number(),
    sourceServerId: z.number().optional(),
    state: z.enum(["connected", "connecting", "broken"]),
    error: z.string().optional(),
  })
  // A lag of before a restart says nothing, and would change the journal every second.
  .transform(
    (link): ReplicaLink => ({
      ...link,
      sourceServerId: link.sourceServerId,
      lagSeconds: undefined,
      error: link.error,
    }),
  );

const STATE = z.object({
  chosen: z.string().nullable(),
  clusterUuid: z.string().nullable(),
  kind: z.enum(["galera", "replication", "standalone"]).nullable(),
  servers: z.array(
    z.object({
      name: z.string(),
      serverId: z.number().nullable(),
      links: z.array(LINK).nullable(),
      downSince: z.number().nullable(),
    }),
  ),
}) satisfies z.ZodType<ModuleState>;

const JOURNAL = z.object({
  writtenAt: z.number(),
  module: z.string(),
  /** `name address:port` of each server, sorted. */
  servers: z.array(z.string()),
  state: STATE,
});

export interface JournalOptions {
  /** `datadir`. */
  readonly directory: string;
  readonly monitor: string;
  readonly module: string;
  readonly servers: readonly { readonly name: string; readonly endpoint: Endpoint }[];
  /** `journal_max_age`, ms. */
  readonly maxAgeMs: number;
  readonly log: Log;
  readonly clock: Clock;
}

/**
 * What a monitor carries from tick to tick, kept across a restart in `<directory>/<monitor>.journal.json`. It belongs to
 * one set of servers: another one takes a new Journal.
 */
export class Journal {
  readonly #options: JournalOptions;
  readonly #path: string;
  readonly #servers: readonly string[];
  #state: ModuleState | undefined;
  /** What is on disk, without its time. */
  #written: string | undefined;
  /** Monotonic, ms. */
  #comparedAt = Number.NEGATIVE_INFINITY;
  #cancelSave: (() => void) | undefined;
  #cancelRefresh: () => void = () => {};
  #isFailing = false;

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#path = join(options.directory, `${encodeURIComponent(options.monitor)}.journal.json`);
    this.#servers = options.servers.map(({ name, endpoint }) => `${name} ${formatEndpoint(endpoint)}`).sort();
  }

  /** The state to begin with; never throws. A journal that is damaged, too old or of other servers is not believed. */
  load(): ModuleState {
    let text: string;
    try {
      text = readBounded(this.#path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") this.#ignore(errorMessage(error));
      return INITIAL_STATE;
    }
    try {
      const journal = JOURNAL.parse(JSON.parse(text));
      const objection = this.#objection(journal);
      if (objection === undefined) return Object.freeze(journal.state);
      this.#ignore(objection);
    } catch (error) {
      this.#ignore(
        `it is damaged (${error instanceof z.ZodError ? firstIssue(error) : errorMessage(error)})`,
      );
    }
    return INITIAL_STATE;
  }

  /** Keeps the state if it has changed: at once, or within a second of the last time. Never throws. */
  save(state: ModuleState): void {
    this.#state = state;
    if (this.#cancelSave !== undefined) return;
    const { clock } = this.#options;
    const waitMs = this.#comparedAt + WRITE_EVERY_MS - clock.monotonic();
    if (waitMs <= 0) this.#saveNow();
    else this.#cancelSave = clock.after(waitMs, () => this.#saveNow());
  }

  /** Writes the last state, so that its age counts from now. Before the monitor ends. */
  close(): void {
    this.#write();
    this.#cancelSave?.();
    this.#cancelSave = undefined;
    this.#cancelRefresh();
  }

  #saveNow(): void {
    this.#cancelSave = undefined;
    this.#comparedAt = this.#options.clock.monotonic();
    // While the disk fails, the next try is due already.
    if (!this.#isFailing && textOf(this.#state) !== this.#written) this.#write();
  }

  #write(): void {
    if (this.#state === undefined) return;
    const { clock, module, log, maxAgeMs } = this.#options;
    const journal = { writtenAt: clock.now(), module, servers: this.#servers, state: this.#state };
    try {
      writeFileAtomically(this.#path, `${textOf(journal)}\n`, 0o600);
      this.#written = textOf(this.#state);
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) {
        log.warn({ event: "journal_failed" }, `the journal is not kept: ${errorMessage(error)}`);
      }
      this.#isFailing = true;
    }
    // What has not changed for hours must not look old after a crash.
    const refreshMs = Math.max(WRITE_EVERY_MS, Math.min(REFRESH_MS, maxAgeMs / 2));
    this.#cancelRefresh();
    this.#cancelRefresh = clock.after(this.#isFailing ? RETRY_MS : refreshMs, () => this.#write());
  }

  #objection({ writtenAt, module, servers }: z.infer<typeof JOURNAL>): string | undefined {
    const { clock, maxAgeMs, module: own } = this.#options;
    const ageMs = clock.now() - writtenAt;
    const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;
    if (ageMs > maxAgeMs) return `it is ${seconds(ageMs)} old, and journal_max_age is ${seconds(maxAgeMs)}`;
    if (module !== own) return `it is of the module ${module}`;
    return servers.join() === this.#servers.join() ? undefined : "it is of other servers, or other addresses";
  }

  #ignore(reason: string): void {
    this.#options.log.warn({ event: "journal_ignored" }, `${this.#path} is ignored: ${reason}`);
  }
}

function readBounded(path: string): string {
  const { size } = statSync(path);
  if (size > MAX_BYTES) throw new Error(`no journal has ${size} bytes`);
  return readFileSync(path, "utf8");
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (key, value: unknown) => (key === "lagSeconds" ? undefined : value));
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue === undefined ? "it says nothing" : `${issue.path.join(".")}: ${issue.message}`;
}
