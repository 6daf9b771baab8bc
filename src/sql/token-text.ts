import { type Lexer, NAME, STRING, USER_VARIABLE, WORD } from "./lexer.ts";

const BACKSLASH = 0x5c;
const AT = 0x40;
const ESCAPES: Readonly<Record<string, number>> = { 0: 0, n: 10, r: 13, t: 9, b: 8, Z: 26 };

/** The text of the token that the lexer stands on, without quotes and escapes; bytes that are no UTF-8 are replaced. */
export function tokenText(lexer: Lexer, hasEscapes: boolean): string {
  return Buffer.from(tokenBytes(lexer, hasEscapes)).toString("utf8");
}

/** The same as bytes. */
export function tokenBytes({ bytes, kind, start, stop }: Lexer, hasEscapes: boolean): Uint8Array {
  const from = kind === USER_VARIABLE ? start + 1 : start;
  const quote = bytes[from];
  const isQuoted = quote === 0x22 || quote === 0x27 || quote === 0x60;
  if (!isQuoted) return bytes.slice(from, stop);
  return unquoted(bytes, from + 1, stop - 1, quote, hasEscapes && kind !== NAME && quote !== 0x60);
}

function unquoted(
  bytes: Uint8Array,
  from: number,
  to: number,
  quote: number,
  hasEscapes: boolean,
): Uint8Array {
  const text = new Uint8Array(Math.max(0, to - from));
  let length = 0;
  for (let at = from; at < to; at++) {
    let byte = bytes[at] as number;
    if (byte === quote) at++;
    else if (hasEscapes && byte === BACKSLASH && at + 1 < to) {
      byte = bytes[++at] as number;
      const letter = String.fromCharCode(byte);
      // \% and \_ keep their backslash, for LIKE.
      if (letter === "%" || letter === "_") text[length++] = BACKSLASH;
      byte = ESCAPES[letter] ?? byte;
    }
    text[length++] = byte;
  }
  return text.subarray(0, length);
}

/** `@@session.sql_mode` is sql_mode. */
export function systemVariableName({ bytes, start, stop }: Lexer): string {
  let from = start;
  while (from < stop && bytes[from] === AT) from++;
  const text = Buffer.from(bytes.subarray(from, stop)).toString("latin1").toLowerCase();
  return text.replace(/^(global|session|local|persist|persist_only)\./, "");
}

export const isName = (kind: number): boolean => kind === WORD || kind === NAME || kind === STRING;
