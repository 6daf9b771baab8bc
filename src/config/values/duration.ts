import { type Parsed, parsed, refused, type ValueType } from "./value-type.ts";

export interface DurationLimits {
  /** What a bare number means; `ms` is an old form of MaxScale and brings a warning. */
  readonly bare: "s" | "ms";
  readonly minMs?: number;
  readonly maxMs?: number;
  /** Any negative duration means "off" and reads as -1 ms. */
  readonly negativeIsOff?: true;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 };
const YEAR_MS = 366 * 24 * 3_600_000;

/** A span of time; the value is in whole milliseconds. */
export function duration(limits: DurationLimits = { bare: "s" }): ValueType<number> {
  const { minMs = 0, maxMs = YEAR_MS, negativeIsOff } = limits;
  const atLeast = minMs > 0 ? ` of at least ${printDuration(minMs)}` : "";
  const atMost = maxMs < YEAR_MS ? `${atLeast === "" ? " of" : ""} at most ${printDuration(maxMs)}` : "";
  const range = `${atLeast}${atLeast !== "" && atMost !== "" ? " and" : ""}${atMost}`;
  return {
    expected: `a duration${range}, such as 500ms, 1s, 2min or 1h`,
    json: { type: ["string", "integer"], pattern: PATTERN.source },
    unit: "ms",
    parse: (text) => {
      const found = parseDuration(text, limits.bare);
      if (!found.ok) return found;
      if (found.value < 0 && negativeIsOff) return parsed(-1);
      if (found.value < minMs) return refused("too short");
      return found.value > maxMs ? refused("too long") : found;
    },
    print: printDuration,
  };
}

const PATTERN = /^(-?\d+(?:\.\d+)?) *(ms|s|m|min|h)?$/i;

function parseDuration(text: string, bare: "s" | "ms"): Parsed<number> {
  const [, digits, unit] = PATTERN.exec(text) ?? [];
  if (digits === undefined) return refused("not a duration");
  const exact = Number(digits) * (UNITS[(unit ?? bare).toLowerCase()] ?? Number.NaN);
  const ms = Math.round(exact) + 0; // never -0
  // 1.1min is 66000.00000000001 in floating point.
  if (!Number.isSafeInteger(ms) || Math.abs(exact - ms) > 1e-6)
    return refused("not a whole number of milliseconds");
  if (unit !== undefined || bare === "s" || ms === 0) return parsed(ms);
  return parsed(ms, { name: "a number without unit", instead: `${ms}ms, or the unit that was meant` });
}

/** `1500ms`, `1s`, `2min`, `1h`: the largest unit that is exact. */
function printDuration(ms: number): string {
  if (ms !== 0 && ms % 3_600_000 === 0) return `${ms / 3_600_000}h`;
  if (ms !== 0 && ms % 60_000 === 0) return `${ms / 60_000}min`;
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}
