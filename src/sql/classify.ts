/**
 * sql/: what a statement is, from its bytes: may a replica answer it, does it change the session, where does a hint send it.
 * Pure; imports nothing. No allocation in classify(); the functions for details allocate, and are asked only where a flag says so.
 *
 *   bytes ─▶ Lexer ─tokens─▶ Scanner ─▶ statement by statement ─▶ flags (statement-flags.ts)
 *                     └────▶ sessionChanges, routingHints, killTarget, executedName   (details, as objects)
 */
import { definition, dropStatement } from "./definition-statement.ts";
import { TRAITS, W } from "./known-words.ts";
import { END, OPEN, SEMICOLON, SKIPS_UNCERTAIN, WORD } from "./lexer.ts";
import { ORACLE, PARTIAL, UNSAFE_CHARSET } from "./lexer-mode.ts";
import { executeStatement, prepareStatement } from "./prepared-statement.ts";
import {
  callStatement,
  flushStatement,
  handlerStatement,
  loadStatement,
  withOutVariables,
} from "./primary-statement.ts";
import { analyzeStatement, parenthesized, readStatement, showStatement } from "./read-statement.ts";
import { Scanner } from "./scanner.ts";
import { demoteSession, setStatement, setStatementPrelude } from "./set-statement.ts";
import {
  COMMIT,
  DEALLOCATE_TEXT,
  HELD,
  HINTS,
  IMPLICIT_COMMIT,
  KILL,
  LOCK_TABLES,
  MULTI,
  OPAQUE,
  READ,
  ROLLBACK,
  ROUTES,
  SESSION,
  UNLOCK_TABLES,
  USE,
  WRITE,
} from "./statement-flags.ts";
import { beginStatement, endTransaction, startStatement, xaStatement } from "./transaction-statement.ts";

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
  let flags = statement();
  if (lexer.kind === SEMICOLON) flags = several(flags);
  if (
    lexer.isUnsure ||
    (mode & ORACLE) !== 0 ||
    ((mode & UNSAFE_CHARSET) !== 0 && hasHighBytes(bytes, from, to))
  )
    flags = careful(flags);
  return flags | lexer.hint;
}

/** The route that is right whatever the statement is. */
function careful(flags: number): number {
  return flags & SESSION ? demoteSession(flags) : (flags & ~ROUTES) | WRITE;
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
    const next = statement();
    if (scanner.isEmpty) continue;
    if (isReadOtherwise) lexer.isUnsure = true;
    count++;
    if (count === 1) flags = next;
    else flags = flags & next & SESSION ? flags | next : careful(flags) | careful(next);
  }
  return count > 1 ? flags | MULTI : flags;
}

/** One statement, to its end or semicolon. */
function statement(): number {
  const kind = lexer.next();
  scanner.isEmpty = kind === END || kind === SEMICOLON;
  if (scanner.isEmpty) return READ;
  if (kind === OPEN) return parenthesized(scanner);
  const handler = kind === WORD ? HANDLERS[lexer.word] : undefined;
  return handler === undefined ? scanner.scanWrite() : handler(scanner);
}

type Handler = (scanner: Scanner) => number;

/** Statements of code: what they run, semicolons and all, is not looked at. */
function compound(): number {
  lexer.skipAll();
  return WRITE | OPAQUE;
}

/** SET, and SET STATEMENT … FOR a statement. */
function anySet(): number {
  lexer.next();
  if (lexer.word !== W.STATEMENT) return setStatement(scanner);
  const settings = setStatementPrelude(scanner);
  const flags = statement();
  scanner.isEmpty = false;
  return settings & WRITE || (flags & READ) === 0 ? careful(settings | flags) : settings | flags;
}

const also =
  (flags: number): Handler =>
  () =>
    scanner.scanWrite() | flags;

const session =
  (flags: number): Handler =>
  () => {
    scanner.scanWrite();
    return SESSION | flags;
  };

/** By the first word; what is not here is a write. */
const VERBS: Partial<Record<keyof typeof W, Handler>> = {
  SELECT: readStatement,
  WITH: readStatement,
  VALUES: readStatement,
  TABLE: readStatement,
  EXPLAIN: readStatement,
  DESCRIBE: readStatement,
  DESC: readStatement,
  HELP: readStatement,
  ANALYZE: analyzeStatement,
  SHOW: showStatement,

  SET: anySet,
  USE: session(USE),
  PREPARE: prepareStatement,
  EXECUTE: executeStatement,
  DEALLOCATE: session(DEALLOCATE_TEXT),

  BEGIN: beginStatement,
  START: startStatement,
  COMMIT: (on) => endTransaction(on, COMMIT),
  ROLLBACK: (on) => endTransaction(on, ROLLBACK),
  XA: xaStatement,

  CREATE: definition,
  ALTER: definition,
  DROP: dropStatement,
  RENAME: also(IMPLICIT_COMMIT),
  TRUNCATE: also(IMPLICIT_COMMIT),
  GRANT: also(IMPLICIT_COMMIT),
  REVOKE: also(IMPLICIT_COMMIT),
  OPTIMIZE: also(IMPLICIT_COMMIT),
  REPAIR: also(IMPLICIT_COMMIT),
  CHECK: also(IMPLICIT_COMMIT),
  CACHE: also(IMPLICIT_COMMIT),
  INSTALL: also(IMPLICIT_COMMIT),
  UNINSTALL: also(IMPLICIT_COMMIT),
  RESET: also(IMPLICIT_COMMIT),
  STOP: also(IMPLICIT_COMMIT),
  CHANGE: also(IMPLICIT_COMMIT),
  FLUSH: flushStatement,

  LOCK: also(LOCK_TABLES | IMPLICIT_COMMIT | HELD),
  UNLOCK: also(UNLOCK_TABLES | IMPLICIT_COMMIT),
  BACKUP: also(HELD),
  HANDLER: handlerStatement,
  KILL: also(KILL),
  LOAD: loadStatement,
  CALL: callStatement,
  GET: () => withOutVariables(scanner.scanWrite()),

  IF: compound,
  CASE: compound,
  LOOP: compound,
  REPEAT: compound,
  WHILE: compound,
  FOR: compound,
  DECLARE: compound,
  SIGNAL: compound,
  RESIGNAL: compound,
};

const HANDLERS: readonly (Handler | undefined)[] = Object.entries(VERBS).reduce<(Handler | undefined)[]>(
  (handlers, [verb, handler]) => {
    handlers[W[verb as keyof typeof W]] = handler;
    return handlers;
  },
  new Array<Handler | undefined>(TRAITS.length).fill(undefined),
);
