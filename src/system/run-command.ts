import { spawn } from "node:child_process";

/** How a command ended. 127: there is no such program. Null: it was ended because it took too long, or said too much. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of the system, with `input` on its standard input. Never rejects. */
export type RunCommand = (argv: readonly string[], input?: string) => Promise<CommandResult>;

const NOT_FOUND = 127;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
// A user's PATH often lacks where such programs are.
const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** A runner whose commands have `deadlineMs` each, and speak English. */
export function commandRunner(deadlineMs: number): RunCommand {
  return (argv, input = "") =>
    new Promise((resolve) => {
      const [program = "", ...args] = argv;
      const output = { stdout: "", stderr: "" };
      const child = spawn(program, args, { env: { PATH: SYSTEM_PATH, LC_ALL: "C" }, timeout: deadlineMs });
      for (const name of ["stdout", "stderr"] as const) {
        child[name].setEncoding("utf8");
        child[name].on("data", (chunk: string) => {
          output[name] += chunk;
          if (output[name].length > MAX_OUTPUT_BYTES) child.kill("SIGKILL");
        });
        child[name].on("error", () => {}); // told by "close"
      }
      child.stdin.on("error", () => {}); // it ended without reading on
      child.stdin.end(input);
      child.once("error", (error) => resolve({ code: NOT_FOUND, stdout: "", stderr: error.message }));
      child.once("close", (code) => resolve({ code, ...output }));
    });
}
