/** Runs something endless until SIGINT, SIGTERM or SIGHUP; then `signal` aborts, and it may put things right before it ends. */
export async function untilInterrupted(run: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  for (const name of SIGNALS) process.on(name, stop);
  try {
    await run(controller.signal);
  } finally {
    for (const name of SIGNALS) process.off(name, stop);
  }
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
