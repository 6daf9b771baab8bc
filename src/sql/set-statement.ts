import { MODE_VARIABLE, PRIMARY_VARIABLE, TRAITS, TRANSACTION_VARIABLE, W } from "./known-words.ts";
import {
  ASSIGN,
  COMMA,
  DOT,
  END,
  EQUAL,
  NAME,
  NUMBER,
  SEMICOLON,
  STRING,
  SYSTEM_VARIABLE,
  USER_VARIABLE,
  WORD,
} from "./lexer.ts";
import { careful } from "./routes.ts";
import type { Scanner } from "./scanner.ts";
import {
  AUTOCOMMIT_OFF,
  AUTOCOMMIT_ON,
  HELD,
  IMPLICIT_COMMIT,
  LAST,
  OPAQUE,
  PIN,
  READ_ONLY,
  SESSION,
  SET,
  SET_TRANSACTION,
  USER_VARIABLE_READ,
  USER_VARIABLE_WRITE,
  WRITE,
} from "./statement-flags.ts";

// What an expression may add to the flags of the statement it stands in.
const CARRIED = OPAQUE | HELD | USER_VARIABLE_READ | USER_VARIABLE_WRITE;

/**
 * SET of whatever kinds in one list; the lexer stands on the first word behind SET. A list goes to all servers only where every
 * item means the same on each of them.
 */
export function setStatement(scanner: Scanner): number {
  const { lexer } = scanner;
  let flags = 0;
  for (;;) {
    flags |= item(scanner);
    if (lexer.kind !== COMMA) break;
    lexer.next();
  }
  return flags & WRITE ? careful(flags) : flags;
}

/** SET STATEMENT a=1, b=2 FOR …: up to the FOR. Returns the flags of the expressions. */
export function setStatementPrelude(scanner: Scanner): number {
  const { lexer } = scanner;
  scanner.begin();
  for (let kind = lexer.next(); kind !== END && kind !== SEMICOLON; kind = lexer.next()) {
    if (lexer.word === W.FOR && scanner.depth <= 0) break;
    scanner.see(kind);
  }
  return scanner.flags | (scanner.hasSubquery ? WRITE : 0);
}

/** One item of the list, to the comma or end behind it. */
function item(scanner: Scanner): number {
  const { lexer } = scanner;
  scanner.begin();
  if (lexer.kind === USER_VARIABLE) return userVariable(scanner);
  if (lexer.kind !== WORD) return variable(scanner, lexer.kind);
  switch (lexer.word) {
    case W.SESSION:
    case W.LOCAL:
      lexer.next();
      return lexer.word === W.TRANSACTION
        ? nextTransaction(scanner, SESSION | SET)
        : variable(scanner, lexer.kind);
    case W.TRANSACTION:
      return nextTransaction(scanner, WRITE | SET_TRANSACTION);
    case W.NAMES:
    case W.CHARACTER:
    case W.CHARSET:
      scanner.hasChangedMode = true;
      return simple(scanner, SESSION | SET);
    case W.ROLE:
      return simple(scanner, SESSION | SET);
    case W.PASSWORD:
      return simple(scanner, WRITE | IMPLICIT_COMMIT);
    case W.GLOBAL:
    case W.PERSIST:
    case W.PERSIST_ONLY:
    case W.DEFAULT:
    case W.RESOURCE:
      return simple(scanner, WRITE);
  }
  return variable(scanner, WORD);
}

function simple(scanner: Scanner, flags: number): number {
  scanner.scan(true);
  return flags | (scanner.flags & CARRIED) | (scanner.flags & WRITE);
}

/** TRANSACTION …, to the end of the statement; its commas are its own. */
function nextTransaction(scanner: Scanner, flags: number): number {
  const { lexer } = scanner;
  let isReadOnly = false;
  for (let kind = lexer.next(); kind !== END && kind !== SEMICOLON; kind = lexer.next())
    if (lexer.word === W.ONLY) isReadOnly = true;
  return flags | (isReadOnly ? READ_ONLY : 0);
}

