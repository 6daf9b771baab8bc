import {
  AT,
  BACKSLASH,
  BACKTICK,
  CAPITAL_M,
  COLON,
  COMMA_BYTE,
  DASH,
  DOUBLE_QUOTE,
  EQUALS,
  EXCLAMATION,
  HASH,
  HIGH,
  isBlank,
  LINE_FEED,
  PARENTHESIS_CLOSE,
  PARENTHESIS_OPEN,
  PLUS,
  POINT,
  QUOTE,
  SEMICOLON_BYTE,
  SLASH,
  SMALL_B,
  SMALL_E,
  SMALL_X,
  SPACE,
  STAR,
} from "./ascii.ts";
import { hintIn } from "./hint-text.ts";
import { FOLD, hashOn, wordAt } from "./known-words.ts";
import { ANSI_QUOTES, NO_BACKSLASH_ESCAPES, PARTIAL } from "./lexer-mode.ts";
import { HINT_OTHER } from "./statement-flags.ts";

/** Kinds of tokens. */
export const END = 0;
/** Unquoted: a keyword or a name; its number is in Lexer.word. */
export const WORD = 1;
/** Quoted name. */
export const NAME = 2;
export const STRING = 3;
export const NUMBER = 4;
/** @x */
export const USER_VARIABLE = 5;
/** @@x, @@scope.x: Lexer.word is the variable, Lexer.scope its scope. */
export const SYSTEM_VARIABLE = 6;
/** := */
export const ASSIGN = 7;
export const EQUAL = 8;
export const OPEN = 9;
export const CLOSE = 10;
export const COMMA = 11;
export const DOT = 12;
export const SEMICOLON = 13;
const OTHER = 14;

/** In the mode: comments that only some servers execute are skipped. */
export const SKIPS_UNCERTAIN = 1 << 16;

/** Below it, all servers that are supported execute the comment; from it on MariaDB and MySQL differ. */
const FIRST_UNCERTAIN_VERSION = 50700;

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
const isHexDigit = (byte: number): boolean =>
  isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);

/**
 * The tokens of a statement, as the lexers of MariaDB and MySQL see them (sql_lex.cc of both). One object serves all
 * statements; nothing is allocated. Where the two, or their versions, would read the bytes differently, or where they would
 * refuse them, isUnsure is set, and what looks like a read must not be taken for one.
 */
export class Lexer {
  bytes: Uint8Array = new Uint8Array(0);
  /** Of the token. */
  kind = END;
  start = 0;
  stop = 0;
  /** The number of its word in known-words.ts; 0: none of them, or it stands behind a dot. */
  word = 0;
  /** Of a SYSTEM_VARIABLE: the number of GLOBAL, SESSION …; 0: none is given. */
  scope = 0;
  /** Of the token before. */
  previousKind = END;
  previousStop = 0;

  isUnsure = false;
  /** The last hint met, a HINT_ of statement-flags.ts, or 0. */
  hint = 0;
  /** Comments met that some servers execute and others skip. */
  uncertainComments = 0;
  /** Where hints stand, by pairs of from and to; undefined: not wanted. */
  hintPlaces: number[] | undefined;

  #end = 0;
  #mode = 0;
  #position = 0;
  #isExecuting = false;
  /** Where the executable comment ends for a server that skips it; 0: no server does. */
  #skippedUntil = 0;

  open(bytes: Uint8Array, from: number, to: number, mode: number): void {
    this.bytes = bytes;
    this.kind = this.previousKind = END;
    this.start = this.stop = this.previousStop = this.#position = from;
    this.word = this.scope = this.hint = this.uncertainComments = 0;
    this.isUnsure = this.#isExecuting = false;
    this.#end = to;
    this.#mode = mode;
    this.#skippedUntil = 0;
  }

  /** Reads nothing beyond here; what is a write needs no second look. */
  stopAt(end: number): void {
    if (end < this.#end) {
      this.#end = end;
      this.#mode |= PARTIAL;
    }
  }

