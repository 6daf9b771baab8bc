import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, fstatSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { print, printError } from "../cli/output.ts";
import { withEnvironment } from "../cli/personas/glbd/environment.ts";
import { type GlbdArguments, longForms, parseGlbdArguments } from "../cli/personas/glbd/options.ts";
import { startMessage } from "../cli/personas/glbd/start-message.ts";
import { SluiceError } from "../errors/sluice-error.ts";
import { becomeFrugal, frugalEnvironment } from "../system/frugal-runtime.ts";
import { connectionsPerProcess } from "../system/open-files.ts";
import { runDaemon } from "./daemon.ts";
import { glbdPlan, glbdStateDirectory } from "./glbd-plan.ts";
import { OWN_SCRIPT } from "./own-program.ts";
import { COMMIT, VERSION } from "./version.ts";

/** From the start of the background process until it serves. */
const START_MS = 15_000;
/** The end of the log that is shown where it did not start. */
const SHOWN_BYTES = 4096;
/** Is set in the process in the background, whose parent waits at READY_FD. */
const READY_VARIABLE = "SLUICE_GLBD_READY";
const READY_FD = 3;

/** The glbd persona: the daemon of `sluice run`, from GLB's command line. GLB knows one exit code for all that goes wrong. */
export async function glbd(args: readonly string[]): Promise<number> {
  const { env } = process;
  try {
    const parsed = parseGlbdArguments(withEnvironment(args, env));
    const isBackground = env[READY_VARIABLE] !== undefined;
    if (!isBackground && parsed?.values.daemon) return await startInBackground(parsed, args);
    if (parsed !== undefined) await becomeFrugal("fleet", env);
    if (!isBackground && (parsed === undefined || parsed.values.version)) print(version());
    if (parsed === undefined) return 0;
    if (!isBackground) greet(parsed);
    return await runDaemon(() => ({
      ...glbdPlan(parsed, env),
      log: {
        file: isBackground ? logFile(parsed) : parsed.values["log-file"],
        level: parsed.values.verbose ? "debug" : "info",
        format: "auto",
      },
      ...(isBackground ? { onStarted: tellParent } : {}),
    }));
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    printError(`glbd: ${error.message}\n`);
    return 1;
  }
}

const version = (): string => `glbd (sluice ${VERSION}, ${COMMIT})\n`;

/** What GLB prints when it starts, and what of the command line changes nothing. */
function greet(parsed: GlbdArguments): void {
  const { values, idle, watchdog } = parsed;
  print(startMessage(parsed, connectionsPerProcess()));
  for (const flag of idle) printError(`glbd: ${flag} has no effect here\n`);
  if (!values.discover || watchdog !== undefined || values["defaults-extra-file"] !== undefined) return;
  const sentence =
    "--discover needs --watchdog or --defaults-extra-file: a port does not tell who the members are";
  printError(`glbd: ${sentence}\n`);
}

/** With `-d`. */
function logFile({ values, listen }: GlbdArguments): string {
  const usual =
    process.getuid?.() === 0
      ? "/var/log/glbd.log"
      : join(glbdStateDirectory(listen.port, process.env), "glbd.log");
  return resolve(values["log-file"] ?? usual);
}

/** In the background: the parent may tell its caller that all is well. */
function tellParent(): void {
  delete process.env[READY_VARIABLE]; // what it starts has no such parent
  process.chdir("/");
  try {
    writeSync(READY_FD, "ready");
    closeSync(READY_FD);
  } catch {
    // the parent did not wait
  }
}

/** `-d`: resolves to 0 once the one in the background serves; else says why it does not. */
async function startInBackground(parsed: GlbdArguments, args: readonly string[]): Promise<number> {
  if (parsed.values.version) print(version());
  glbdPlan(parsed, process.env); // mistakes are told here, and not in the log
  greet(parsed);
  const file = logFile(parsed);
  const log = openLogFile(file);
  const before = fstatSync(log).size;
  const isExecutable = OWN_SCRIPT.length === 0;
  const own = isExecutable ? [] : [...OWN_SCRIPT, "glbd"];
  const child = spawn(process.execPath, [...own, ...backgroundArguments(args)], {
    // The name by which scripts look for it: pidof glbd.
    argv0: isExecutable ? "glbd" : process.argv0,
    detached: true,
    // Relative paths of the command line stay what they were.
    cwd: process.cwd(),
    stdio: ["ignore", log, log, "pipe"],
    env: frugalEnvironment("fleet", backgroundEnvironment(parsed)),
  });
  closeSync(log);
  const outcome = await started(child);
  if (outcome === "ready") {
    child.unref();
    return 0;
  }
  if (outcome === "late") child.kill("SIGKILL");
  printError(
    `glbd: it did not start${outcome === "late" ? ` within ${START_MS / 1000} s` : ""}; ${file} says:\n`,
  );
  printError(tail(file, before));
  return 1;
}

function started(child: ChildProcess): Promise<"ready" | "ended" | "late"> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve("late"), START_MS);
    const settle = (outcome: "ready" | "ended") => (): void => {
      clearTimeout(timer);
      resolve(outcome);
    };
    child.once("error", settle("ended"));
    child.once("exit", settle("ended"));
    child.stdio[READY_FD]?.once("data", settle("ready"));
  });
}

/** The same command line, in the foreground. A watchdog goes by the environment: its command may hold a password. */
function backgroundArguments(args: readonly string[]): readonly string[] {
  const long = longForms(args);
  return long.filter(
    (arg, i) => arg !== "--daemon" && !/^--watchdog(=|$)/.test(arg) && long[i - 1] !== "--watchdog",
  );
}

function backgroundEnvironment({ watchdog }: GlbdArguments): NodeJS.ProcessEnv {
  return {
    ...process.env,
    [READY_VARIABLE]: "1",
    ...(watchdog === undefined ? {} : { GLB_WATCHDOG: `exec:${watchdog}` }),
  };
}

function openLogFile(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, "a", 0o640);
  } catch (error) {
    throw new SluiceError("IO_FAILED", `cannot write the log file ${path}: ${(error as Error).message}`);
  }
}

/** What came to the log since, as far as it fits a screen. */
function tail(path: string, from: number): string {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const start = Math.max(from, size - SHOWN_BYTES);
    const buffer = Buffer.alloc(Math.max(0, size - start));
    return buffer.toString("utf8", 0, readSync(file, buffer, 0, buffer.length, start));
  } catch {
    return "";
  } finally {
    closeSync(file);
  }
}