/** @x = expression: for all servers only where it gives the same on each. */
function userVariable(scanner: Scanner): number {
  const { lexer } = scanner;
  const kind = lexer.next();
  if (kind !== EQUAL && kind !== ASSIGN) return unknown(scanner);
  scanner.scan(true);
  const { flags } = scanner;
  const isSame = (flags & (WRITE | LAST)) === 0 && !scanner.isVarying && !scanner.hasSubquery;
  return (flags & CARRIED) | USER_VARIABLE_WRITE | (isSame ? SESSION : WRITE);
}

/** name = expression, @@scope.name = expression, part.name = expression. */
function variable(scanner: Scanner, first: number): number {
  const { lexer } = scanner;
  const { word } = lexer;
  if (first !== WORD && first !== NAME && first !== SYSTEM_VARIABLE) return unknown(scanner);
  const isSystem = first === SYSTEM_VARIABLE;
  const scope = isSystem ? lexer.scope : 0;
  let kind = lexer.next();
  while (kind === DOT || kind === WORD || kind === NAME) kind = lexer.next();
  if (kind !== EQUAL && kind !== ASSIGN) return unknown(scanner);
  const commits = word === W.AUTOCOMMIT ? autocommit(scanner) : 0;
  if (lexer.kind !== COMMA && lexer.kind !== END && lexer.kind !== SEMICOLON) scanner.scan(true);
  return (scanner.flags & CARRIED) | commits | assignment(scanner, word, isSystem, scope);
}

function assignment(scanner: Scanner, word: number, isSystem: boolean, scope: number): number {
  const traits = TRAITS[word] as number;
  if (scope === W.GLOBAL || scope === W.PERSIST || scope === W.PERSIST_ONLY) return WRITE;
  if (isSystem && scope === 0 && traits & TRANSACTION_VARIABLE) return WRITE | SET_TRANSACTION;
  if (traits & PRIMARY_VARIABLE) return WRITE;
  if (traits & MODE_VARIABLE) scanner.hasChangedMode = true;
  // A value that differs with server or moment is each server's own; what has an effect must happen once.
  const isHarmless = (scanner.flags & (WRITE | LAST)) === 0 && !scanner.hasSubquery;
  return SET | (isHarmless ? SESSION : WRITE | PIN);
}

/** Reads the first token of the value and, where nothing follows, knows it. */
function autocommit(scanner: Scanner): number {
  const { lexer } = scanner;
  const kind = lexer.next();
  const { word, bytes, start, stop } = lexer;
  if (kind !== END && kind !== SEMICOLON && kind !== COMMA) scanner.see(kind);
  const end = lexer.next();
  const isAlone = end === COMMA || end === END || end === SEMICOLON;
  if (!isAlone) scanner.see(end);
  else if (word === W.ON || word === W.TRUE) return AUTOCOMMIT_ON;
  else if (word === W.OFF || word === W.FALSE) return AUTOCOMMIT_OFF;
  else if (kind === NUMBER && stop === start + 1)
    return bytes[start] === 0x30 ? AUTOCOMMIT_OFF : AUTOCOMMIT_ON;
  else if (kind === STRING && stop - start === 4)
    return AUTOCOMMIT_ON; // 'on'
  else if (kind === STRING && stop - start === 5) return AUTOCOMMIT_OFF; // 'off'
  return AUTOCOMMIT_ON | AUTOCOMMIT_OFF;
}

/** Not a SET that is known: perhaps of a stored program's variable, which there is none of here. */
function unknown(scanner: Scanner): number {
  const { kind } = scanner.lexer;
  if (kind !== END && kind !== SEMICOLON && kind !== COMMA) scanner.scan(true);
  return (scanner.flags & CARRIED) | WRITE | PIN;
}