  /** Moves to the next token, and returns its kind. */
  next(): number {
    const { bytes } = this;
    const end = this.#end;
    this.previousKind = this.kind;
    this.previousStop = this.stop;
    let at = this.#position;
    for (;;) {
      if (at >= end) return this.#atEnd(end);
      const byte = bytes[at] as number;
      if (isBlank(byte)) {
        at++;
        continue;
      }
      this.start = at;
      if (FOLD[byte] !== 0) return isDigit(byte) ? this.#number(at) : this.#word(at);
      switch (byte) {
        case COMMA_BYTE:
          return this.#token(COMMA, at + 1);
        case PARENTHESIS_OPEN:
          return this.#token(OPEN, at + 1);
        case PARENTHESIS_CLOSE:
          return this.#token(CLOSE, at + 1);
        case EQUALS:
          return this.#token(EQUAL, at + 1);
        case QUOTE:
          return this.#quoted(STRING, at, (this.#mode & NO_BACKSLASH_ESCAPES) === 0);
        case BACKTICK:
          return this.#quoted(NAME, at, false);
        case DOUBLE_QUOTE:
          if ((this.#mode & ANSI_QUOTES) !== 0) return this.#quoted(NAME, at, false);
          return this.#quoted(STRING, at, (this.#mode & NO_BACKSLASH_ESCAPES) === 0);
        case POINT:
          return this.#point(at);
        case AT:
          return this.#variable(at);
        case SEMICOLON_BYTE:
          return this.#token(SEMICOLON, at + 1);
        case COLON:
          return bytes[at + 1] === EQUALS && at + 1 < end
            ? this.#token(ASSIGN, at + 2)
            : this.#token(OTHER, at + 1);
        case HASH:
          at = this.#lineComment(at + 1);
          continue;
        case DASH:
          if (!this.#isDashComment(at)) return this.#token(OTHER, at + 1);
          at = this.#lineComment(at + 2);
          continue;
        case SLASH:
          if (at + 1 >= end || bytes[at + 1] !== STAR) return this.#token(OTHER, at + 1);
          at = this.#comment(at);
          continue;
        case STAR:
          if (!this.#isCommentEnd(at)) return this.#token(OTHER, at + 1);
          at = this.#endOfExecutable(at);
          continue;
        default:
          if (byte >= HIGH) return this.#word(at);
          if (byte < SPACE) this.isUnsure = true;
          return this.#token(OTHER, at + 1);
      }
    }
  }

  /** Reads to the end without a look at what comes. */
  skipAll(): void {
    this.#position = this.#end;
    this.kind = END;
  }

  #token(kind: number, stop: number): number {
    this.kind = kind;
    this.stop = this.#position = stop;
    this.word = 0;
    return kind;
  }

  #atEnd(end: number): number {
    if (this.#isExecuting || (this.#mode & PARTIAL) !== 0) this.isUnsure = true;
    this.start = end;
    return this.#token(END, end);
  }

  /** A keyword or name. */
  #word(start: number): number {
    const { bytes } = this;
    const end = this.#end;
    let at = start;
    let hash = 0;
    while (at < end) {
      const folded = FOLD[bytes[at] as number] as number;
      if (folded === 0) break;
      hash = hashOn(hash, folded);
      at++;
    }
    let word = at - start > 1 ? wordAt(bytes, start, at, hash) : 0;
    if (at < end && (bytes[at] as number) >= HIGH) {
      // Which high bytes belong to a name, and which (0xA0 in latin1) are blanks, depends on the character set.
      if (word !== 0) this.isUnsure = true;
      word = 0;
      at = this.#highWord(at);
    }
    this.#token(WORD, at);
    // Right behind a dot it is a name, even where it looks like a keyword.
    this.word = this.previousKind === DOT && this.previousStop === start ? 0 : word;
    return WORD;
  }

  /** Goes on over a name with high bytes; it is unsure where one of its parts is a word that is known. */
  #highWord(start: number): number {
    const { bytes } = this;
    const end = this.#end;
    let at = start;
    let part = start;
    let hash = 0;
    for (; ; at++) {
      const byte = at < end ? (bytes[at] as number) : SPACE;
      const folded = FOLD[byte] as number;
      if (folded !== 0) {
        hash = hashOn(hash, folded);
        continue;
      }
      if (at - part > 1 && wordAt(bytes, part, at, hash) !== 0) this.isUnsure = true;
      if (byte < HIGH) return at;
      part = at + 1;
      hash = 0;
    }
  }

  /** A number, or a name that begins with a digit; 1e5INTO is a number and a word. */
  #number(start: number): number {
    const { bytes } = this;
    const end = this.#end;
    let at = start + 1;
    if (bytes[start] === 0x30 && at < end) {
      const letter = bytes[at] as number;
      if (letter === SMALL_X || letter === SMALL_B) {
        let digits = at + 1;
        while (digits < end && this.#isDigitOf(letter, bytes[digits] as number)) digits++;
        if (digits > at + 1 && !this.#isNamePart(digits)) return this.#token(NUMBER, digits);
        return this.#word(start);
      }
    }
    while (at < end && isDigit(bytes[at] as number)) at++;
    if (this.#isNamePart(at)) {
      const exponent = this.#exponent(at);
      return exponent > at ? this.#token(NUMBER, exponent) : this.#word(start);
    }
    return at < end && bytes[at] === POINT ? this.#fraction(at) : this.#token(NUMBER, at);
  }

  #isDigitOf(letter: number, byte: number): boolean {
    return letter === SMALL_X ? isHexDigit(byte) : byte === 0x30 || byte === 0x31;
  }

  #isNamePart(at: number): boolean {
    if (at >= this.#end) return false;
    const byte = this.bytes[at] as number;
    return FOLD[byte] !== 0 || byte >= HIGH;
  }

  /** From the point on. */
  #fraction(point: number): number {
    const { bytes } = this;
    const end = this.#end;
    let at = point + 1;
    while (at < end && isDigit(bytes[at] as number)) at++;
    return this.#token(NUMBER, this.#exponent(at));
  }

