import { W } from "./known-words.ts";
import {
  ASSIGN,
  CLOSE,
  COMMA,
  DOT,
  END,
  EQUAL,
  Lexer,
  NAME,
  NUMBER,
  OPEN,
  SEMICOLON,
  STRING,
  SYSTEM_VARIABLE,
  USER_VARIABLE,
  WORD,
} from "./lexer.ts";
import { NO_BACKSLASH_ESCAPES } from "./lexer-mode.ts";
import type { SessionChange } from "./session-change.ts";
import { isName, systemVariableName, tokenBytes, tokenText } from "./token-text.ts";

/**
 * What a statement with one of SESSION, SET, USE, PREPARE_TEXT, DEALLOCATE_TEXT changes in the session, in order; of several
 * statements what all of them change. Global variables and SET TRANSACTION are none.
 */
export function sessionChanges(
  bytes: Uint8Array,
  from: number,
  to: number,
  mode: number,
): readonly SessionChange[] {
  const reader = new ChangeReader(bytes, from, to, mode);
  return reader.read();
}

/** The prepared statement that an EXECUTE runs, in lower case: their names are without case. */
export function executedName(bytes: Uint8Array, from: number, to: number, mode: number): string | undefined {
  const lexer = new Lexer();
  lexer.open(bytes, from, to, mode);
  if (lexer.next() !== WORD || lexer.word !== W.EXECUTE || !isName(lexer.next())) return undefined;
  return tokenText(lexer, false).toLowerCase();
}

class ChangeReader {
  readonly #lexer = new Lexer();
  readonly #hasEscapes: boolean;
  readonly #changes: SessionChange[] = [];

  constructor(bytes: Uint8Array, from: number, to: number, mode: number) {
    this.#lexer.open(bytes, from, to, mode);
    this.#hasEscapes = (mode & NO_BACKSLASH_ESCAPES) === 0;
  }

  read(): readonly SessionChange[] {
    const lexer = this.#lexer;
    do {
      lexer.next();
      this.#statement(lexer.word);
      while (!this.#isAtEnd) lexer.next();
    } while (lexer.kind === SEMICOLON);
    return this.#changes;
  }

  get #isAtEnd(): boolean {
    return this.#lexer.kind === END || this.#lexer.kind === SEMICOLON;
  }

  get #text(): string {
    return tokenText(this.#lexer, this.#hasEscapes);
  }

  #statement(verb: number): void {
    const lexer = this.#lexer;
    switch (verb) {
      case W.USE:
        if (isName(lexer.next())) this.#changes.push({ kind: "database", name: this.#text });
        return;
      case W.PREPARE:
        this.#prepare();
        return;
      case W.DEALLOCATE:
      case W.DROP:
        if (lexer.next() === WORD && lexer.word === W.PREPARE && isName(lexer.next()))
          this.#changes.push({ kind: "deallocate", name: this.#text.toLowerCase() });
        return;
      case W.SET:
        if (lexer.next() !== WORD || lexer.word !== W.STATEMENT) this.#list();
    }
  }

  #prepare(): void {
    const lexer = this.#lexer;
    if (!isName(lexer.next())) return;
    const name = this.#text.toLowerCase();
    lexer.next(); // FROM
    const isLiteral = lexer.next() === STRING;
    const text = isLiteral ? tokenBytes(lexer, this.#hasEscapes) : undefined;
    lexer.next();
    this.#changes.push({ kind: "prepare", name, text: this.#isAtEnd ? text : undefined });
  }

  #list(): void {
    const lexer = this.#lexer;
    for (;;) {
      const change = this.#item();
      if (change !== undefined) this.#changes.push(change);
      let depth = 0;
      while (!this.#isAtEnd && (depth > 0 || lexer.kind !== COMMA)) {
        if (lexer.kind === OPEN) depth++;
        if (lexer.kind === CLOSE) depth--;
        lexer.next();
      }
      if (this.#isAtEnd) return;
      lexer.next();
    }
  }

  #item(): SessionChange | undefined {
    const lexer = this.#lexer;
    const { kind } = lexer;
    if (kind === USER_VARIABLE) return { kind: "user-variable", name: this.#text.toLowerCase() };
    if (kind === SYSTEM_VARIABLE) {
      const { scope } = lexer;
      const isSession = scope !== W.GLOBAL && scope !== W.PERSIST && scope !== W.PERSIST_ONLY;
      return isSession ? this.#variable(systemVariableName(lexer)) : undefined;
    }
    if (kind === NAME) return this.#variable(this.#text.toLowerCase());
    return kind === WORD ? this.#worded(lexer.word) : undefined;
  }

  #worded(word: number): SessionChange | undefined {
    switch (word) {
      case W.GLOBAL:
      case W.PERSIST:
      case W.PERSIST_ONLY:
      case W.PASSWORD:
      case W.DEFAULT:
      case W.RESOURCE:
        return undefined;
      case W.TRANSACTION:
        this.#skip();
        return undefined;
      case W.SESSION:
      case W.LOCAL:
        this.#lexer.next();
        if (this.#lexer.word !== W.TRANSACTION) return this.#variable(this.#text.toLowerCase());
        this.#skip();
        return { kind: "transaction" };
      case W.ROLE:
        return { kind: "role" };
      case W.NAMES:
      case W.CHARSET:
        return this.#names(word === W.NAMES ? "names" : "character-set");
      case W.CHARACTER:
        this.#lexer.next();
        return this.#names("character-set");
      default:
        return this.#variable(this.#text.toLowerCase());
    }
  }

  /** TRANSACTION …, whose commas are its own. */
  #skip(): void {
    while (!this.#isAtEnd) this.#lexer.next();
  }

  #names(kind: "names" | "character-set"): SessionChange {
    const lexer = this.#lexer;
    const isKnown = isName(lexer.next()) && lexer.word !== W.DEFAULT;
    const characterSet = isKnown ? this.#text.toLowerCase() : undefined;
    if (!this.#isAtEnd) lexer.next();
    const hasCollation = lexer.word === W.COLLATE && isName(lexer.next()) && lexer.word !== W.DEFAULT;
    return { kind, characterSet, collation: hasCollation ? this.#text.toLowerCase() : undefined };
  }

  #variable(first: string): SessionChange | undefined {
    const lexer = this.#lexer;
    let name = first;
    let kind = lexer.next();
    while (kind === DOT || kind === WORD || kind === NAME) {
      name += this.#text.toLowerCase();
      kind = lexer.next();
    }
    if (kind !== EQUAL && kind !== ASSIGN) return undefined;
    kind = lexer.next();
    const isLiteral = (isName(kind) || kind === NUMBER) && lexer.word !== W.DEFAULT;
    const value = isLiteral ? this.#text : undefined;
    if (!this.#isAtEnd && kind !== COMMA && kind !== OPEN) kind = lexer.next();
    return { kind: "variable", name, value: this.#isAtEnd || kind === COMMA ? value : undefined };
  }
}
