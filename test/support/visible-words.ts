import { ANSI_QUOTES, NO_BACKSLASH_ESCAPES } from "../../src/sql/lexer-mode.ts";

/**
 * The words of a statement outside of quotes and comments, in lower case, by regular expressions: another way than that of the
 * lexer it is compared with. Left out: names behind a dot, and INSERT( and REPLACE(, which are functions.
 */
export function visibleWords(statement: string, mode: number): readonly string[] {
  const escaped = mode & NO_BACKSLASH_ESCAPES ? "" : "\\\\[\\s\\S]|";
  const string = `'(?:${escaped}''|[^'])*?'(?!')`;
  const double = mode & ANSI_QUOTES ? `"(?:""|[^"])*?"(?!")` : `"(?:${escaped}""|[^"])*?"(?!")`;
  const hidden = new RegExp(
    `(${string})|(${double})|(\`(?:\`\`|[^\`])*\`)|(/\\*[\\s\\S]*?\\*/)|(#[^\\n]*)|(--(?=[\\s\\x00-\\x20\\x7f]|$)[^\\n]*)`,
    "g",
  );
  return statement
    .replace(hidden, " ")
    .replace(/\.[a-z_0-9$]+/gi, " ")
    .replace(/\b(insert|replace)\s*\(/gi, " ")
    .toLowerCase()
    .split(/[^a-z0-9_$.@:=]+/)
    .filter((word) => word !== "");
}
