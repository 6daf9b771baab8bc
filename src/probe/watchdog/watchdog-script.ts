import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import type { Clock } from "../../telemetry/clock.ts";

/** As long as GLB reads. */
const MAX_LINE = 4096;
const MAX_COMPLAINT = 200;
const QUIT_MS = 500;

/**
 * A watchdog program of GLB's `exec:` kind, which lives as long as it answers: each line `poll` on its standard input is answered
 * by one line on its standard output, `quit` or the end of the input ends it.
 */
export class WatchdogScript {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #clock: Clock;
  #output = "";
  #complaint = "";
  #end: string | undefined;
  #settle: (() => void) | undefined;

  /** @param commandLine for the shell @throws what spawn() throws */
  constructor(commandLine: string, env: NodeJS.ProcessEnv, clock: Clock) {
    this.#clock = clock;
    // A group of its own, so that what it has started ends with it.
    const child = spawn("/bin/sh", ["-c", commandLine], { detached: true, env, stdio: "pipe" });
    this.#child = child;
    child.stdin.on("error", () => {}); // told by its end
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8");
    child.stdout.on("data", (chunk: string) => {
      this.#output += chunk;
      this.#settle?.();
    });
    child.stderr.on("data", (chunk: string) => {
      this.#complaint = `${this.#complaint}${chunk}`.slice(-MAX_COMPLAINT);
    });
    child.once("error", (error) => this.#ended(error.message));
    child.once("close", (code, signal) => this.#ended(signal ?? `exit code ${code}`));
  }

  /** The answer to one poll, without its end of line; rejects with why there is none. One poll at a time. */
  poll(deadlineMs: number): Promise<string> {
    this.#output = "";
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        const end = this.#output.indexOf("\n");
        if (end >= 0) resolve(this.#output.slice(0, end));
        else if (this.#end !== undefined) reject(new Error(this.#reason(`it ended (${this.#end})`)));
        else if (this.#output.length > MAX_LINE)
          reject(new Error(`a line of more than ${MAX_LINE} characters`));
        else return;
        cancel();
        this.#settle = undefined;
      };
      const cancel = this.#clock.after(deadlineMs, () => {
        this.#settle = undefined;
        reject(new Error(this.#reason(`no answer within ${deadlineMs} ms`)));
      });
      this.#settle = settle;
      this.#child.stdin.write("poll\n");
      settle();
    });
  }

  /** Asks it to end, and sees to it that it does. */
  quit(): void {
    if (this.#end !== undefined) return;
    this.#child.stdin.end("quit\n");
    const cancel = this.#clock.after(QUIT_MS, () => this.kill());
    this.#child.once("close", cancel);
  }

  /** Ends it and all that it has started. */
  kill(): void {
    const { pid } = this.#child;
    if (pid === undefined || this.#end !== undefined) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // it has ended meanwhile
    }
  }

  #ended(how: string): void {
    this.#end ??= how;
    this.#settle?.();
  }

  #reason(what: string): string {
    const said = this.#complaint.trim().split("\n").at(-1) ?? "";
    return said === "" ? what : `${what}: ${said}`;
  }
}
