import { W } from "./known-words.ts";
import { END, SEMICOLON, WORD } from "./lexer.ts";
import type { Scanner } from "./scanner.ts";
import {
  EXECUTE_TEXT,
  HELD,
  LAST,
  OPAQUE,
  PIN,
  PREPARE_TEXT,
  SESSION,
  USER_VARIABLE_READ,
  USER_VARIABLE_WRITE,
  WRITE,
} from "./statement-flags.ts";

/** PREPARE name FROM 'text' | @x | expression: to all servers where they all get the same text. */
export function prepareStatement(scanner: Scanner): number {
  const { lexer } = scanner;
  for (let kind = lexer.next(); kind !== END && kind !== SEMICOLON; kind = lexer.next())
    if (lexer.word === W.FROM) break;
  scanner.begin();
  if (lexer.word === W.FROM) {
    scanner.see(WORD);
    scanner.scan(false);
  }
  const { flags } = scanner;
  const isSame = (flags & (WRITE | LAST)) === 0 && !scanner.isVarying && !scanner.hasSubquery;
  const carried = flags & (OPAQUE | HELD | USER_VARIABLE_READ | USER_VARIABLE_WRITE);
  return carried | PREPARE_TEXT | (isSame ? SESSION : WRITE | PIN);
}

/** EXECUTE name [USING …], EXECUTE IMMEDIATE text. */
export function executeStatement(scanner: Scanner): number {
  scanner.lexer.next();
  const isImmediate = scanner.lexer.word === W.IMMEDIATE;
  return scanner.scanWrite() | (isImmediate ? OPAQUE | PIN : EXECUTE_TEXT);
}
