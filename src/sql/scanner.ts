import { isBlank } from "./ascii.ts";
import {
  ADJACENT,
  ALERT,
  EFFECTIVE,
  IN_MARIADB,
  IN_MYSQL,
  IN_RECENT_MARIADB,
  OPENS,
  PRIMARY_VARIABLE,
  STATEMENT_VARIABLE,
  TRAITS,
  VARYING,
  W,
} from "./known-words.ts";
import {
  ASSIGN,
  CLOSE,
  COMMA,
  DOT,
  END,
  Lexer,
  NAME,
  OPEN,
  SEMICOLON,
  STRING,
  SYSTEM_VARIABLE,
  USER_VARIABLE,
  WORD,
} from "./lexer.ts";
import { IGNORE_SPACE, MYSQL, RECENT_MARIADB } from "./lexer-mode.ts";
import { HELD, LAST, OPAQUE, USER_VARIABLE_READ, USER_VARIABLE_WRITE, WRITE } from "./statement-flags.ts";

/** A write is looked at no further than this for what else it does. */
const WRITE_SCAN_BYTES = 16 * 1024;

/** Reads on over expressions, and gathers what they do. One object serves all statements. */
export class Scanner {
  readonly lexer = new Lexer();
  mode = 0;
  /** WRITE where something has an effect, LAST where it is about the statement before; OPAQUE, HELD, USER_VARIABLE_… */
  flags = 0;
  /** Its value depends on the server, the moment or chance. */
  isVarying = false;
  /** It reads tables. */
  hasSubquery = false;
  /** The names of common table expressions are being defined; `name (` is no call. */
  isBeforeBody = false;
  /** The statement was nothing but blanks and comments. */
  isEmpty = false;
  /** A SET of this text changes how what follows it is read. */
  hasChangedMode = false;

  // Traits of the functions that the servers have built in.
  #builtIn = IN_MARIADB;
  #hasInto = false;
  // JSON_TABLE( has been seen, and COLUMNS, without which it is a stored function, has not.
  #awaitsColumns = false;
  #depth = 0;
  // The two words before a token; 0: no word, or none that is known.
  #before = 0;
  #beforeThat = 0;
  // Kind of the token before #before's.
  #kindBeforeThat = END;

  open(bytes: Uint8Array, from: number, to: number, mode: number): void {
    this.lexer.open(bytes, from, to, mode);
    this.mode = mode;
    this.hasChangedMode = false;
    this.#builtIn =
      mode & MYSQL ? IN_MYSQL : mode & RECENT_MARIADB ? IN_MARIADB | IN_RECENT_MARIADB : IN_MARIADB;
    this.begin();
  }

  /** A new statement or expression begins. */
  begin(): void {
    this.flags = this.#depth = this.#before = this.#beforeThat = 0;
    this.#kindBeforeThat = END;
    this.isVarying = this.hasSubquery = this.isBeforeBody = this.#hasInto = this.#awaitsColumns = false;
  }

