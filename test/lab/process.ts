import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { eventually } from "../eventually.ts";
import { deadline } from "./deadline.ts";
import { LabError } from "./lab-error.ts";
import { TextTail } from "./text-tail.ts";

const OUTPUT_CAP = 1 << 20;
const SIGNAL_DEADLINE_MS = 10_000;
const RESEND_MS = 250;

export interface Launch {
  /** The whole environment besides PATH, HOME and LANG: nothing leaks in from the test process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Text for the program's standard input, which then ends. Without it, it ends at once. */
  readonly stdin?: string;
  /** Standard input stays open until closeInput() or the death of this process. */
  readonly keepInputOpen?: boolean;
  /** argv[0] enters a PID namespace: it forks, waits and mirrors its child, and the child is the program meant. */
  readonly isWrapped?: boolean;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running program: its output (the last MiB of it), its end, and the signals a test sends it. */
export class Process {
  readonly argv: readonly string[];
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #stdout = new TextTail(OUTPUT_CAP);
  readonly #stderr = new TextTail(OUTPUT_CAP);
  readonly #output = new TextTail(OUTPUT_CAP);
  readonly #watchers = new Set<() => void>();
  #exit: Exit | undefined;
  #pid: number | undefined;

  /** Resolves once the program has a pid; rejects if argv[0] cannot be started. */
  static async start(argv: readonly string[], launch: Launch = {}): Promise<Process> {
    const process = new Process(argv, launch);
    await process.#located(launch.isWrapped ?? false);
    return process;
  }

