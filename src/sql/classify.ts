/**
 * sql/: what a statement is, from its bytes: may a replica answer it, does it change the session, where does a hint send it.
 * Pure; imports nothing. No allocation in classify(); the functions for details allocate, and are asked only where a flag says so.
 *
 *   bytes ─▶ Lexer ─tokens─▶ Scanner ─▶ statement by statement ─▶ flags (statement-flags.ts)
 *                     └────▶ sessionChanges, routingHints, killTarget, executedName   (details, as objects)
 */
import { SEMICOLON, SKIPS_UNCERTAIN } from "./lexer.ts";
import { ORACLE, PARTIAL, UNSAFE_CHARSET } from "./lexer-mode.ts";
import { careful } from "./routes.ts";
import { Scanner } from "./scanner.ts";
import { statement } from "./statement.ts";
import { HINTS, MULTI, ROUTES, SESSION } from "./statement-flags.ts";

/** What is read of a statement; one that goes on is taken for a write. */
export const SCAN_LIMIT = 256 * 1024;

const scanner = new Scanner();
const { lexer } = scanner;

/**
 * The flags of the statement, or statements, in bytes[from, to): statement-flags.ts.
 * @param mode bits of lexer-mode.ts
 */
export function classify(bytes: Uint8Array, from: number, to: number, mode: number): number {
  const isCut = to - from > SCAN_LIMIT;
  const end = isCut ? from + SCAN_LIMIT : to;
  const seen = isCut ? mode | PARTIAL : mode;
  const flags = pass(bytes, from, end, seen);
  if (lexer.uncertainComments === 0) return flags;
  // Some servers run what stands in the comment, others skip it: both must come to the same.
  const isOne = lexer.uncertainComments === 1;
  const skipped = pass(bytes, from, end, seen | SKIPS_UNCERTAIN);
  return isOne ? either(flags, skipped, scanner.isEmpty) : careful(flags | (skipped & ~HINTS));
}

function pass(bytes: Uint8Array, from: number, to: number, mode: number): number {
  scanner.open(bytes, from, to, mode);
  let flags = statement(scanner);
  if (lexer.kind === SEMICOLON) flags = several(flags);
  if (
    lexer.isUnsure ||
    (mode & ORACLE) !== 0 ||
    ((mode & UNSAFE_CHARSET) !== 0 && hasHighBytes(bytes, from, to))
  )
    flags = careful(flags);
  return flags | lexer.hint;
}

/** What is right for servers that run the comment and for those that skip it. */
function either(run: number, skipped: number, isEmptyWithout: boolean): number {
  const isSame = (run & ROUTES) === (skipped & ROUTES);
  if (isEmptyWithout || isSame) return run | (isEmptyWithout ? 0 : skipped & ~HINTS);
  return careful(run | (skipped & ~HINTS));
}

function hasHighBytes(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if ((bytes[at] as number) >= 0x80) return true;
  return false;
}

/** The statements behind the first semicolon. Together they are a session command only if all of them are. */
function several(first: number): number {
  let flags = first;
  let count = scanner.isEmpty ? 0 : 1;
  while (lexer.kind === SEMICOLON) {
    const isReadOtherwise = scanner.hasChangedMode;
    const next = statement(scanner);
    if (scanner.isEmpty) continue;
    if (isReadOtherwise) lexer.isUnsure = true;
    count++;
    if (count === 1) flags = next;
    else flags = flags & next & SESSION ? flags | next : careful(flags) | careful(next);
  }
  scanner.isEmpty = count === 0;
  return count > 1 ? flags | MULTI : flags;
}
