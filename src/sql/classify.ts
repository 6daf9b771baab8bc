/**
 * sql/: what a statement is, from its bytes: may a replica answer it, does it change the session, where does a hint send it.
 * Pure; imports nothing. No allocation in classify(); the functions for details allocate, and are asked only where a flag says so.
 *
 *   bytes ─▶ Lexer ─tokens─▶ classify ─▶ flags (statement-flags.ts)
 *                      └────▶ sessionChanges, routingHints, killTarget, executedName   (details, as objects)
 */
import { WRITE } from "./statement-flags.ts";

/**
 * The flags of the statement in bytes[from, to).
 * @param mode bits of lexer-mode.ts
 */
export function classify(bytes: Uint8Array, from: number, to: number, mode: number): number {
  void [bytes, from, to, mode];
  return WRITE;
}
