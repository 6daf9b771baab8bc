import { spawn } from "node:child_process";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";

export interface ProgramEnd {
  readonly code: number | null;
  readonly output: string;
}

const MAX_OUTPUT = 16 * 1024;

/**
 * Runs a program until it ends, not until a daemon that it leaves behind lets go of its output. Rejects with IO_FAILED where it cannot be
 * started, TIMEOUT past the deadline; then it is killed.
 */
export function runProgram(
  program: string,
  args: readonly string[],
  directory: string | undefined,
  deadlineMs: number,
): Promise<ProgramEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], detached: true, cwd: directory });
    let output = "";
    const take = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-MAX_OUTPUT);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new SluiceError("TIMEOUT", `${program} did not come to an end within ${deadlineMs} ms`));
    }, deadlineMs);
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(new SluiceError("IO_FAILED", `cannot run ${program}: ${errorMessage(error)}`, { cause: error }));
    });
    child.on("exit", (code) => {
      clearTimeout(timer);
      // What it said last may still be in the pipe.
      setImmediate(() => {
        child.stdout.destroy();
        child.stderr.destroy();
        resolve({ code, output });
      });
    });
  });
}