  /** Reads to the end of the statement; or, if wanted, to a comma outside of parentheses. */
  scan(endsAtComma: boolean): void {
    let kind = this.lexer.next();
    while (kind !== END && kind !== SEMICOLON && !(endsAtComma && kind === COMMA && this.#depth <= 0)) {
      this.see(kind);
      kind = this.lexer.next();
    }
    this.#noCall();
    if (this.#awaitsColumns) this.flags |= Scanner.UNKNOWN_CALL;
  }

  /** Parentheses that are open. */
  get depth(): number {
    return this.#depth;
  }

  /** From the token it stands on to the end of a statement that is a write whatever comes; not far if it is long. Returns its flags. */
  scanWrite(): number {
    const { lexer } = this;
    lexer.stopAt(lexer.stop + WRITE_SCAN_BYTES);
    let flags = WRITE;
    for (let { kind } = lexer; kind !== END && kind !== SEMICOLON; kind = lexer.next()) {
      if (kind === USER_VARIABLE) flags |= USER_VARIABLE_READ;
      else if (kind === ASSIGN) flags |= USER_VARIABLE_WRITE;
      else if (kind === WORD && lexer.word === W.GET_LOCK) flags |= HELD;
    }
    return flags;
  }

  /** Takes in the token that the lexer stands on. */
  see(kind: number): void {
    const { lexer } = this;
    const { word } = lexer;
    switch (kind) {
      case WORD:
        if (word !== 0 && (TRAITS[word] as number) & (ALERT | VARYING)) this.#alert(word);
        break;
      case OPEN:
        if (lexer.previousKind === WORD || lexer.previousKind === NAME) this.#call();
        else if (lexer.previousKind === CLOSE && this.#depth === 0) this.isBeforeBody = false;
        this.#depth++;
        break;
      case CLOSE:
        this.#depth--;
        break;
      case USER_VARIABLE:
        this.flags |= this.#hasInto ? WRITE | USER_VARIABLE_WRITE : USER_VARIABLE_READ;
        break;
      case ASSIGN:
        this.flags |= WRITE | USER_VARIABLE_WRITE;
        break;
      case SYSTEM_VARIABLE:
        this.#systemVariable(word);
        break;
    }
    if (kind !== OPEN) this.#noCall();
    this.#beforeThat = this.#before;
    this.#kindBeforeThat = lexer.previousKind;
    this.#before = kind === WORD ? word : 0;
  }

  /** The flags of a call that may do anything. */
  static readonly UNKNOWN_CALL = WRITE | OPAQUE;

  #alert(word: number): void {
    if ((TRAITS[word] as number) & VARYING) this.isVarying = true;
    switch (word) {
      case W.SELECT:
      case W.TABLE:
      case W.VALUES:
        this.hasSubquery = true;
        if (this.#depth === 0) this.isBeforeBody = false;
        return;
      case W.INTO:
        this.flags |= WRITE;
        this.#hasInto = true;
        return;
      case W.UPDATE:
      case W.DELETE:
      case W.LOCK:
        this.flags |= WRITE;
        return;
      case W.COLUMNS:
        if (this.lexer.previousKind === STRING) this.#awaitsColumns = false;
        return;
      case W.SHARE:
      case W.CONNECTION:
        if (this.#before === W.FOR) this.flags |= WRITE;
        return;
      case W.FOR:
        if (this.#before === W.VALUE) this.flags |= WRITE; // NEXT VALUE FOR
        return;
    }
  }

  /** INSERT(…) and REPLACE(…) are functions; without the parenthesis they are statements. */
  #noCall(): void {
    if (this.#before === W.INSERT || this.#before === W.REPLACE) this.flags |= WRITE;
  }

  #systemVariable(word: number): void {
    const traits = TRAITS[word] as number;
    if (traits & VARYING || this.lexer.scope === W.GLOBAL) this.isVarying = true;
    if (traits & PRIMARY_VARIABLE) this.flags |= WRITE;
    if (traits & STATEMENT_VARIABLE) this.flags |= LAST;
  }

  /** `) f (`, `'x' f (` and `AS t (` are no calls, nor are `WITH t (` and the next ones of its list. */
  #isNoCall(): boolean {
    if (this.#kindBeforeThat === CLOSE || this.#kindBeforeThat === STRING) return true;
    if (this.#kindBeforeThat === COMMA) return this.isBeforeBody && this.#depth === 0;
    const before = this.#beforeThat;
    return before !== 0 && (before === W.AS || before === W.WITH || before === W.RECURSIVE);
  }

  /** Nothing before the parenthesis; with IGNORE_SPACE blanks are nothing, comments are not. */
  #isAdjacent(): boolean {
    const { bytes, start, previousStop } = this.lexer;
    if ((this.mode & IGNORE_SPACE) === 0) return start === previousStop;
    for (let at = previousStop; at < start; at++) if (!isBlank(bytes[at] as number)) return false;
    return true;
  }

  /** A parenthesis behind a word or name: which function is it, if it is one at all? */
  #call(): void {
    if (this.#isNoCall()) return;
    if (this.#kindBeforeThat === DOT) {
      this.flags |= Scanner.UNKNOWN_CALL; // database.function
      return;
    }
    const word = this.#before;
    const traits = TRAITS[word] as number;
    if (traits & ADJACENT && !this.#isAdjacent()) {
      this.flags |= Scanner.UNKNOWN_CALL;
      return;
    }
    if (traits & this.#builtIn) {
      if (traits & VARYING) this.isVarying = true;
      return;
    }
    if (traits & OPENS) return;
    this.isVarying = true;
    if (word === W.FOUND_ROWS || word === W.ROW_COUNT) this.flags |= LAST;
    else if (word === W.ANALYSE && this.#beforeThat === W.PROCEDURE) return;
    else if (word === W.JSON_TABLE && !this.#awaitsColumns) this.#awaitsColumns = true;
    else if (word === W.GET_LOCK) this.flags |= WRITE | HELD;
    else this.flags |= traits & EFFECTIVE ? WRITE : Scanner.UNKNOWN_CALL;
  }
}
