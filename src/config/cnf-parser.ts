import { trimBlanks } from "./blanks.ts";
import type { Place, Problem } from "./problem.ts";

/** One `name = value` of a section, as written, with where it stands. */
export interface CnfParameter {
  readonly name: string;
  readonly value: string;
  readonly at: Place;
  /** The value stood in quotes: it is taken as it is, `$NAME` included. */
  readonly quoted: boolean;
}

export interface CnfSection {
  readonly name: string;
  readonly at: Place;
  readonly parameters: readonly CnfParameter[];
}

export interface CnfText {
  readonly sections: readonly CnfSection[];
  readonly problems: readonly Problem[];
}

/** A list of two hundred servers on one line fits in this many times over; a longer line is not configuration. */
const MAX_LINE = 65_536;

/**
 * Parses one file of the MaxScale dialect. It never throws: what it does not understand is a problem with its line, and it goes on.
 *
 *   [db1]                         a section; its name may hold blanks
 *   address = 10.0.0.1   # words  a comment begins with # or ; at the start of a line or after a blank
 *   password = "a # b"            quotes keep blanks and comment signs; a doubled quote stands for one
 *   servers = db1,                an indented line without `name =`, or after a comma, continues the value;
 *             db2                 the parts are joined by a comma, as MaxScale does
 */
export function parseCnf(file: string, text: string): CnfText {
  const parser = new CnfParser(file);
  for (const [index, line] of text
    .replace(/^\ufeff/, "")
    .split("\n")
    .entries())
    parser.line(line, index + 1);
  return parser.result();
}

interface OpenSection extends CnfSection {
  readonly parameters: CnfParameter[];
}

class CnfParser {
  readonly #file: string;
  readonly #sections: OpenSection[] = [];
  readonly #problems: Problem[] = [];
  #section: OpenSection | undefined;
  /** The last parameter, where the next line may continue it. */
  #open: CnfParameter | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  result(): CnfText {
    return { sections: this.#sections, problems: this.#problems };
  }

  line(raw: string, number: number): void {
    const at = { file: this.#file, line: number };
    if (raw.length > MAX_LINE) {
      this.#problem(at, undefined, `the line has ${raw.length} characters`, `at most ${MAX_LINE} are read`);
      return;
    }
    const line = trimBlanks(raw);
    if (line === "" || line.startsWith("#") || line.startsWith(";")) return;
    if (/^[ \t]/.test(raw) && this.#continues(line, at)) return;
    this.#open = undefined;
    if (line.startsWith("[")) this.#openSection(line, at);
    else this.#parameter(line, at);
  }

  #continues(line: string, at: Place): boolean {
    const open = this.#open;
    if (open === undefined || this.#section === undefined) return false;
    const listGoesOn = open.value.endsWith(",");
    if (!listGoesOn && (line.startsWith("[") || PARAMETER.test(line))) return false;
    const text = this.#value(line, at);
    const comma = listGoesOn || text.value.startsWith(",") || open.value === "" || text.value === "";
    const joined = { ...open, value: `${open.value}${comma ? "" : ","}${text.value}` };
    this.#section.parameters[this.#section.parameters.length - 1] = joined;
    this.#open = joined;
    return true;
  }

  #openSection(line: string, at: Place): void {
    const [, label = "", bracket, rest = ""] = /^\[([^\]]*)(\]?)(.*)$/s.exec(line) ?? [];
    const name = trimBlanks(label);
    this.#section = { name, at, parameters: [] };
    if (name !== "") this.#sections.push(this.#section);
    if (name === "" || bracket === "" || withoutComment(rest) !== "") {
      this.#problem(at, undefined, "the section header is not understood", "write it as [name]");
    }
  }

  #parameter(line: string, at: Place): void {
    const [, name, rest] = PARAMETER.exec(line) ?? [];
    if (name === undefined || rest === undefined) {
      // The line itself is not shown: it may hold a password.
      this.#problem(at, undefined, "neither a section nor a parameter", "write [name] or name = value");
      return;
    }
    if (this.#section === undefined) {
      this.#problem(
        at,
        name,
        "a parameter stands before the first section",
        "write a line such as [sluice] above it",
      );
      return;
    }
    const parameter = { name: name.replaceAll("-", "_"), at, ...this.#value(rest, at) };
    this.#section.parameters.push(parameter);
    this.#open = parameter.quoted ? undefined : parameter;
  }

  /** `rest` is what follows the equals sign, its blanks included: `= #x` is a comment, `=#x` is a value. */
  #value(rest: string, at: Place): { readonly value: string; readonly quoted: boolean } {
    const text = trimBlanks(rest);
    const quote = text.charAt(0);
    if (quote !== '"' && quote !== "'") return { value: withoutComment(rest), quoted: false };
    const end = closingQuote(text, quote);
    const after = text.slice(end + 1);
    if (end < 0 || withoutComment(after) !== "") {
      const wrong =
        end < 0 ? `the quote ${quote} is never closed` : `words stand after the closing quote ${quote}`;
      const right = `put the whole value in quotes, and double a ${quote} inside it`;
      this.#problem(at, undefined, wrong, right);
      return { value: text, quoted: false };
    }
    return { value: text.slice(1, end).replaceAll(quote + quote, quote), quoted: true };
  }

  #problem(at: Place, parameter: string | undefined, wrong: string, right: string): void {
    this.#problems.push({ at, section: this.#section?.name, parameter, found: undefined, wrong, right });
  }
}

const PARAMETER = /^([A-Za-z0-9_@][A-Za-z0-9_.@-]*)[ \t]*=(.*)$/s;

/** Cuts at a # or ; that follows a blank. */
function withoutComment(text: string): string {
  return trimBlanks(text.replace(/[ \t][#;].*$/s, ""));
}

/** Where the value in quotes ends; -1: nowhere. */
function closingQuote(text: string, quote: string): number {
  for (let i = 1; i < text.length; i += 1) {
    if (text.charAt(i) !== quote) continue;
    if (text.charAt(i + 1) !== quote) return i;
    i += 1;
  }
  return -1;
}
