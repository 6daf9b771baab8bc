import { definition, dropStatement } from "./definition-statement.ts";
import { TRAITS, W } from "./known-words.ts";
import { END, OPEN, SEMICOLON, WORD } from "./lexer.ts";
import { executeStatement, prepareStatement } from "./prepared-statement.ts";
import {
  callStatement,
  flushStatement,
  handlerStatement,
  loadStatement,
  withOutVariables,
} from "./primary-statement.ts";
import { analyzeStatement, parenthesized, readStatement, showStatement } from "./read-statement.ts";
import { careful } from "./routes.ts";
import type { Scanner } from "./scanner.ts";
import { setStatement, setStatementPrelude } from "./set-statement.ts";
import {
  COMMIT,
  DEALLOCATE_TEXT,
  HELD,
  IMPLICIT_COMMIT,
  KILL,
  LAST,
  LOCK_TABLES,
  OPAQUE,
  READ,
  ROLLBACK,
  SESSION,
  UNLOCK_TABLES,
  USE,
  WRITE,
} from "./statement-flags.ts";
import { beginStatement, endTransaction, startStatement, xaStatement } from "./transaction-statement.ts";

/** The flags of the next statement; reads it to its end or semicolon. An empty one is a read. */
export function statement(scanner: Scanner): number {
  const { lexer } = scanner;
  const kind = lexer.next();
  scanner.isEmpty = kind === END || kind === SEMICOLON;
  if (scanner.isEmpty) return READ;
  if (kind === OPEN) return parenthesized(scanner);
  const handler = kind === WORD ? HANDLERS[lexer.word] : undefined;
  return handler === undefined ? scanner.scanWrite() : handler(scanner);
}

type Handler = (scanner: Scanner) => number;

/** Statements of code: what they run, semicolons and all, is not looked at. */
function compound(scanner: Scanner): number {
  scanner.lexer.skipAll();
  return WRITE | OPAQUE;
}

/** SET, and SET STATEMENT … FOR a statement. */
function anySet(scanner: Scanner): number {
  const { lexer } = scanner;
  lexer.next();
  if (lexer.word !== W.STATEMENT) return setStatement(scanner);
  const settings = setStatementPrelude(scanner);
  const flags = statement(scanner);
  scanner.isEmpty = false;
  const isRead = (settings & (WRITE | LAST)) === 0 && (flags & READ) !== 0;
  return isRead ? settings | flags : careful(settings | flags);
}

const also =
  (flags: number): Handler =>
  (scanner) =>
    scanner.scanWrite() | flags;

const session =
  (flags: number): Handler =>
  (scanner) => {
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
  COMMIT: (scanner) => endTransaction(scanner, COMMIT),
  ROLLBACK: (scanner) => endTransaction(scanner, ROLLBACK),
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
  // Of the statement before, in user variables: outside of procedures there is nothing else they could be put in.
  GET: (scanner) => (withOutVariables(scanner.scanWrite()) & ~WRITE) | LAST,

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
