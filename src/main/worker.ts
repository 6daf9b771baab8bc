/**
 * `sluice worker`: a proxy worker process. The control process starts it; nobody else needs to. It outlives a control process
 * that is killed: its sessions and listeners go on by the last routing table until a new one has taken over.
 */
import { connect, type Socket } from "node:net";
import { dirname } from "node:path";
import { type CommandSpec, option } from "../cli/command.ts";
import { parseArguments } from "../cli/parse-arguments.ts";
import { integer } from "../config/values/number.ts";
import { text } from "../config/values/text.ts";
import { errorMessage, SluiceError } from "../errors/sluice-error.ts";
import { BOARD_BYTES, ConnectionBoard } from "../proxy/worker/connection-board.ts";
import { JsonLines, jsonLine } from "../proxy/worker/json-lines.ts";
import type { FromWorker, ToWorker } from "../proxy/worker/messages.ts";
import { Worker } from "../proxy/worker/worker.ts";
import { receiveDescriptor } from "../system/pass-descriptor.ts";
import { SYSTEM_CLOCK } from "../telemetry/clock.ts";
import { leavePorts } from "./traffic/ports-left.ts";

interface WorkerFlags {
  readonly control: string;
  readonly board: string;
  readonly row: number;
  readonly number: number;
}

const DESCRIPTOR_CHANNEL = 3;
const TICK_MS = 1000;
const RECONNECT_MS = 100;

const options = {
  control: option("socket", text("a path"), "the control process's socket"),
  board: option("file", text("a file"), "shared counts of sessions"),
  row: option("n", integer(0, Number.MAX_SAFE_INTEGER), "row of this worker in them"),
  number: option("n", integer(0, Number.MAX_SAFE_INTEGER), "number of this worker"),
} as const;

const spec: CommandSpec<typeof options> = {
  name: "worker",
  summary: "A proxy worker process; `sluice run` starts it",
  operands: "",
  maxOperands: 0,
  options,
  examples: [],
  exitCodes: [],
};

export async function workerCommand(args: readonly string[]): Promise<number> {
  const { control, board, row, number } = parseArguments(spec, args).values;
  if (control === undefined || board === undefined || row === undefined || number === undefined)
    throw new SluiceError(
      "USAGE",
      "--control, --board, --row and --number are all needed: `sluice run` gives them",
    );
  const flags = { control, board, row, number };
  return await new Promise((resolve) => new WorkerProcess(flags, () => resolve(0)).run());
}

class WorkerProcess {
  readonly #flags: WorkerFlags;
  readonly #worker: Worker;
  #control: Socket | undefined;
  #isOrphan = false;
  /** Messages are handled in the order in which they come. */
  #last: Promise<void> = Promise.resolve();

  constructor(flags: WorkerFlags, exit: () => void) {
    this.#flags = flags;
    const memory = Bun.mmap(flags.board, { shared: true });
    const board = new Int32Array(
      memory.buffer,
      memory.byteOffset,
      BOARD_BYTES / Int32Array.BYTES_PER_ELEMENT,
    );
    this.#worker = new Worker({
      number: flags.number,
      board: new ConnectionBoard(board, flags.row),
      timers: SYSTEM_CLOCK,
      tell: (message) => this.#tell(message),
      nextDescriptor: () => receiveDescriptor(DESCRIPTOR_CHANNEL),
      exit,
    });
  }

  run(): void {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => this.#worker.stop());
    for (const signal of ["SIGHUP", "SIGPIPE"] as const) process.on(signal, () => {});
    setInterval(() => {
      this.#worker.sweep(SYSTEM_CLOCK.now());
      this.#tell({ type: "counters", ...this.#worker.counters() });
    }, TICK_MS);
    this.#connect();
  }

  #connect(): void {
    const socket = connect(this.#flags.control);
    const lines = new JsonLines<ToWorker>((message) => {
      this.#last = this.#last.then(() => this.#handle(message));
    });
    socket.on("connect", () => {
      this.#control = socket;
      const { pid } = process;
      this.#tell({ type: "hello", pid, number: this.#flags.number, isOrphan: this.#isOrphan });
    });
    socket.on("data", (chunk: Buffer) => {
      try {
        lines.feed(chunk);
      } catch {
        socket.destroy();
      }
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      if (this.#control === socket) this.#isOrphan = true;
      this.#control = undefined;
      if (this.#worker.isIdle) this.#worker.stop();
      setTimeout(() => void this.#return(), RECONNECT_MS);
    });
  }

  /** To a control process, if there is one by now; one that has just been started asks for the listening sockets first. */
  async #return(): Promise<void> {
    await leavePorts(dirname(this.#flags.control), this.#worker.openPorts).catch(() => {});
    this.#connect();
  }

  /** A message that cannot be followed is told, and the sessions go on without it. */
  async #handle(message: ToWorker): Promise<void> {
    try {
      await this.#worker.handle(message);
    } catch (error) {
      process.stderr.write(`sluice worker: ${message.type}: ${errorMessage(error)}\n`);
    }
  }

  #tell(message: FromWorker): void {
    this.#control?.write(jsonLine(message));
  }
}
