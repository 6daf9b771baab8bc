import { type ChildProcess, spawn } from "node:child_process";
import { errorMessage } from "../../errors/sluice-error.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { OutputLines } from "./output-lines.ts";

/** From SIGTERM to SIGKILL, and from SIGKILL to giving the process up, ms. */
const GRACE_MS = 2000;

/**
 * Runs its arguments as one process group that ends with us, also if we are killed -9: the watcher in it reads a pipe
 * whose other end is ours. The subtleties:
 * - `exec`, because a bare "$@" could be something that the shell knows by itself (eval), and no command.
 * - `cat`, because our pipes are sockets, and a script that opens /dev/stderr needs a real one. It outlives SIGTERM, so
 *   that what a script says while it cleans up is heard.
 * - After SIGTERM the shell stays until SIGKILL: as long as it is there, the number of the group is no other's.
 */
const GUARD = `
exec 3<&0 </dev/null 4>&1 2>/dev/null
trap late=1 TERM
(trap "" TERM HUP INT; read -r _ <&3; kill -s KILL 0) >/dev/null 4>&- &
code=$({ { (exec "$@" 3<&- 4>&- 5>&-) 2>&1; echo $? >&5; } | (trap "" TERM; exec cat) >&4 5>&-; } 5>&1)
[ -z "$late" ] || wait
kill -s KILL $!; wait
exit $code`;

export type ScriptOutcome =
  /** 126 and 127: it cannot be run or is not there; 128 + n: it ended by signal n. */
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "timed out" }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly reason: string };

export interface ScriptProcessOptions {
  readonly timeoutMs: number;
  readonly output: OutputLines;
  readonly clock: Clock;
  /** Where commands are looked up: the only variable that a script inherits. */
  readonly path: string;
}

/**
 * One run of a script. It has ended when the process has and nobody it left behind holds its output any more. Past the
 * deadline its whole process group gets SIGTERM, and SIGKILL soon after.
 */
export class ScriptProcess {
  /** Never rejects. */
  readonly ended: Promise<ScriptOutcome>;
  readonly #clock: Clock;
  readonly #resolve: (outcome: ScriptOutcome) => void;
  /** Undefined once it has ended: its number may be another's by then. */
  #child: ChildProcess | undefined;
  #cancelTimer: () => void = () => {};
  /** Why it is being ended. */
  #reason: "timed out" | "stopped" | undefined;

  constructor(words: readonly string[], options: ScriptProcessOptions) {
    const { promise, resolve } = Promise.withResolvers<ScriptOutcome>();
    this.ended = promise;
    this.#resolve = resolve;
    this.#clock = options.clock;
    try {
      this.#start(words, options);
    } catch (error) {
      this.#end({ kind: "failed", reason: errorMessage(error) });
    }
  }

  /** Kills the process group at once. */
  stop(): void {
    if (this.#child === undefined) return;
    this.#reason ??= "stopped";
    this.#kill(this.#reason);
  }

  #start(words: readonly string[], { timeoutMs, output, path }: ScriptProcessOptions): void {
    const child = spawn("/bin/sh", ["-c", GUARD, "sh", ...words], {
      detached: true,
      cwd: "/",
      env: { PATH: path },
      stdio: ["pipe", "pipe", "ignore"],
    });
    this.#child = child;
    child.stdin.on("error", () => {}); // it is only there to be closed
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (chunk: string) => output.write(chunk));
    child.stdout.on("error", () => {}); // told by "close"
    child.once("error", (error) => this.#end({ kind: "failed", reason: errorMessage(error) }));
    child.once("close", (code, signal) => {
      if (this.#reason !== undefined) this.#end({ kind: this.#reason });
      else if (code !== null) this.#end({ kind: "exited", code });
      else this.#end({ kind: "failed", reason: `ended by ${signal}` });
    });
    this.#cancelTimer = this.#clock.after(timeoutMs, () => this.#terminate());
  }

  #terminate(): void {
    this.#reason = "timed out";
    this.#signal("SIGTERM");
    this.#cancelTimer = this.#clock.after(GRACE_MS, () => this.#kill("timed out"));
  }

  #kill(reason: "timed out" | "stopped"): void {
    this.#signal("SIGKILL");
    this.#cancelTimer();
    // What SIGKILL does not end hangs in the kernel: nobody waits for it.
    this.#cancelTimer = this.#clock.after(GRACE_MS, () => this.#end({ kind: reason }));
  }

  #signal(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // The group has ended meanwhile.
    }
  }

  #end(outcome: ScriptOutcome): void {
    this.#cancelTimer();
    for (const stream of this.#child?.stdio ?? []) stream?.destroy();
    this.#child = undefined;
    this.#resolve(outcome);
  }
}
