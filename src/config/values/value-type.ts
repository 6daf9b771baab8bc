/**
 * config/values/: what a parameter's text may be. A value type turns the text of the file into a typed value and back, and says
 * in one clause what it expects. Pure; imports nothing but its own kind.
 *
 *   "500ms" ──parse──▶ { ok: true, value: 500 }     500 ──print──▶ "500ms"
 */
export interface ValueType<T> {
  /** Completes "expected …": `a port from 1 to 65535`. */
  readonly expected: string;
  /** How a REST body may give it; texts are always possible. */
  readonly json: JsonSchema;
  /** What a number counts; REST prints durations as `2000ms`, as MaxScale does. */
  readonly unit?: "ms" | "bytes";
  /** Names of other objects in the value, which must exist. */
  readonly refersTo?: readonly string[];
  /** `name =` with nothing behind it means something: an empty list. */
  readonly emptyIsValue?: true;
  parse(text: string): Parsed<T>;
  /** The shortest exact text: parse(print(value)) is the same value. */
  print(value: T): string;
}

export type Parsed<T> =
  | { readonly ok: true; readonly value: T; readonly deprecated?: Deprecation }
  | { readonly ok: false; readonly wrong: string; readonly expected?: string };

/** An old spelling that still works; `name` is what is told once, `instead` completes "write …". */
export interface Deprecation {
  readonly name: string;
  readonly instead: string;
}

export type JsonSchema = Readonly<Record<string, unknown>>;

export function parsed<T>(value: T, deprecated?: Deprecation): Parsed<T> {
  return deprecated === undefined ? { ok: true, value } : { ok: true, value, deprecated };
}

export function refused(wrong: string, expected?: string): { ok: false; wrong: string; expected?: string } {
  return expected === undefined ? { ok: false, wrong } : { ok: false, wrong, expected };
}
