/**
 * render/reload/: a new configuration into service, without a connection refused or reset; the old one back where it fails.
 *
 *   NEW ─haproxy -c, bind─▶ swap the file ─▶ start ─┬─ master-worker: SIGUSR2, the sockets are passed on
 *                                             ├─ expose-fd: a second process fetches them over the runtime socket (-x)
 *                                             ├─ reuseport: a second process binds beside the first
 *                                             └─ noreuseport: -sf, which pauses the first (SIGTTOU) and resumes it (SIGTTIN)
 *                        └─ it listens and answers? ─no─▶ old file back, old process resumed
 */
import { existsSync, linkSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import { RuntimeSocket } from "../../publish/haproxy-socket/runtime-socket.ts";
import { writeFileAtomically } from "../../system/atomic-file.ts";
import {
  environmentOf,
  type ListeningAddress,
  listeningAddresses,
  processesCalled,
} from "./process-table.ts";
import { rehearseBinds } from "./rehearse-binds.ts";
import { runProgram } from "./run-program.ts";
import { findHaproxy, type RunningHaproxy, workersOf } from "./running-haproxy.ts";

export interface ReloadOptions {
  /** The new configuration. */
  readonly config: string;
  /** The file it replaces; undefined: the only one that HAProxy was started with. */
  readonly into: string | undefined;
  readonly pidFile: string | undefined;
  /** For the new process to listen and answer, ms. */
  readonly timeoutMs: number;
}

export interface ReloadReport {
  readonly method: Method["kind"];
  /** The file that was replaced. */
  readonly file: string;
  /** Where its former text is. */
  readonly backup: string;
  readonly before: readonly number[];
  readonly serving: readonly number[];
}

const POLL_MS = 20;
const CONNECT_MS = 1000;

/** Throws HAPROXY_REFUSED where the new configuration is wrong or does not start; the old one serves then as before. */
export async function reloadHaproxy(options: ReloadOptions): Promise<ReloadReport> {
  const running = findHaproxy(options.pidFile);
  const file = replacedFile(running, options);
  const text = readText(options.config);
  const before = readText(file);
  await validate(running, file, options);
  await rehearseBinds(
    text,
    running.serving.flatMap((pid) => listeningAddresses(pid)),
  );
  const mode = statSync(file).mode & 0o7777;
  const backup = `${file}.bak`;
  writeFileAtomically(backup, before, mode);
  writeFileAtomically(file, text, mode);
  const method = methodFor(running, before);
  try {
    const serving = await start(running, method, options.timeoutMs);
    await verify(serving, runtimeSocketOf(text), options.timeoutMs);
    return { method: method.kind, file, backup, before: running.serving, serving };
  } catch (error) {
    writeFileAtomically(file, before, mode);
    await resume(running, method, options);
    throw new SluiceError(
      "HAPROXY_REFUSED",
      `${options.config} does not get into service, and the old configuration is back: ${errorMessage(error)}`,
      { cause: error },
    );
  }
}

function replacedFile({ files }: RunningHaproxy, { into, config }: ReloadOptions): string {
  const [only, ...more] = files;
  if (only === undefined)
    throw new SluiceError("USAGE", "HAProxy was started without -f FILE; --into names its configuration");
  if (into === undefined && more.length > 0) {
    throw new SluiceError(
      "USAGE",
      `HAProxy has several configuration files; --into names the one to replace: ${files.join(", ")}`,
    );
  }
  const file = into === undefined ? only : resolve(into);
  if (!files.includes(file)) {
    throw new SluiceError("USAGE", `--into ${file}: HAProxy was started with ${files.join(", ")}`);
  }
  if (existsSync(config) && statSync(config).ino === statSync(file).ino) {
    throw new SluiceError(
      "USAGE",
      `${config} is the file in use: the old text would be lost. Put the new one beside it, and name that`,
    );
  }
  return file;
}

async function validate(
  running: RunningHaproxy,
  file: string,
  { config, timeoutMs }: ReloadOptions,
): Promise<void> {
  const files = running.files.flatMap((one) => ["-f", one === file ? resolve(config) : one]);
  const { code, output } = await runProgram(
    running.executable,
    ["-c", ...files],
    running.directory,
    timeoutMs,
  );
  if (code === 0) return;
  throw new SluiceError(
    "HAPROXY_REFUSED",
    `${config} is wrong, and nothing was changed: ${alertsIn(output)}`,
  );
}

type Method =
  | { readonly kind: "master-worker" }
  | { readonly kind: "expose-fd"; readonly socket: string }
  | { readonly kind: "reuseport" | "noreuseport"; readonly socket: string | undefined };

function methodFor(running: RunningHaproxy, text: string): Method {
  if (running.isMaster) return { kind: "master-worker" };
  const socket = runtimeSocketOf(text);
  if (socket?.hasListeners === true) return { kind: "expose-fd", socket: socket.path };
  return { kind: /^\s*noreuseport\b/m.test(text) ? "noreuseport" : "reuseport", socket: socket?.path };
}

interface ConfiguredSocket {
  readonly path: string;
  readonly hasListeners: boolean;
}

/** The first unix socket of `stats socket`, one that passes listeners on before others. */
function runtimeSocketOf(text: string): ConfiguredSocket | undefined {
  const sockets = Array.from(
    text.matchAll(/^\s*stats\s+socket\s+(?:unix@)?(\/\S+)(.*)$/gm),
    ([, path = "", rest = ""]) => ({
      path,
      hasListeners: /\bexpose-fd\s+listeners\b/.test(rest),
    }),
  );
  return sockets.find(({ hasListeners }) => hasListeners) ?? sockets[0];
}

/** Resolves to the processes that serve now. */
async function start(running: RunningHaproxy, method: Method, timeoutMs: number): Promise<readonly number[]> {
  return method.kind === "master-worker"
    ? await signalMaster(running.pid, timeoutMs)
    : await startBeside(running, running.serving, method, timeoutMs);
}

async function signalMaster(master: number, timeoutMs: number): Promise<readonly number[]> {
  const old = workersOf(master);
  const { reloads } = masterState(master);
  process.kill(master, "SIGUSR2");
  return await until(timeoutMs, "no new worker listens", () => {
    const fresh = workersOf(master).filter((pid) => !old.includes(pid) && listeningAddresses(pid).length > 0);
    if (fresh.length > 0) return fresh;
    const state = masterState(master);
    if (state.hasFailed && state.reloads > reloads) {
      throw new SluiceError("HAPROXY_REFUSED", "the master could not start it; HAProxy's log says why");
    }
    return undefined;
  });
}

/**
 * What HAProxy tells itself through its environment each time the master replaces itself (2.6 tried): how many reloads there were, and,
 * once it only waits for its workers, whether the last one failed. Elsewhere the deadline tells.
 */
function masterState(master: number): { readonly reloads: number; readonly hasFailed: boolean } {
  const processes = environmentOf(master, "HAPROXY_PROCESSES") ?? "";
  const entry = processes.split("|").find((one) => one.startsWith("type=m;")) ?? "";
  const count = (name: string): number => Number(new RegExp(`;${name}=(\\d+);`).exec(entry)?.[1] ?? 0);
  const isWaiting = environmentOf(master, "HAPROXY_MWORKER_WAIT_ONLY") !== undefined;
  return { reloads: count("reloads"), hasFailed: isWaiting && count("failedreloads") > 0 };
}

/**
 * The old process is told to end only once the new one serves: with -sf a new one that cannot bind pauses the old one for the two
 * seconds that it tries, and clients are refused meanwhile. Only where the two cannot listen beside each other there is no other way.
 */
async function startBeside(
  running: RunningHaproxy,
  replaced: readonly number[],
  method: Exclude<Method, { kind: "master-worker" }>,
  timeoutMs: number,
): Promise<readonly number[]> {
  const takeover = method.kind === "expose-fd" ? ["-x", method.socket] : [];
  const farewell = method.kind === "noreuseport" ? ["-sf", ...replaced.map(String)] : [];
  const daemon = running.arguments.includes("-D") ? [] : ["-D"];
  const args = [...running.arguments, ...daemon, ...takeover, ...farewell];
  const present = new Set(processesCalled("haproxy").map(({ pid }) => pid));
  const keeper = keepSocket(method.socket);
  const { code, output } = await runProgram(running.executable, args, running.directory, timeoutMs);
  if (code !== 0) {
    keeper.restore();
    throw new SluiceError("HAPROXY_REFUSED", alertsIn(output));
  }
  keeper.forget();
  const serving = await until(timeoutMs, "the new process does not listen", () => {
    const fresh = processesCalled("haproxy").flatMap(({ pid }) =>
      !present.has(pid) && listeningAddresses(pid).length > 0 ? [pid] : [],
    );
    return fresh.length > 0 ? fresh : undefined;
  });
  for (const pid of replaced) trySignal(pid, "SIGUSR1");
  return serving;
}

/** A process that fails in its start has replaced the socket's file by then: a second name keeps the old one's. */
function keepSocket(path: string | undefined): { restore(): void; forget(): void } {
  const none = { restore: () => {}, forget: () => {} };
  if (path === undefined || !existsSync(path)) return none;
  const kept = `${path}.sluice-kept`;
  try {
    rmSync(kept, { force: true });
    linkSync(path, kept);
  } catch {
    return none;
  }
  return { restore: () => renameSync(kept, path), forget: () => rmSync(kept, { force: true }) };
}

/** It listens, each address takes a connection, and its runtime socket answers. */
async function verify(
  serving: readonly number[],
  socket: ConfiguredSocket | undefined,
  timeoutMs: number,
): Promise<void> {
  for (const address of serving.flatMap((pid) => listeningAddresses(pid))) await tryConnection(address);
  if (socket === undefined) return;
  const runtime = new RuntimeSocket({ kind: "socket", path: socket.path }, CONNECT_MS);
  await until(timeoutMs, `${socket.path} is not answered by the new process`, async () => {
    const info = await runtime.ask("show info").catch(() => "");
    const pid = Number(/^Pid: (\d+)$/m.exec(info)?.[1]);
    return serving.includes(pid) ? true : undefined;
  });
}

function tryConnection({ host, port }: ListeningAddress): Promise<void> {
  const loopback = host === "0.0.0.0" ? "127.0.0.1" : /^[0:]+$/.test(host) ? "::1" : host;
  return new Promise((done, reject) => {
    const fail = (why: string): void => {
      socket.destroy();
      reject(
        new SluiceError(
          "HAPROXY_REFUSED",
          `the new process takes no connection on ${loopback} port ${port}: ${why}`,
        ),
      );
    };
    const socket = connect({ host: loopback, port }, () => {
      socket.destroy();
      done();
    });
    socket.setTimeout(CONNECT_MS, () => fail("no answer"));
    socket.on("error", (error) => fail(errorMessage(error)));
  });
}

/** The old file is back; now whoever does not serve by it is made to. */
async function resume(running: RunningHaproxy, method: Method, { timeoutMs }: ReloadOptions): Promise<void> {
  if (method.kind === "master-worker") {
    await signalMaster(running.pid, timeoutMs);
    return;
  }
  // Where a start with -sf failed, HAProxy has sent this already; it does no harm twice.
  for (const pid of running.serving) trySignal(pid, "SIGTTIN");
  await wait(POLL_MS);
  const started = processesCalled("haproxy").filter(({ pid }) => !running.serving.includes(pid));
  const successors = started.flatMap(({ pid }) => (listeningAddresses(pid).length > 0 ? [pid] : []));
  // The new one had taken over before it failed the last test: it is replaced in its turn.
  if (successors.length > 0) await startBeside(running, successors, method, timeoutMs);
}

function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it is gone
  }
}

async function until<T>(
  timeoutMs: number,
  otherwise: string,
  condition: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined) return value;
    if (performance.now() > deadline)
      throw new SluiceError("HAPROXY_REFUSED", `${otherwise} after ${timeoutMs} ms`);
    await wait(POLL_MS);
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new SluiceError("IO_FAILED", `cannot read ${path}: ${errorMessage(cause)}`, { cause });
  }
}

/** HAProxy's complaints, without what it says besides. */
function alertsIn(output: string): string {
  const alerts = output.split("\n").flatMap((line) => /^\[ALERT\]\s+\(\d+\) : (.*)$/.exec(line)?.[1] ?? []);
  return alerts.length === 0 ? output.trim().replace(/\s+/g, " ").slice(-500) : alerts.slice(0, 5).join("; ");
}
