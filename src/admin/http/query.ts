import { SluiceError } from "../../errors/sluice-error.ts";
import type { Query } from "./route.ts";

const TRUE: ReadonlySet<string> = new Set(["yes", "true", "on", "1"]);
const MAX_PARTS = 100;

/** Reads the part of a URL behind the `?`. Throws REQUEST_INVALID for what cannot be decoded. */
export function parseQuery(text: string): Query {
  const raw = text.split("&").filter((part) => part !== "");
  if (raw.length > MAX_PARTS)
    throw new SluiceError("REQUEST_INVALID", `more than ${MAX_PARTS} query parameters`);
  const parts = raw.map(decode);
  const values = new Map(
    raw.map((part): [string, string] => {
      const equals = part.indexOf("=");
      return equals < 0
        ? [decode(part), ""]
        : [decode(part.slice(0, equals)), decode(part.slice(equals + 1))];
    }),
  );
  return Object.freeze({
    parts,
    get: (name: string) => values.get(name),
    isSet: (name: string) => TRUE.has((values.get(name) ?? "").toLowerCase()),
  });
}

/** A whole number from `min` to `max`; `fallback` where the query does not have it. Throws REQUEST_INVALID. */
export function numberIn(query: Query, name: string, min: number, max: number, fallback: number): number {
  const text = query.get(name);
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (/^\d{1,15}$/.test(text) && value >= min && value <= max) return value;
  throw new SluiceError(
    "REQUEST_INVALID",
    `${name}: found ${text}; expected a whole number from ${min} to ${max}`,
  );
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw new SluiceError("REQUEST_INVALID", `the query cannot be decoded: ${text}`);
  }
}
