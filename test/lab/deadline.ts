import { LabError } from "./lab-error.ts";

/** The promise's outcome, or a LabError once `withinMs` have passed; `onLate` then ends what is still going on. */
export async function deadline<T>(
  promise: Promise<T>,
  withinMs: number,
  what: string,
  onLate?: () => void,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      onLate?.();
      reject(new LabError(`${what}: nothing within ${withinMs} ms`));
    }, withinMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
    promise.catch(() => {}); // it lost the race; its failure is no longer news
  }
}
