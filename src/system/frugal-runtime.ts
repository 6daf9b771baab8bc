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
export function becomeFrugal(kind: keyof typeof FRUGALITY, env: NodeJS.ProcessEnv): void {
  const settings = FRUGALITY[kind];
  const isStandalone = process.argv[1]?.startsWith("/$bunfs/") === true;
  const isDone = Object.keys(settings).every((name) => env[name] !== undefined);
  if (!isStandalone || isDone || process.execve === undefined) return;
  const present = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  process.execve(process.execPath, [process.argv0, ...process.argv.slice(2)], {
    ...settings,
    ...Object.fromEntries(present),
  });
}
