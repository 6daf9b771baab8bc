import type { SessionChange } from "./session-change.ts";

/** What a statement with one of SESSION, SET, USE, PREPARE_TEXT, DEALLOCATE_TEXT changes, in order. */
export function sessionChanges(bytes: Uint8Array, from: number, to: number, mode: number): readonly SessionChange[] {
  void [bytes, from, to, mode];
  return [];
}

/** The prepared statement that an EXECUTE runs; in lower case, as the names are without case. */
export function executedName(bytes: Uint8Array, from: number, to: number, mode: number): string | undefined {
  void [bytes, from, to, mode];
  return undefined;
}
