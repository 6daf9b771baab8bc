import { W } from "./known-words.ts";
import { END, Lexer, NUMBER, SEMICOLON, USER_VARIABLE, WORD } from "./lexer.ts";
import { NO_BACKSLASH_ESCAPES } from "./lexer-mode.ts";
import { isName, tokenText } from "./token-text.ts";

/** Whom a KILL is for. */
export type KillTarget = {
  readonly isSoft: boolean;
  /** Only its statement, the connection stays. */
  readonly isQueryOnly: boolean;
} & (
  | { readonly kind: "connection"; readonly id: number }
  | { readonly kind: "query-id"; readonly id: number }
  | KilledUser
);
type KilledUser = { readonly kind: "user"; readonly user: string; readonly host: string | undefined };

/** undefined: not to be understood (an expression); the primary will say what it thinks of it. */
export function killTarget(
  bytes: Uint8Array,
  from: number,
  to: number,
  mode: number,
): KillTarget | undefined {
  const lexer = new Lexer();
  lexer.open(bytes, from, to, mode);
  if (lexer.next() !== WORD || lexer.word !== W.KILL) return undefined;
  lexer.next();
  const isSoft = lexer.word === W.SOFT;
  if (isSoft || lexer.word === W.HARD) lexer.next();
  const isQueryOnly = lexer.word === W.QUERY;
  if (isQueryOnly || lexer.word === W.CONNECTION) lexer.next();
  const how = { isSoft, isQueryOnly };
  if (lexer.word === W.USER) {
    const user = userOf(lexer, (mode & NO_BACKSLASH_ESCAPES) === 0);
    return user && { ...how, ...user };
  }
  const kind = lexer.word === W.ID ? "query-id" : "connection";
  if (kind === "query-id") lexer.next();
  const id = lexer.kind === NUMBER ? Number(tokenText(lexer, false)) : Number.NaN;
  return Number.isSafeInteger(id) && isLast(lexer) ? { ...how, kind, id } : undefined;
}

function userOf(lexer: Lexer, hasEscapes: boolean): KilledUser | undefined {
  if (!isName(lexer.next())) return undefined;
  const user = tokenText(lexer, hasEscapes);
  const kind = lexer.next();
  if (kind === END || kind === SEMICOLON) return { kind: "user", user, host: undefined };
  if (kind !== USER_VARIABLE) return undefined; // a function: CURRENT_USER()
  const host = tokenText(lexer, hasEscapes);
  return isLast(lexer) ? { kind: "user", user, host } : undefined;
}

function isLast(lexer: Lexer): boolean {
  const kind = lexer.next();
  return kind === END || kind === SEMICOLON;
}
