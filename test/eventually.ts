/** What a condition may return to say "not yet". */
type NotYet = false | null | undefined;

/**
 * Asks again until `condition` neither throws nor returns false, null or undefined, and hands back what it returned.
 * Past the deadline it throws, naming what the condition said last. This is how tests wait: they never sleep.
 * @param within deadline, ms (a generous one: it is reached only by failure)
 * @param every pause between two tries, ms
 */
export async function eventually<T>(
  condition: () => T | NotYet | Promise<T | NotYet>,
  { within = 10_000, every = 20, what = "the condition" } = {},
): Promise<T> {
  const deadline = performance.now() + within;
  for (;;) {
    let last: unknown;
    try {
      const value = await condition();
      if (value !== false && value !== null && value !== undefined) return value;
      last = `it returned ${String(value)}`;
    } catch (error) {
      last = error;
    }
    if (performance.now() >= deadline) {
      const reason = last instanceof Error ? last.message : String(last);
      throw new Error(`${what} did not come true within ${within} ms; last time: ${reason}`, { cause: last });
    }
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}
