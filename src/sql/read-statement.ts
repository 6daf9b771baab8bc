import { SHOWN_BY_ALL, SHOWN_OF_LAST, TRAITS, W } from "./known-words.ts";
import { END, OPEN, SEMICOLON, WORD } from "./lexer.ts";
import { routed } from "./routes.ts";
import type { Scanner } from "./scanner.ts";
import { IMPLICIT_COMMIT, LAST, READ, WRITE } from "./statement-flags.ts";

/** SELECT, WITH, VALUES, TABLE, EXPLAIN, DESCRIBE, HELP; the lexer stands on that word. */
export function readStatement(scanner: Scanner): number {
  scanner.begin();
  scanner.isBeforeBody = scanner.lexer.word === W.WITH;
  scanner.see(WORD);
  scanner.scan(false);
  return routed(scanner.flags);
}

/** `(SELECT …) UNION …`; the lexer stands on the first parenthesis. */
export function parenthesized(scanner: Scanner): number {
  const { lexer } = scanner;
  scanner.begin();
  let kind = lexer.kind;
  for (; kind === OPEN; kind = lexer.next()) scanner.see(kind);
  if (kind !== WORD || !isQuery(lexer.word)) return scanner.scanWrite() | scanner.flags;
  scanner.see(kind);
  scanner.scan(false);
  return routed(scanner.flags);
}

/** ANALYZE SELECT … runs the statement, and so does ANALYZE UPDATE …; ANALYZE TABLE is another thing. */
export function analyzeStatement(scanner: Scanner): number {
  const { lexer } = scanner;
  scanner.begin();
  scanner.see(WORD);
  const kind = lexer.next();
  const { word } = lexer;
  if (word === W.TABLE || word === W.LOCAL || word === W.NO_WRITE_TO_BINLOG)
    return scanner.scanWrite() | IMPLICIT_COMMIT;
  if (kind !== OPEN && !isQuery(word) && word !== W.FORMAT) return scanner.scanWrite();
  scanner.see(kind);
  scanner.scan(false);
  return routed(scanner.flags);
}

export function showStatement(scanner: Scanner): number {
  const { lexer } = scanner;
  let kind = lexer.next();
  const first = lexer.word;
  if (kind !== WORD || first === 0) return scanner.scanWrite();
  const traits = TRAITS[first] as number;
  if ((traits & (SHOWN_BY_ALL | SHOWN_OF_LAST)) === 0) return scanner.scanWrite();
  scanner.begin();
  scanner.see(kind);
  let route = traits & SHOWN_OF_LAST ? LAST : READ;
  kind = lexer.next();
  const second = lexer.word;
  if (kind === WORD && (second === W.PROCESSLIST || second === W.HOSTS)) route = WRITE;
  if (kind !== END && kind !== SEMICOLON) {
    scanner.see(kind);
    scanner.scan(false);
  }
  return routed(scanner.flags | route);
}

const isQuery = (word: number): boolean =>
  word === W.SELECT || word === W.WITH || word === W.VALUES || word === W.TABLE;
