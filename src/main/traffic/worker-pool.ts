/**
 * main/traffic/: the control process's side of the proxy: worker processes, listening sockets, the routing table.
 *
 *   WorkerPool ─ spawn ─▶ sluice worker ─ connects to workers.sock ─▶ WorkerLink
 *
 * A worker that dies is replaced at once. Workers that a killed control process has left behind find the new one by the same socket:
 * they get its tables, accept no more, and exit with their last session.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { errorMessage } from "../../errors/sluice-error.ts";
import { BOARD_BYTES, BOARD_ROWS } from "../../proxy/worker/connection-board.ts";
import type { FromWorker, ToWorker } from "../../proxy/worker/messages.ts";
import { listenUnix } from "../../publish/tcp/unix-socket.ts";
import { lavishEnvironment } from "../../system/frugal-runtime.ts";
import { closeDescriptors } from "../../system/listening-socket.ts";
import { descriptorChannel, sendDescriptor } from "../../system/pass-descriptor.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import { type LinkEvents, WorkerLink } from "./worker-link.ts";

export interface PoolParts {
  readonly count: number;
  /** Where its socket and file are. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
  /** A worker of this pool is there and knows nothing yet. */
  onReady(slot: WorkerSlot): void;
  /** A worker of an earlier control process is there. */
  onOrphan(link: WorkerLink): void;
  onMessage(message: FromWorker): void;
  /** What it counted is still in the link. */
  onGone(link: WorkerLink): void;
}

const TICK_MS = 1000;
/** A worker that has not said a word for this long hangs. */
const SILENT_MS = 10_000;
const FIRST_RESTART_MS = 10;
const LAST_RESTART_MS = 5000;
/** A worker that lived for this long died of something new. */
const SETTLED_MS = 5000;
const STOP_MS = 400;
/** Numbers stay below 2^53 / SESSIONS_PER_WORKER, and differ from those of workers left behind. */
const NUMBERS = 8_000_000;

/** A place for one worker process, and the one that is in it now. */
export class WorkerSlot {
  readonly row: number;
  number = 0;
  child: ChildProcess | undefined;
  link: WorkerLink | undefined;
  channel = -1;
  startedAt = 0;
  failures = 0;

  constructor(row: number) {
    this.row = row;
  }

  /** Hands a listening socket over, and says what it is for. Throws IO_FAILED. */
  async listen(message: Extract<ToWorker, { type: "listen" }>, fd: number): Promise<void> {
    await sendDescriptor(this.channel, fd);
    this.link?.tell(message);
  }
}

export class WorkerPool {
  readonly #parts: PoolParts;
  readonly slots: readonly WorkerSlot[];
  readonly #orphans = new Set<WorkerLink>();
  readonly #links = new Set<WorkerLink>();
  readonly #server: Server;
  #removeSocket: () => void = () => {};
  #tick: ReturnType<typeof setInterval> | undefined;
  #tickedAt = 0;
  #nextNumber: number;
  #isStopping = false;
  #deaths = 0;

  constructor(parts: PoolParts) {
    this.#parts = parts;
    this.slots = Array.from({ length: Math.min(parts.count, BOARD_ROWS) }, (_, row) => new WorkerSlot(row));
    this.#nextNumber = Math.floor(parts.clock.now() / 1000) % NUMBERS;
    const events: LinkEvents = {
      hello: (link) => this.#greet(link),
      message: (_, message) => parts.onMessage(message),
      closed: (link) => this.#closed(link),
    };
    this.#server = createServer((socket) => this.#links.add(new WorkerLink(socket, parts.clock, events)));
  }

