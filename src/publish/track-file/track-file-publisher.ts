/**
 * track-file/: a number in a file, which keepalived watches (track_file): no process is started for a check, and the address
 * moves in the moment the verdict changes.
 *
 *   fleet snapshot ─▶ trackedValue ─▶ TrackFilePublisher ─pipe─▶ guard (a process of its own) ─▶ file ─inotify─▶ keepalived
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { writeFileAtomically } from "../../system/atomic-file.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import type { FleetView } from "../../topology/fleet.ts";
import { PublishedServers, type ServerSelection } from "../published-servers.ts";
import type { CloseReason, Publisher } from "../publisher.ts";
import { guardLine, LEAVE_LINE } from "./track-guard.ts";
import { type TrackValues, trackedValue } from "./tracked-value.ts";

export interface TrackFileOptions {
  readonly name: string;
  readonly file: string;
  readonly servers: ServerSelection;
  readonly values: TrackValues;
  /** Starts the guard; the file and the failing value are added. */
  readonly guardCommand: readonly string[];
}

const RESTART_MS = 1000;
/** The guard has the last write; after this the publisher makes it itself. */
const LAST_WRITE_MS = 500;

/** Publisher `track-file`. */
export class TrackFilePublisher implements Publisher {
  readonly module = "track-file";
  readonly name: string;
  readonly #options: TrackFileOptions;
  readonly #fleet: FleetView;
  readonly #servers: PublishedServers;
  readonly #clock: Clock;
  readonly #log: Log;
  #guard: ChildProcess | undefined;
  #unsubscribe: () => void = () => {};
  #cancelRestart: () => void = () => {};
  #isOpen = false;
  #sent: string | undefined;

  constructor(options: TrackFileOptions, fleet: FleetView, clock: Clock, log: Log) {
    this.name = options.name;
    this.#options = options;
    this.#fleet = fleet;
    this.#servers = new PublishedServers(fleet, options.servers);
    this.#clock = clock;
    this.#log = log;
  }

  /** The file fails until the first verdict: to keepalived a missing one would be a good one. @throws SluiceError IO_FAILED */
  async start(): Promise<void> {
    this.#isOpen = true;
    if (trackedValue(this.#servers.all(), this.#options.values, this.#clock.now()) === undefined)
      this.#writeFailing();
    // Not the guard yet: it is started with the first verdict, under the account that the daemon runs as by then.
    this.#unsubscribe = this.#fleet.subscribe(() => this.#tell());
    this.#tell();
  }

  async close(reason: CloseReason = "exit"): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#unsubscribe();
    this.#cancelRestart();
    const guard = this.#guard;
    if (guard === undefined || guard.exitCode !== null) return this.#writeFailing();
    if (reason === "succession") guard.stdin?.write(LEAVE_LINE);
    const ended = await new Promise<boolean>((resolve) => {
      const cancel = this.#clock.after(LAST_WRITE_MS, () => resolve(false));
      guard.once("exit", () => {
        cancel();
        resolve(true);
      });
      guard.stdin?.end();
      // It stays for a while, and ends by itself.
      if (reason === "succession") guard.stdin?.once("finish", () => resolve(true));
    });
    if (ended) return;
    guard.kill("SIGKILL");
    this.#writeFailing();
  }

  #writeFailing(): void {
    writeFileAtomically(this.#options.file, `${this.#options.values.down}\n`, 0o644);
  }

  #tell(): void {
    const now = this.#clock.now();
    const tracked = trackedValue(this.#servers.all(), this.#options.values, now);
    if (tracked === undefined) return;
    const key = `${tracked.value} ${tracked.until}`;
    if (key === this.#sent) return;
    this.#guard ??= this.#startGuard();
    this.#guard.stdin?.write(guardLine(tracked.value, tracked.until - now));
    this.#sent = key;
  }

  #startGuard(): ChildProcess {
    const { guardCommand, file, values } = this.#options;
    const [program = "", ...args] = guardCommand;
    // A session of its own: what ends the daemon's process group leaves the guard the time for its last write.
    const guard = spawn(program, [...args, file, String(values.down)], {
      stdio: ["pipe", "ignore", "pipe"],
      detached: true,
    });
    guard.stdin?.on("error", () => {}); // its end is told below
    if (guard.stderr !== null) {
      createInterface({ input: guard.stderr }).on("line", (line) => {
        this.#log.error({ event: "track_file_failed" }, line);
      });
    }
    const ended = (why: string): void => {
      if (this.#guard !== guard || !this.#isOpen) return;
      this.#log.error(
        { event: "guard_ended", reason: why },
        `the guard of ${file} ended (${why}); another is started`,
      );
      this.#cancelRestart = this.#clock.after(RESTART_MS, () => {
        this.#guard = undefined;
        this.#sent = undefined;
        this.#tell();
      });
    };
    guard.on("error", (error) => ended(error.message));
    guard.on("exit", (code, signal) => ended(signal ?? `exit code ${code}`));
    return guard;
  }
}
