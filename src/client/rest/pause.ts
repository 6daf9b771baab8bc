import type { Clock } from "../../telemetry/clock.ts";

/** Resolves after `ms`, or when `signal` aborts. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      cancel();
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const cancel = clock.after(ms, wake);
    if (signal.aborted) wake();
    else signal.addEventListener("abort", wake);
  });
}
