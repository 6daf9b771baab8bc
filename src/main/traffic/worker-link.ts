import type { Socket } from "node:net";
import { JsonLines, jsonLine } from "../../proxy/worker/json-lines.ts";
import type { FromWorker, SessionLine, ToWorker, WorkerCounters } from "../../proxy/worker/messages.ts";
import type { Clock } from "../../telemetry/clock.ts";
import { CpuSamples } from "../runtime/cpu-samples.ts";

/** A worker that takes in none of what it is told is stuck. */
const MAX_UNSENT_BYTES = 64 << 20;
const ANSWER_MS = 1000;

export type Hello = Extract<FromWorker, { type: "hello" }>;

export interface LinkEvents {
  hello(link: WorkerLink): void;
  message(link: WorkerLink, message: FromWorker): void;
  closed(link: WorkerLink): void;
}

/** The connection of one worker process, as the control process has it. */
export class WorkerLink {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #events: LinkEvents;
  readonly #questions = new Map<number, (answer: FromWorker | undefined) => void>();
  #lastQuestion = 0;
  #hello: Hello | undefined;
  #cpu: CpuSamples | undefined;
  counters: WorkerCounters | undefined;
  /** When it was heard last, by the monotonic clock. */
  heardAt: number;

  constructor(socket: Socket, clock: Clock, events: LinkEvents) {
    this.#socket = socket;
    this.#clock = clock;
    this.#events = events;
    this.heardAt = clock.monotonic();
    const lines = new JsonLines<FromWorker>((message) => this.#take(message));
    socket.on("data", (chunk: Buffer) => {
      try {
        lines.feed(chunk);
      } catch {
        socket.destroy(); // it is no worker of ours
      }
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      for (const answer of [...this.#questions.values()]) answer(undefined);
      events.closed(this);
    });
  }

  get hello(): Hello | undefined {
    return this.#hello;
  }

  get load(): CpuSamples["load"] {
    return (this.#cpu ?? new CpuSamples(0)).load;
  }

  tell(message: ToWorker): void {
    if (this.#socket.writableLength > MAX_UNSENT_BYTES) this.kill();
    else if (this.#socket.writable) this.#socket.write(jsonLine(message));
  }

  /** Empty where it does not answer in time. */
  async sessions(): Promise<readonly SessionLine[]> {
    const answer = await this.#ask("list sessions");
    return answer?.type === "sessions" ? answer.sessions : [];
  }

  /** Brings `counters` up to date; where it does not answer in time they stay as they are. */
  async recount(): Promise<void> {
    await this.#ask("count");
  }

  /** Returns once it accepts no more there, or does not answer in time. */
  async unlisten(listener: string): Promise<void> {
    this.tell({ type: "unlisten", listener });
    await this.recount(); // which it answers after that
  }

  close(): void {
    this.#socket.destroy();
  }

  /** For a worker that hangs. */
  kill(): void {
    const { pid } = this.#hello ?? {};
    if (pid !== undefined) killProcess(pid);
    this.#socket.destroy();
  }

  #ask(type: "list sessions" | "count"): Promise<FromWorker | undefined> {
    const question = ++this.#lastQuestion;
    return new Promise((resolve) => {
      const answer = (message: FromWorker | undefined): void => {
        cancel();
        this.#questions.delete(question);
        resolve(message);
      };
      const cancel = this.#clock.after(ANSWER_MS, () => answer(undefined));
      this.#questions.set(question, answer);
      this.tell({ type, question });
    });
  }

  #take(message: FromWorker): void {
    this.heardAt = this.#clock.monotonic();
    switch (message.type) {
      case "hello":
        this.#hello = message;
        this.#events.hello(this);
        return;
      case "counters":
        this.counters = message;
        this.#cpu ??= new CpuSamples(message.cpuMicros);
        this.#cpu.add(message.cpuMicros);
        return;
      case "counted":
        this.counters = message;
        this.#questions.get(message.question)?.(message);
        return;
      case "sessions":
        this.#questions.get(message.question)?.(message);
        return;
      case "listening":
      case "server failed":
      case "find session":
      case "end session":
      case "accounts wanted":
      case "login failed":
      case "password exposed":
        this.#events.message(this, message);
    }
  }
}

/** At once, wherever it hangs. */
export function killProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it is gone
  }
}
