/**
 * main/traffic/: the control process's side of the proxy: worker processes, listening sockets, the routing table.
 *
 *   WorkerPool ─ spawn ─▶ sluice worker ─ connects to workers.sock ─▶ WorkerLink
 *
 * A worker that dies is replaced at once. Workers that an earlier control process has left behind find the new one by the same
 * socket: they get its tables, accept no more as soon as the new ones do, and exit with their last session.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createServer, type Server } from "node:net";
import { errorMessage } from "../../errors/sluice-error.ts";
import type { FromWorker, ToWorker } from "../../proxy/worker/messages.ts";
import { listenUnix } from "../../publish/tcp/unix-socket.ts";
import { lavishEnvironment } from "../../system/frugal-runtime.ts";
import { closeDescriptors } from "../../system/listening-socket.ts";
import { descriptorChannel, sendDescriptor } from "../../system/pass-descriptor.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import { ownProgram } from "../own-program.ts";
import type { WorkerBoard } from "./worker-board.ts";
import { killProcess, type LinkEvents, WorkerLink } from "./worker-link.ts";
import { isWorker, type LeftWorker, socketOfWorkers, workersLeft } from "./workers-left.ts";

type Listen = Extract<ToWorker, { type: "listen" }>;

export interface PoolParts {
  readonly count: number;
  /** Where its socket is. */
  readonly directory: string;
  readonly board: WorkerBoard;
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
const SETTLED_MS = 1000;
const STOP_MS = 400;
const STOP_POLL_MS = 10;
/** Numbers stay below 2^53 / SESSIONS_PER_WORKER, and differ from those of workers left behind. */
const NUMBERS = 8_000_000;

/** A place for one worker process, and the one that is in it now. */
export class WorkerSlot {
  /** Counts up from 0. */
  readonly index: number;
  /** On the board; -1: none. */
  row = -1;
  number = 0;
  child: ChildProcess | undefined;
  link: WorkerLink | undefined;
  channel = -1;
  startedAt = 0;
  failures = 0;

  constructor(index: number) {
    this.index = index;
  }

  /** Hands listening sockets over, and says what they are for. Throws IO_FAILED. */
  async listen(message: Omit<Listen, "sockets">, fds: readonly number[]): Promise<void> {
    for (const fd of fds) await sendDescriptor(this.channel, fd);
    this.link?.tell({ ...message, sockets: fds.length });
  }
}

export class WorkerPool {
  readonly #parts: PoolParts;
  readonly slots: readonly WorkerSlot[];
  readonly #orphans = new Set<WorkerLink>();
  readonly #links = new Set<WorkerLink>();
  readonly #server: Server;
  /** Workers of earlier control processes, whether they have found this one already or not. */
  #left: readonly LeftWorker[] = [];
  #removeSocket: () => void = () => {};
  #tick: ReturnType<typeof setInterval> | undefined;
  #tickedAt = 0;
  /** Since when they have been able to say that they are there. */
  #leftAwaitedSince = 0;
  #nextNumber: number;
  #isStopping = false;
  #deaths = 0;

  constructor(parts: PoolParts) {
    this.#parts = parts;
    this.slots = Array.from({ length: parts.count }, (_, index) => new WorkerSlot(index));
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

  /** Those of them that belong to an earlier control process. */
  get orphans(): ReadonlySet<WorkerLink> {
    return this.#orphans;
  }

  /** Throws what listenUnix() throws. */
  async start(): Promise<void> {
    const { directory, board, clock } = this.#parts;
    this.#left = workersLeft(directory);
    for (const { number } of this.#left) this.#nextNumber = Math.max(this.#nextNumber, number + 1);
    board.open(this.#left);
    for (const slot of this.slots) slot.row = board.takeRow();
    const place = { path: socketOfWorkers(directory), mode: 0o600, gid: undefined };
    this.#removeSocket = await listenUnix(this.#server, place, clock);
    for (const slot of this.slots) await this.#spawn(slot);
    this.#tickedAt = clock.monotonic();
    this.#leftAwaitedSince = this.#tickedAt;
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
    await Promise.all([...children.map((child) => this.#ended(child)), this.#leftEnded()]);
    for (const link of this.#links) link.close();
    this.#server.close();
    this.#removeSocket();
    this.#parts.board.remove();
  }

  /** Leaves the workers to a successor of this process. */
  leave(): void {
    this.#isStopping = true;
    clearInterval(this.#tick);
  }

  async #spawn(slot: WorkerSlot): Promise<void> {
    const { directory, board, clock } = this.#parts;
    slot.number = this.#nextNumber++;
    slot.startedAt = clock.monotonic();
    const [mine, theirs] = await descriptorChannel();
    slot.channel = mine;
    const args = ["--control", socketOfWorkers(directory), "--board", board.path];
    args.push("--row", String(slot.row), "--number", String(slot.number));
    const [program = "", ...script] = ownProgram();
    const child = spawn(program, [...script, "worker", ...args], {
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
    this.#buryLeft();
    const now = this.#parts.clock.monotonic();
    const wasAsleep = now - this.#tickedAt > 2 * TICK_MS;
    this.#tickedAt = now;
    if (wasAsleep) this.#leftAwaitedSince = now;
    for (const link of this.#links) {
      // If this process did not run, that nobody was heard says nothing.
      if (wasAsleep) link.heardAt = now;
      if (now - link.heardAt <= SILENT_MS) continue;
      this.#logHang(link.hello?.pid);
      link.kill();
    }
    if (now - this.#leftAwaitedSince > SILENT_MS) this.#killSilentLeft();
  }

  /** A worker of before that hangs has sockets of its own: whoever the kernel gives to it would wait for ever. */
  #killSilentLeft(): void {
    for (const pid of this.#unheard) {
      this.#logHang(pid);
      killProcess(pid);
    }
  }

  /** Workers of before that have not said that they are there. */
  get #unheard(): readonly number[] {
    const heard = new Set([...this.#links].map(({ hello }) => hello?.pid));
    return this.#left.flatMap(({ pid }) => (heard.has(pid) ? [] : [pid]));
  }

  /** None of before outlives this process: one that has not found it yet cannot be told, and would go on to accept clients. */
  async #leftEnded(): Promise<void> {
    const { clock } = this.#parts;
    const deadline = clock.monotonic() + STOP_MS;
    this.#buryLeft();
    for (const pid of this.#unheard) killProcess(pid);
    while (this.#left.length > 0 && clock.monotonic() < deadline) {
      await new Promise<void>((resolve) => clock.after(STOP_POLL_MS, resolve));
      this.#buryLeft();
    }
    for (const { pid } of this.#left) killProcess(pid);
  }

  #logHang(pid: number | undefined): void {
    this.#parts.log.error({ event: "worker_hangs", pid }, "a worker hangs and is killed");
  }

  /** A worker of before that was killed has left its sessions in the counts. */
  #buryLeft(): void {
    const { directory, board } = this.#parts;
    this.#left = this.#left.filter(({ pid, row }) => {
      if (isWorker(pid, directory)) return true;
      board.freeRow(row);
      return false;
    });
  }

  #ended(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      let cancel = this.#parts.clock.after(STOP_MS, () => {
        child.kill("SIGKILL");
        cancel = this.#parts.clock.after(STOP_MS, resolve);
      });
      child.once("close", () => {
        cancel();
        resolve();
      });
    });
  }
}
