import { W } from "./known-words.ts";
import { END, SEMICOLON, USER_VARIABLE } from "./lexer.ts";
import type { Scanner } from "./scanner.ts";
import {
  HELD,
  IMPLICIT_COMMIT,
  LOAD_LOCAL,
  LOCK_TABLES,
  OPAQUE,
  USER_VARIABLE_READ,
  USER_VARIABLE_WRITE,
  WRITE,
} from "./statement-flags.ts";

/** LOAD DATA | XML [LOCAL] INFILE, whose columns may be user variables; LOAD INDEX INTO CACHE. */
export function loadStatement(scanner: Scanner): number {
  const { lexer } = scanner;
  let flags = 0;
  lexer.next();
  if (lexer.word === W.INDEX) flags |= IMPLICIT_COMMIT;
  for (
    let { kind } = lexer;
    kind !== END && kind !== SEMICOLON && lexer.word !== W.INFILE;
    kind = lexer.next()
  )
    if (lexer.word === W.LOCAL) flags |= LOAD_LOCAL;
  return flags | withOutVariables(scanner.scanWrite());
}

/** CALL procedure(@in_or_out). */
export function callStatement(scanner: Scanner): number {
  return withOutVariables(scanner.scanWrite()) | OPAQUE;
}

/** A user variable that is read may be written as well. */
export function withOutVariables(flags: number): number {
  return flags & USER_VARIABLE_READ ? flags | USER_VARIABLE_WRITE : flags;
}

/** FLUSH; with TABLES … WITH READ LOCK or FOR EXPORT it locks. */
export function flushStatement(scanner: Scanner): number {
  const { lexer } = scanner;
  let flags = WRITE | IMPLICIT_COMMIT;
  for (let kind = lexer.next(); kind !== END && kind !== SEMICOLON; kind = lexer.next())
    if (lexer.word === W.LOCK || lexer.word === W.EXPORT) flags |= LOCK_TABLES | HELD;
  return flags;
}

/** HANDLER t OPEN | READ | CLOSE. */
export function handlerStatement(scanner: Scanner): number {
  const { lexer } = scanner;
  let flags = WRITE;
  for (let kind = lexer.next(); kind !== END && kind !== SEMICOLON; kind = lexer.next())
    if (lexer.word === W.OPEN) flags |= HELD;
    else if (kind === USER_VARIABLE) flags |= USER_VARIABLE_READ;
  return flags;
}
