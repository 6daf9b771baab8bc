import { closeSync, readFileSync, writeFileSync } from "node:fs";
import { SluiceError } from "../errors/sluice-error.ts";
import { type Libc, libc } from "./libc.ts";

export interface NextProgram {
  readonly path: string;
  /** With argv[0]. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Descriptors that it gets besides 0, 1 and 2. */
  readonly fds: readonly number[];
  /** What receiveMessage() tells it; undefined: nothing, or what this program has been told and not received. */
  readonly message: string | undefined;
}

export type BecomeProgram = (next: NextProgram) => never;

/** Names descriptors with commas: that of the message, then `fds`. */
const VARIABLE = "SLUICE_SUCCESSION";
/** systemd's: sd_listen_fds(3). */
const FIRST_LISTEN_FD = 3;

const F_SETFD = 2;
const FD_CLOEXEC = 1;
const SIG_IGN = 1n;
const SIGHUP = 1;
const SIGUSR2 = 12;

/**
 * Resolves to execve(2): this process goes on as another program, with its pid, its children and some of its descriptors. It throws
 * IO_FAILED where the program cannot be executed, and nothing has changed then. (process.execve ends the process then, and closes every
 * descriptor, systemd's included.)
 * Nothing is waited for in it, so it may be called in the last moment of a process, too.
 */
export async function loadBecomeProgram(): Promise<BecomeProgram> {
  const calls = await libc();
  return (next) => become(calls, next);
}

/** What the program that this process was before has left; undefined: it was none of ours. Can be had once. */
export function receiveMessage(env: NodeJS.ProcessEnv): string | undefined {
  const file = env[VARIABLE]?.split(",", 1)[0];
  delete env[VARIABLE];
  if (file === undefined) return undefined;
  const message = readFileSync(`/proc/self/fd/${file}`, "utf8");
  closeSync(Number(file));
  return message;
}

/** Descriptors that this process was given and has not received yet. The runtime has had them closed on exec since it started. */
export function givenDescriptors(env: NodeJS.ProcessEnv): readonly number[] {
  const { LISTEN_PID: pid, LISTEN_FDS: count = "0", [VARIABLE]: named } = env;
  const systemds =
    Number(pid) === process.pid ? Array.from({ length: Number(count) }, (_, i) => FIRST_LISTEN_FD + i) : [];
  return [...systemds, ...(named?.split(",").map(Number) ?? [])];
}

function become(calls: Libc, { path, args, env, fds, message }: NextProgram): never {
  const file = message === undefined ? undefined : writeMessage(calls, message);
  const variables = file === undefined ? env : { ...env, [VARIABLE]: [file, ...fds].join(",") };
  const texts = Object.entries(variables).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
  const program = cString(path);
  const argv = new StringArray(calls, args);
  const envp = new StringArray(calls, texts);
  // Until the program has handlers of its own these would end it; what is ignored stays so.
  const before = [SIGHUP, SIGUSR2].map((signal) => [signal, calls.signal(signal, SIG_IGN)] as const);
  for (const fd of fds) calls.fcntl(fd, F_SETFD, 0);
  calls.execve(calls.ptr(program), calls.ptr(argv.pointers), calls.ptr(envp.pointers));
  const errno = calls.errno();
  if (file !== undefined) closeSync(file);
  for (const fd of fds) calls.fcntl(fd, F_SETFD, FD_CLOEXEC);
  for (const [signal, handler] of before) calls.signal(signal, handler);
  throw new SluiceError("IO_FAILED", `cannot execute ${path}: error ${errno} of the system`);
}

/** A file in memory, without a name: it may be long, and is nobody else's business. */
function writeMessage(calls: Libc, message: string): number {
  const file = calls.memfd_create(calls.ptr(cString("sluice-succession")), 0);
  if (file < 0)
    throw new SluiceError(
      "IO_FAILED",
      `there is no room for a message: error ${calls.errno()} of the system`,
    );
  writeFileSync(file, message);
  return file;
}

/** A null-terminated array of C strings; both live as long as this object. */
class StringArray {
  readonly pointers: BigUint64Array;
  readonly strings: readonly Buffer[];

  constructor({ ptr }: Libc, texts: readonly string[]) {
    this.strings = texts.map(cString);
    this.pointers = new BigUint64Array([...this.strings.map((string) => BigInt(ptr(string))), 0n]);
  }
}

/** Empty buffers have no address, so there is always the final NUL. */
const cString = (text: string): Buffer => Buffer.from(`${text}\0`);
