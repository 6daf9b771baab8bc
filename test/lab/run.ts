import { deadline } from "./deadline.ts";
import { LabError } from "./lab-error.ts";
import { type Exit, type Launch, Process } from "./process.ts";

export interface RunOptions extends Launch {
  /** Past it the command and its process group are killed, ms. Default 10 s. */
  readonly timeoutMs?: number;
  /** The caller looks at the exit code itself; without it, a command that fails throws. */
  readonly mayFail?: boolean;
}

export interface RunResult extends Exit {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, which comes by the deadline at the latest. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const process = await Process.start(argv, options);
  const command = argv.slice(argv.indexOf("--") + 1).join(" ");
  const exit = await deadline(process.exited, options.timeoutMs ?? 10_000, command, () =>
    process.killGroup(),
  );
  const result = { ...exit, stdout: process.stdout, stderr: process.stderr };
  if (exit.code !== 0 && !options.mayFail) {
    const end = exit.code === null ? `was ended by ${exit.signal}` : `ended with ${exit.code}`;
    throw new LabError(`${command} ${end}: ${(result.stderr || result.stdout).trim()}`);
  }
  return result;
}
