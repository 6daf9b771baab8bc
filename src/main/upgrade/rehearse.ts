import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { SluiceError } from "../../errors/sluice-error.ts";

const MOST_OUTPUT = 1 << 20;

/** What `--check` finds. */
export interface Findings {
  /** Version and commit. */
  readonly version: string;
  /** Servers that are down to it, and why; undefined: it has asked none. */
  readonly down: Readonly<Record<string, string>> | undefined;
}

const LINE = /^sluice (.+): all is well$/m;
const DOWN = /^down: (\{.*\})$/m;

/** What `--check` prints where nothing speaks against it. */
export function printFindings({ version, down }: Findings): string {
  return `sluice ${version}: all is well\n${down === undefined ? "" : `down: ${JSON.stringify(down)}\n`}`;
}

/**
 * Has the executable at `path` look, by these arguments and `--check servers`, whether it could do the work that this program does:
 * under the account that it has by now, which may not read what root could.
 * @throws SluiceError REFUSED, with what it says against it
 */
export async function rehearse(path: string, args: readonly string[], deadlineMs: number): Promise<Findings> {
  const { end, output } = await run(path, [...args, "--check", "servers"], deadlineMs);
  const version = LINE.exec(output)?.[1];
  const down = DOWN.exec(output)?.[1];
  if (end === undefined && version !== undefined && down !== undefined)
    return { version, down: JSON.parse(down) as Record<string, string> };
  const words = output.trim();
  const what = end ?? "is no sluice that knows --check";
  throw new SluiceError("REFUSED", `${path} ${what}${words === "" ? "" : `: ${words}`}`);
}

interface Rehearsal {
  /** What went wrong; undefined: exit code 0. */
  readonly end: string | undefined;
  readonly output: string;
}

function run(path: string, args: readonly string[], deadlineMs: number): Promise<Rehearsal> {
  return new Promise((resolve) => {
    const child = start(path, args);
    if (child instanceof Error) return resolve({ end: `cannot be executed (${child.message})`, output: "" });
    let output = "";
    const settle = (end: string | undefined): void => {
      clearTimeout(timer);
      resolve({ end, output });
    };
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      settle(`did not look through the configuration within ${deadlineMs / 1000} s`);
    }, deadlineMs);
    const listen = (stream: NodeJS.ReadableStream): void => {
      stream.setEncoding("utf8");
      stream.on("data", (chunk: string) => {
        output = (output + chunk).slice(0, MOST_OUTPUT);
      });
    };
    listen(child.stdout);
    listen(child.stderr);
    child.once("error", (error) => settle(`cannot be executed (${error.message})`));
    child.once("close", (code, signal) =>
      settle(code === 0 ? undefined : `refuses (${signal ?? `exit code ${code}`})`),
    );
  });
}

/** Bun throws what Node tells by an event. */
function start(path: string, args: readonly string[]): ChildProcessByStdio<null, Readable, Readable> | Error {
  try {
    return spawn(path, [...args], { stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
