import { readFileSync, readlinkSync } from "node:fs";
import { givenDescriptors, loadBecomeProgram } from "./become-program.ts";

// Read by the JavaScript engine when it starts, and never again. The optimising compiler costs more memory than a health
// check will ever win back from it (docs/decisions/0012-memory.md).
const FRUGALITY = {
  /** One server, however many checks. */
  agent: {
    BUN_JSC_forceRAMSize: String(16 * 1024 * 1024),
    BUN_JSC_numberOfGCMarkers: "1",
    BUN_JSC_thresholdForJITAfterWarmUp: "5000",
    BUN_JSC_useConcurrentJIT: "0",
    BUN_JSC_useDFGJIT: "0",
  },
  /** Hundreds of servers, and probing them is work that the compiler pays for. */
  fleet: {
    BUN_JSC_forceRAMSize: String(64 * 1024 * 1024),
    BUN_JSC_numberOfGCMarkers: "1",
  },
} as const satisfies Record<string, Readonly<Record<string, string>>>;

/**
 * Makes this process a small one: replaces it with itself (the same pid, open files and arguments) under settings of the
 * engine that spare memory. Returns where that has been done, or cannot be; only the standalone executable can do it.
 */
export async function becomeFrugal(kind: keyof typeof FRUGALITY, env: NodeJS.ProcessEnv): Promise<void> {
  const settings = FRUGALITY[kind];
  const isStandalone = process.argv[1]?.startsWith("/$bunfs/") === true;
  const isDone = Object.keys(settings).every((name) => env[name] !== undefined);
  if (!isStandalone || isDone) return;
  const become = await loadBecomeProgram();
  const args = [process.argv0, ...process.argv.slice(2)];
  try {
    become({
      path: process.execPath,
      args,
      env: { ...settings, ...env },
      fds: givenDescriptors(env),
      message: undefined,
    });
  } catch {
    // it goes on as it is
  }
}

/** The environment for a process that is to be small from its first moment on. */
export function frugalEnvironment(kind: keyof typeof FRUGALITY, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...FRUGALITY[kind], ...env };
}

/** The environment for a process that is to have the engine as it comes: one that carries traffic. */
export function lavishEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const frugal = new Set(Object.values(FRUGALITY).flatMap((settings) => Object.keys(settings)));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !frugal.has(name)));
}

const MADV_DONTNEED = 4;

/**
 * Lets go of what only starting needed: garbage, and the pages of the executable's code, which stay in the page cache and
 * come back as they are used. Does nothing where it cannot.
 */
export async function forgetStarting(): Promise<void> {
  try {
    Bun.gc(true);
    const executable = readlinkSync("/proc/self/exe");
    const line = readFileSync("/proc/self/maps", "utf8")
      .split("\n")
      .find((mapping) => mapping.includes(" r-xp ") && mapping.endsWith(executable));
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) /.exec(line ?? "") ?? [];
    if (from === undefined || to === undefined) return;
    const { dlopen } = await import("bun:ffi");
    const { madvise } = dlopen("libc.so.6", {
      madvise: { args: ["u64", "u64", "int"], returns: "int" },
    }).symbols;
    const start = BigInt(`0x${from}`);
    madvise(start, BigInt(`0x${to}`) - start, MADV_DONTNEED);
  } catch {
    // it only saves memory
  }
}