  /** Links of all workers that are there, those of an earlier control process included. */
  get links(): readonly WorkerLink[] {
    return [...this.#links].filter(({ hello }) => hello !== undefined);
  }

  /** Workers that ended by themselves since the start. */
  get deaths(): number {
    return this.#deaths;
  }

  isOrphan(link: WorkerLink): boolean {
    return this.#orphans.has(link);
  }

  /** Throws what listenUnix() throws. */
  async start(): Promise<void> {
    const { directory, clock } = this.#parts;
    // A new file each time: workers left behind go on counting in the old one.
    writeFileSync(`${this.#boardPath}.new`, Buffer.alloc(BOARD_BYTES), { mode: 0o600 });
    renameSync(`${this.#boardPath}.new`, this.#boardPath);
    const place = { path: socketPath(directory), mode: 0o600, gid: undefined };
    this.#removeSocket = await listenUnix(this.#server, place, clock);
    for (const slot of this.slots) await this.#spawn(slot);
    this.#tickedAt = clock.monotonic();
    this.#tick = setInterval(() => this.#watch(), TICK_MS);
  }

  broadcast(message: ToWorker): void {
    for (const link of this.#links) if (link.hello !== undefined) link.tell(message);
  }

  /** Ends all workers and their sessions, by the deadline at the latest. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#tick);
    this.broadcast({ type: "stop" });
    const children = this.slots.flatMap(({ child }) => child ?? []);
    await Promise.all(children.map((child) => this.#ended(child)));
    for (const link of this.#links) link.close();
    this.#server.close();
    this.#removeSocket();
    rmSync(this.#boardPath, { force: true });
  }

  get #boardPath(): string {
    return join(this.#parts.directory, "connections.map");
  }

  async #spawn(slot: WorkerSlot): Promise<void> {
    const { directory, clock } = this.#parts;
    slot.number = this.#nextNumber++;
    slot.startedAt = clock.monotonic();
    const [mine, theirs] = await descriptorChannel();
    slot.channel = mine;
    const args = ["--control", socketPath(directory), "--board", this.#boardPath];
    args.push("--row", String(slot.row), "--number", String(slot.number));
    const child = spawn(OWN_EXECUTABLE, [...OWN_SCRIPT, "worker", ...args], {
      argv0: "sluice",
      stdio: ["ignore", "ignore", "inherit", theirs],
      env: lavishEnvironment(process.env),
    });
    slot.child = child;
    child.on("error", () => {});
    child.once("close", () => this.#exited(slot, child, mine));
    await closeDescriptors([theirs]);
  }

  #exited(slot: WorkerSlot, child: ChildProcess, channel: number): void {
    void closeDescriptors([channel]);
    if (slot.child !== child) return;
    slot.child = undefined;
    slot.link = undefined;
    if (this.#isStopping) return;
    this.#deaths++;
    const { clock, log } = this.#parts;
    const end = child.signalCode ?? `exit code ${child.exitCode}`;
    log.error(
      { event: "worker_died", pid: child.pid, end },
      `a worker has died (${end}); another takes its place`,
    );
    slot.failures = clock.monotonic() - slot.startedAt > SETTLED_MS ? 0 : slot.failures + 1;
    const wait = Math.min(LAST_RESTART_MS, slot.failures === 0 ? 0 : FIRST_RESTART_MS * 2 ** slot.failures);
    clock.after(wait, () => void this.#respawn(slot));
  }

  async #respawn(slot: WorkerSlot): Promise<void> {
    if (this.#isStopping) return;
    try {
      await this.#spawn(slot);
    } catch (err) {
      this.#parts.log.error(
        { event: "worker_failed", err },
        `a worker cannot be started: ${errorMessage(err)}`,
      );
      this.#parts.clock.after(LAST_RESTART_MS, () => void this.#respawn(slot));
    }
  }

  #greet(link: WorkerLink): void {
    const { hello } = link;
    const slot = this.slots.find(({ number }) => number === hello?.number);
    if (slot !== undefined && hello?.isOrphan === false) {
      slot.link = link;
      this.#parts.onReady(slot);
      return;
    }
    this.#orphans.add(link);
    this.#parts.log.info(
      { event: "worker_adopted", pid: hello?.pid },
      "a worker of before finishes its sessions",
    );
    this.#parts.onOrphan(link);
  }

  #closed(link: WorkerLink): void {
    this.#links.delete(link);
    this.#orphans.delete(link);
    this.#parts.onGone(link);
  }

  #watch(): void {
    const now = this.#parts.clock.monotonic();
    const wasAsleep = now - this.#tickedAt > 2 * TICK_MS;
    this.#tickedAt = now;
    for (const link of this.#links) {
      // If this process did not run, that nobody was heard says nothing.
      if (wasAsleep) link.heardAt = now;
      if (now - link.heardAt <= SILENT_MS) continue;
      this.#parts.log.error({ event: "worker_hangs", pid: link.hello?.pid }, "a worker hangs and is killed");
      link.kill();
    }
  }

  #ended(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#parts.clock.after(STOP_MS, () => {
        child.kill("SIGKILL");
        resolve();
      });
      child.once("close", () => {
        cancel();
        resolve();
      });
    });
  }
}

/** Whether a process is a worker of this directory: of this control process, or of one before it. This process counts as well. */
export function isWorker(pid: number, directory: string): boolean {
  if (pid === process.pid) return true;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(socketPath(directory));
  } catch {
    return false; // gone, or another user's
  }
}

const socketPath = (directory: string): string => join(directory, "workers.sock");

// The very file that runs, also after a package has put a new one in its place.
const OWN_EXECUTABLE = "/proc/self/exe";
/** Run from source, the runtime needs to be told what to run. */
const OWN_SCRIPT =
  process.argv[1] === undefined || process.argv[1].startsWith("/$bunfs/") ? [] : [process.argv[1]];
