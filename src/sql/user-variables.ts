import { END, Lexer, USER_VARIABLE } from "./lexer.ts";
import { NO_BACKSLASH_ESCAPES } from "./lexer-mode.ts";
import { tokenText } from "./token-text.ts";

/** The user variables that a text names, each once, in lower case: their names are without case. */
export function userVariables(bytes: Uint8Array, from: number, to: number, mode: number): readonly string[] {
  const lexer = new Lexer();
  lexer.open(bytes, from, to, mode);
  const names = new Set<string>();
  for (let kind = lexer.next(); kind !== END; kind = lexer.next())
    if (kind === USER_VARIABLE)
      names.add(tokenText(lexer, (mode & NO_BACKSLASH_ESCAPES) === 0).toLowerCase());
  return [...names];
}