  private constructor(argv: readonly string[], launch: Launch) {
    const [command = "", ...rest] = argv;
    this.argv = argv;
    this.#child = spawn(command, rest, {
      detached: true, // a group of its own: Ctrl-C in a terminal is for the lab's owner, who then ends its programs in order
      env: { PATH: daemonPath(), HOME: "/root", LANG: "C.UTF-8", ...launch.env },
      stdio: [launch.stdin !== undefined || launch.keepInputOpen ? "pipe" : "ignore", "pipe", "pipe"],
    });
    this.#capture(this.#child.stdout, this.#stdout);
    this.#capture(this.#child.stderr, this.#stderr);
    this.exited = this.#awaitExit();
    this.#child.stdin?.on("error", () => {}); // EPIPE: the program ended without reading on
    if (launch.stdin !== undefined) this.#child.stdin?.end(launch.stdin);
  }

  get pid(): number {
    if (this.#pid === undefined) throw new LabError(`${this.argv.join(" ")} ended before it had a pid`);
    return this.#pid;
  }

  get hasExited(): boolean {
    return this.#exit !== undefined;
  }

  get stdout(): string {
    return this.#stdout.toString();
  }

  get stderr(): string {
    return this.#stderr.toString();
  }

  /** Both streams, in the order they came. */
  get output(): string {
    return this.#output.toString();
  }

  /** The first match in what the program has said so far or says from now on. */
  async waitForOutput(pattern: RegExp, withinMs = 10_000): Promise<RegExpMatchArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpMatchArray>();
    const look = (): void => {
      const match = this.output.match(pattern);
      if (match) resolve(match);
      else if (this.#exit) reject(new LabError(this.#describe(`ended before it said ${pattern}`)));
    };
    this.#watchers.add(look);
    try {
      look();
      return await deadline(promise, withinMs, `waiting for ${pattern} from ${this.#name}`);
    } catch (error) {
      if (error instanceof LabError && !this.#exit) throw new LabError(this.#describe(error.message));
      throw error;
    } finally {
      this.#watchers.delete(look);
    }
  }

  kill(signal: NodeJS.Signals = "SIGKILL"): void {
    if (this.#exit || this.#pid === undefined) return;
    send(this.#pid, signal);
    if (this.#isWrapper && signal !== "SIGSTOP") send(this.#child.pid, "SIGCONT"); // see stop()
  }

  /** The end of a program that is about to end. */
  async ended(withinMs = 20_000): Promise<Exit> {
    return await deadline(this.exited, withinMs, `the end of ${this.#name}`);
  }

  /** Kills the program and whatever else runs in its process group. */
  killGroup(): void {
    if (!this.#exit && this.#child.pid !== undefined) send(-this.#child.pid, "SIGKILL");
  }

  /** Ends the program as an operator would: SIGTERM, and past the deadline SIGKILL and an error. */
  async terminate(withinMs = 20_000): Promise<Exit> {
    this.kill("SIGTERM");
    return await deadline(this.exited, withinMs, `${this.#name} after SIGTERM`, () => this.killGroup());
  }

  /** SIGSTOP: alive, its sockets open, and silent. A wrapper stops itself when its child does; both must be seen stopped,
   * else the SIGCONT that follows could reach the wrapper too early and leave it stopped for good. */
  async stop(): Promise<void> {
    await this.#reach("SIGSTOP", (state) => state === "T");
  }

  async cont(): Promise<void> {
    await this.#reach("SIGCONT", (state) => state !== "T");
  }

  closeInput(): void {
    this.#child.stdin?.end();
  }

  get #name(): string {
    return this.argv.at(this.argv.indexOf("--") + 1) ?? "";
  }

  get #isWrapper(): boolean {
    return this.#pid !== this.#child.pid;
  }

  #describe(what: string): string {
    const end = this.#exit ? ` (exit ${this.#exit.code ?? this.#exit.signal})` : "";
    return `${this.#name}: ${what}${end}\n${this.output.slice(-2_000)}`;
  }

  #capture(stream: NodeJS.ReadableStream | null, own: TextTail): void {
    stream?.setEncoding("utf8");
    stream?.on("data", (chunk: string) => {
      own.append(chunk);
      this.#output.append(chunk);
      for (const watcher of this.#watchers) watcher();
    });
  }

  /** The end of the program, with its last words read; those of a child it left behind are not waited for. */
  #awaitExit(): Promise<Exit> {
    const { promise, resolve } = Promise.withResolvers<Exit>();
    const end = (exit: Exit): void => {
      this.#exit ??= exit;
      for (const watcher of this.#watchers) watcher();
      resolve(this.#exit);
    };
    this.#child.on("exit", (code, signal) => setTimeout(end, 200, { code, signal }));
    this.#child.on("close", (code, signal) => end({ code, signal }));
    this.#child.on("error", (error) => {
      this.#stderr.append(error.message);
      end({ code: 127, signal: null });
    });
    return promise;
  }

  async #located(isWrapped: boolean): Promise<void> {
    const own = this.#child.pid;
    if (own === undefined) throw new LabError(`cannot start ${this.argv[0]}: ${this.stderr}`);
    if (!isWrapped) {
      this.#pid = own;
      return;
    }
    await eventually(
      () => {
        const [first] = read(`/proc/${own}/task/${own}/children`).split(" ");
        if (first) this.#pid = Number(first);
        return first || this.#child.exitCode !== null || this.#child.signalCode !== null;
      },
      { within: SIGNAL_DEADLINE_MS, every: 1, what: `the start of ${this.#name}` },
    );
  }

  /** Sends the signal until it has its effect: a wrapper that wakes late sends its child a SIGCONT of its own. */
  async #reach(signal: "SIGSTOP" | "SIGCONT", isReached: (state: string) => boolean): Promise<void> {
    const pids = new Set([this.#pid, this.#child.pid]);
    let sentAt = Number.NEGATIVE_INFINITY;
    await eventually(
      () => {
        if (performance.now() - sentAt > RESEND_MS) {
          this.kill(signal);
          sentAt = performance.now();
        }
        return [...pids].every((pid) =>
          isReached(read(`/proc/${pid}/stat`).split(") ").at(-1)?.charAt(0) ?? ""),
        );
      },
      { within: SIGNAL_DEADLINE_MS, every: 1, what: `a change of state of ${this.#name}` },
    );
  }
}

/** Daemons live in sbin, which a user's PATH may lack. */
export function daemonPath(): string {
  return `${process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"}:/usr/local/sbin:/usr/sbin:/sbin`;
}

function send(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, constants.signals[signal]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // it ended meanwhile
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return ""; // it ended meanwhile
  }
}
