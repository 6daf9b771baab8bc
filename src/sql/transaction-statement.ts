import { W } from "./known-words.ts";
import { COMMA, END, SEMICOLON, WORD } from "./lexer.ts";
import type { Scanner } from "./scanner.ts";
import {
  BEGIN,
  COMMIT,
  HELD,
  IMPLICIT_COMMIT,
  OPAQUE,
  READ,
  READ_ONLY,
  RELEASE,
  ROLLBACK,
  WRITE,
} from "./statement-flags.ts";

/** BEGIN, BEGIN WORK; BEGIN NOT ATOMIC and, in sql_mode ORACLE, BEGIN … are compound statements with semicolons of their own. */
export function beginStatement(scanner: Scanner): number {
  const { lexer } = scanner;
  let kind = lexer.next();
  if (kind === WORD && lexer.word === W.WORK) kind = lexer.next();
  if (kind === END || kind === SEMICOLON) return WRITE | BEGIN | IMPLICIT_COMMIT;
  lexer.skipAll();
  return WRITE | OPAQUE;
}

/** START TRANSACTION; all other things that start are the primary's. */
export function startStatement(scanner: Scanner): number {
  const { lexer } = scanner;
  if (lexer.next() !== WORD || lexer.word !== W.TRANSACTION) return scanner.scanWrite() | IMPLICIT_COMMIT;
  let isReadOnly = false;
  let isKnown = true;
  for (let kind = lexer.next(); kind !== END && kind !== SEMICOLON; kind = lexer.next()) {
    const { word } = lexer;
    if (word === W.ONLY) isReadOnly = true;
    else if (
      word !== W.READ &&
      word !== W.WITH &&
      word !== W.CONSISTENT &&
      word !== W.SNAPSHOT &&
      kind !== COMMA
    )
      isKnown = false; // READ WRITE, or a mistake
  }
  return BEGIN | IMPLICIT_COMMIT | (isReadOnly && isKnown ? READ | READ_ONLY : WRITE);
}

/** COMMIT, ROLLBACK, with [NO] CHAIN and [NO] RELEASE; ROLLBACK TO a savepoint ends nothing. */
export function endTransaction(scanner: Scanner, ending: typeof COMMIT | typeof ROLLBACK): number {
  const { lexer } = scanner;
  let flags: number = ending;
  let isNegated = false;
  for (let kind = lexer.next(); kind !== END && kind !== SEMICOLON; kind = lexer.next()) {
    const { word } = lexer;
    if (word === W.TO) return scanner.scanWrite();
    if (word === W.CHAIN && !isNegated) flags |= BEGIN;
    if (word === W.RELEASE && !isNegated) flags |= RELEASE;
    isNegated = word === W.NO;
  }
  return flags | WRITE;
}

export function xaStatement(scanner: Scanner): number {
  const { lexer } = scanner;
  lexer.next();
  const { word } = lexer;
  const flags = scanner.scanWrite();
  if (word === W.START || word === W.BEGIN) return flags | BEGIN | HELD;
  if (word === W.COMMIT) return flags | COMMIT;
  return word === W.ROLLBACK ? flags | ROLLBACK : flags | HELD;
}