  /** The end of the exponent that stands here, or `at` where there is none. */
  #exponent(at: number): number {
    const { bytes } = this;
    const end = this.#end;
    if (at >= end || ((bytes[at] as number) | 0x20) !== SMALL_E) return at;
    let digits = at + 1;
    if (digits < end && (bytes[digits] === PLUS || bytes[digits] === DASH)) digits++;
    const first = digits;
    while (digits < end && isDigit(bytes[digits] as number)) digits++;
    return digits > first ? digits : at;
  }

  /** The dot of a qualified name, and then the name behind it whatever word it is, or a number. */
  #point(at: number): number {
    const isBehindWord = this.kind === WORD && this.stop === at;
    if (!isBehindWord && at + 1 < this.#end && isDigit(this.bytes[at + 1] as number))
      return this.#fraction(at);
    return this.#token(DOT, at + 1);
  }

  /** A string or a quoted name from its first quote on. */
  #quoted(kind: number, start: number, hasEscapes: boolean): number {
    const { bytes } = this;
    const end = this.#end;
    const quote = bytes[start] as number;
    let at = start + 1;
    while (at < end) {
      const byte = bytes[at] as number;
      if (byte === quote) {
        // A doubled quote is one of the text; for us as good as a string that ends and one that begins.
        if (at + 1 >= end || bytes[at + 1] !== quote) return this.#token(kind, at + 1);
        at += 2;
      } else if (byte === BACKSLASH && hasEscapes) at += 2;
      else at++;
    }
    this.isUnsure = true;
    return this.#token(kind, end);
  }

  /** @x, @'x', @@x, @@session.x */
  #variable(start: number): number {
    const { bytes } = this;
    const end = this.#end;
    let at = start + 1;
    const byte = at < end ? (bytes[at] as number) : SPACE;
    if (byte === AT) return this.#systemVariable(start);
    if (byte === QUOTE || byte === BACKTICK || byte === DOUBLE_QUOTE) {
      const hasEscapes = byte !== BACKTICK && (this.#mode & NO_BACKSLASH_ESCAPES) === 0;
      const isName = byte === DOUBLE_QUOTE && (this.#mode & ANSI_QUOTES) !== 0;
      return this.#quoted(USER_VARIABLE, at, hasEscapes && !isName);
    }
    while (at < end && (FOLD[bytes[at] as number] !== 0 || bytes[at] === POINT)) at++;
    if (at === start + 1 || (at < end && (bytes[at] as number) >= HIGH)) this.isUnsure = true;
    return this.#token(USER_VARIABLE, at);
  }

  #systemVariable(start: number): number {
    const { bytes } = this;
    let scope = 0;
    this.#word(start + 2);
    if (this.stop === start + 2 || this.isUnsure) {
      this.isUnsure = true; // @@ `x`, which nobody writes
      return this.#token(SYSTEM_VARIABLE, this.stop);
    }
    while (this.stop < this.#end && bytes[this.stop] === POINT) {
      scope = this.word;
      const behind = this.stop + 1;
      this.#word(behind);
      if (this.stop === behind) this.isUnsure = true;
    }
    const { word } = this;
    this.start = start;
    this.#token(SYSTEM_VARIABLE, this.stop);
    this.word = word;
    this.scope = scope;
    return SYSTEM_VARIABLE;
  }

  /** `-- ` needs a blank behind it: 5--1 is 6. */
  #isDashComment(at: number): boolean {
    if (at + 1 >= this.#end || this.bytes[at + 1] !== DASH) return false;
    if (at + 2 >= this.#end) return true;
    const third = this.bytes[at + 2] as number;
    if (third >= HIGH) this.isUnsure = true; // a blank in some character sets
    return third <= SPACE || third === 0x7f;
  }

  #lineComment(text: number): number {
    const { bytes } = this;
    const end = this.#end;
    let at = text;
    while (at < end && bytes[at] !== LINE_FEED) at++;
    this.#lookForHint(text, at);
    return at;
  }

  #comment(start: number): number {
    const { bytes } = this;
    if (this.#isExecuting) this.isUnsure = true;
    let text = start + 2;
    const first = bytes[text];
    if (first === EXCLAMATION) return this.#executable(text + 1, false);
    if (first === CAPITAL_M && bytes[text + 1] === EXCLAMATION) return this.#executable(text + 2, true);
    const stop = this.#endOfComment(text);
    // MySQL reads optimizer hints with quotes of their own.
    if (first === PLUS) for (; text < stop; text++) if (isQuote(bytes[text] as number)) this.isUnsure = true;
    this.#lookForHint(start + 2, Math.max(start + 2, stop - 2));
    return stop;
  }

  /** Behind the next end of a comment. */
  #endOfComment(text: number): number {
    const { bytes } = this;
    const last = this.#end - 1;
    for (let at = text; at < last; at++) if (bytes[at] === STAR && bytes[at + 1] === SLASH) return at + 2;
    this.isUnsure = true;
    return this.#end;
  }

  /** A comment that servers execute, depending on their kind and version: lexed on as if it were none. */
  #executable(text: number, isMariaDbOnly: boolean): number {
    const { bytes } = this;
    const end = this.#end;
    let at = text;
    let version = 0;
    while (at < end && at < text + 6 && isDigit(bytes[at] as number))
      version = version * 10 + (bytes[at++] as number) - 0x30;
    if (at < text + 5) {
      at = text;
      version = 0;
    }
    if (at === text + 6 && this.#isNamePart(at)) this.isUnsure = true; // some read five digits only
    if (this.#isExecuting) this.isUnsure = true;
    const isCertain = !isMariaDbOnly && version < FIRST_UNCERTAIN_VERSION;
    if (!isCertain) {
      this.uncertainComments++;
      const skipped = this.#endOfComment(at);
      if ((this.#mode & SKIPS_UNCERTAIN) !== 0) return skipped;
      this.#skippedUntil = skipped;
    } else this.#skippedUntil = 0;
    this.#isExecuting = true;
    return at;
  }

  // Outside of a comment, an asterisk may stand right before the next comment.
  #isCommentEnd(at: number): boolean {
    if (at + 1 >= this.#end || this.bytes[at + 1] !== SLASH) return false;
    return this.#isExecuting || at + 2 >= this.#end || this.bytes[at + 2] !== STAR;
  }

  #endOfExecutable(at: number): number {
    if (!this.#isExecuting || (this.#skippedUntil !== 0 && this.#skippedUntil !== at + 2))
      this.isUnsure = true;
    this.#isExecuting = false;
    return at + 2;
  }

  #lookForHint(text: number, stop: number): void {
    let at = text;
    while (at < stop && isBlank(this.bytes[at] as number)) at++;
    const letter = at < stop ? (this.bytes[at] as number) | 0x20 : 0;
    if (letter !== 0x6d && letter !== 0x73) return; // m for maxscale, s for sluice
    const hint = hintIn(this.bytes, at, stop);
    if (hint === 0) return;
    this.hint = this.hint === 0 || this.hint === hint ? hint : HINT_OTHER;
    this.hintPlaces?.push(at, stop);
  }
}

const isQuote = (byte: number): boolean => byte === QUOTE || byte === DOUBLE_QUOTE || byte === BACKTICK;
