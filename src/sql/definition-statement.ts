import { W } from "./known-words.ts";
import { END, SEMICOLON } from "./lexer.ts";
import type { Scanner } from "./scanner.ts";
import {
  DEALLOCATE_TEXT,
  HELD,
  IMPLICIT_COMMIT,
  SESSION,
  TEMPORARY_TABLE,
  WRITE,
} from "./statement-flags.ts";

/** CREATE, ALTER. The bodies of stored programs have semicolons of their own, which part no statements. */
export function definition(scanner: Scanner): number {
  const { lexer } = scanner;
  lexer.next();
  if (lexer.word === W.OR) {
    lexer.next();
    lexer.next();
  }
  if (lexer.word === W.TEMPORARY) return scanner.scanWrite() | TEMPORARY_TABLE | HELD;
  for (let { kind } = lexer; kind !== END && kind !== SEMICOLON; kind = lexer.next()) {
    if (lexer.word === W.TABLE) return scanner.scanWrite() | IMPLICIT_COMMIT;
    if (isStoredProgram(lexer.word)) lexer.skipAll();
  }
  return WRITE | IMPLICIT_COMMIT;
}

const isStoredProgram = (word: number): boolean =>
  word === W.PROCEDURE || word === W.FUNCTION || word === W.TRIGGER || word === W.EVENT || word === W.PACKAGE;

/** DROP PREPARE is a DEALLOCATE. */
export function dropStatement(scanner: Scanner): number {
  scanner.lexer.next();
  const { word } = scanner.lexer;
  const flags = scanner.scanWrite();
  if (word === W.PREPARE) return SESSION | DEALLOCATE_TEXT;
  return flags | (word === W.TEMPORARY ? TEMPORARY_TABLE : IMPLICIT_COMMIT);
}
