/**
 * Option files of the mysql client (my.cnf): which files are read, in which order, and what each line says. The reading follows
 * mysys/my_default.c of MariaDB line by line; my_print_defaults is the judge (test/e2e/my-print-defaults.test.ts).
 *
 *   /etc/my.cnf, /etc/mysql/my.cnf, defaults_extra_file, ~/.my.cnf ──▶ readMyCnf ──options in order──▶ clientOptions
 *                    └─ !include FILE, !includedir DIR
 *
 * Unlike the client, an option before the first [group] of an included file is an error here, not a line on stderr.
 */
import { SluiceError } from "../errors/sluice-error.ts";
import { trimBlanks } from "./blanks.ts";
import type { FileAccess } from "./file-access.ts";
import { formatPlace, type Place } from "./problem.ts";

/** One option line. `name` as it is written; `value` is undefined for a bare name such as `ssl`. */
export interface MyCnfOption {
  readonly name: string;
  readonly value: string | undefined;
  readonly at: Place;
}

export interface MyCnfRequest {
  /** Groups to take, e.g. `["client", "client-server", "client-mariadb"]`. */
  readonly groups: readonly string[];
  /** Read besides the standard files, before ~/.my.cnf; it must exist. */
  readonly extraFile?: string | undefined;
  /** Read this file alone; it must exist. */
  readonly onlyFile?: string | undefined;
  /** The home directory, for ~/.my.cnf; undefined: that file is left out. */
  readonly home?: string | undefined;
}

export interface MyCnfResult {
  readonly options: readonly MyCnfOption[];
  /** Files ignored, in one sentence each. */
  readonly warnings: readonly string[];
}

/** The groups that a client program of MariaDB reads. */
export const CLIENT_GROUPS: readonly string[] = ["client", "client-server", "client-mariadb"];

const MAX_INCLUDE_DEPTH = 10;
/** A directory that includes itself from many files grows as a tree; no sane set of option files is that large. */
const MAX_FILES = 1_000;

/** Reads the option files that a client would. Throws CONFIG_INVALID, with file and line, where the client would give up. */
export function readMyCnf(request: MyCnfRequest, files: FileAccess): MyCnfResult {
  return new MyCnfReader(request.groups, files).run(request);
}

class MyCnfReader {
  readonly #groups: ReadonlySet<string>;
  readonly #files: FileAccess;
  readonly #options: MyCnfOption[] = [];
  readonly #warnings: string[] = [];
  #filesRead = 0;

  constructor(groups: readonly string[], files: FileAccess) {
    this.#groups = new Set(groups);
    this.#files = files;
  }

  run({ onlyFile, extraFile, home }: MyCnfRequest): MyCnfResult {
    if (onlyFile !== undefined) this.#readRequired(onlyFile);
    else {
      this.#readStandard("/etc/my.cnf");
      this.#readStandard("/etc/mysql/my.cnf");
      if (extraFile !== undefined) this.#readRequired(extraFile);
      if (home !== undefined) this.#readStandard(`${home}/.my.cnf`);
    }
    return { options: this.#options, warnings: this.#warnings };
  }

  /** Nobody has named this file: one that may not be read is passed over. xinetd runs a check as nobody with HOME=/root. */
  #readStandard(path: string): void {
    try {
      this.#read(path, []);
    } catch (error) {
      if (!(error instanceof SluiceError) || error.code !== "IO_FAILED") throw error;
      this.#warnings.push(`${path} is ignored: ${error.message}`);
    }
  }

  #readRequired(path: string): void {
    if (this.#read(path, [])) return;
    throw new SluiceError("CONFIG_INVALID", `the defaults file ${path} does not exist`);
  }

  /** `chain` holds the files that led here. Returns false where there is no such file. */
  #read(path: string, chain: readonly string[]): boolean {
    const file = this.#files.read(path);
    if (file === undefined) return false;
    if ((file.mode & 0o002) !== 0) {
      // As the mysql client does: whoever can write it could have us log in elsewhere.
      this.#warnings.push(`${path} is ignored: every user may write it; chmod o-w ${path}`);
      return true;
    }
    this.#filesRead += 1;
    if (this.#filesRead > MAX_FILES) {
      throw new SluiceError("CONFIG_INVALID", `more than ${MAX_FILES} option files are included: ${path}`);
    }
    this.#parse(path, file.text, [...chain, path]);
    return true;
  }

  #parse(path: string, text: string, chain: readonly string[]): void {
    let group: string | undefined;
    for (const [index, raw] of text.split("\n").entries()) {
      const line = trimBlanks(raw);
      const at = { file: path, line: index + 1 };
      if (line === "" || line.startsWith("#") || line.startsWith(";")) continue;
      if (line.startsWith("!")) this.#directive(line, at, chain);
      else if (line.startsWith("[")) group = groupName(line, at);
      else if (group === undefined) {
        throw invalid(
          at,
          "an option stands before the first [group]; write a line such as [client] above it",
        );
      } else if (this.#groups.has(group)) this.#options.push(parseOption(line, at));
    }
  }

  #directive(line: string, at: Place, chain: readonly string[]): void {
    const [, name, gap, argument] = /^!(includedir|include)(\s*)(.*)$/s.exec(line) ?? [];
    if (name === undefined || argument === undefined) return; // the client passes over what it does not know
    if (argument === "" || gap === "") {
      throw invalid(at, `!${name} needs a path after a space: !${name} /etc/mysql/conf.d`);
    }
    if (chain.length > MAX_INCLUDE_DEPTH || chain.includes(argument)) {
      const why = chain.includes(argument)
        ? "it includes itself"
        : `more than ${MAX_INCLUDE_DEPTH} files deep`;
      throw invalid(at, `!${name} ${argument}: ${why} (${chain.join(" -> ")})`);
    }
    if (name === "include") this.#read(argument, chain);
    else this.#includeDirectory(argument, at, chain);
  }

  #includeDirectory(directory: string, at: Place, chain: readonly string[]): void {
    const entries = this.#files.list(directory);
    if (entries === undefined) throw invalid(at, `!includedir ${directory}: there is no such directory`);
    for (const { name, directory: isDirectory } of entries) {
      if (isDirectory || !name.endsWith(".cnf")) continue;
      const path = `${directory.replace(/\/+$/, "")}/${name}`;
      if (chain.includes(path)) throw invalid(at, `!includedir ${directory}: ${path} includes itself`);
      this.#read(path, chain);
    }
  }
}

function invalid(at: Place, what: string): SluiceError {
  return new SluiceError("CONFIG_INVALID", `${formatPlace(at)}: ${what}`);
}

/** `[client] # words`: what follows the bracket is not looked at, and blanks count only at the front of the name. */
function groupName(line: string, at: Place): string {
  const end = line.indexOf("]");
  if (end < 0) throw invalid(at, `the group ${line} has no closing bracket`);
  return line.slice(1, end).trimEnd();
}

function parseOption(line: string, at: Place): MyCnfOption {
  const text = withoutComment(line);
  const equals = text.indexOf("=");
  if (equals < 0) return { name: text, value: undefined, at };
  return {
    name: text.slice(0, equals).trimEnd(),
    value: unescaped(unquoted(trimBlanks(text.slice(equals + 1)))),
    at,
  };
}

/** Cuts at the first # outside quotes. A backslash keeps a quote from ending only inside quotes, as in the server's code. */
function withoutComment(line: string): string {
  let quote = "";
  let escaped = false;
  for (let i = 0; i < line.length; i += 1) {
    const char = line.charAt(i);
    if ((char === "'" || char === '"') && !escaped) {
      if (quote === "") quote = char;
      else if (quote === char) quote = "";
    }
    if (quote === "" && char === "#") return line.slice(0, i).trimEnd();
    escaped = quote !== "" && char === "\\" && !escaped;
  }
  return line;
}

function unquoted(text: string): string {
  const first = text.charAt(0);
  const quoted = text.length >= 2 && (first === '"' || first === "'") && text.endsWith(first);
  return quoted ? text.slice(1, -1) : text;
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  b: "\b",
  s: " ",
  '"': '"',
  "'": "'",
  "\\": "\\",
};

/** An unknown escape keeps its backslash, and so does one at the very end. */
function unescaped(text: string): string {
  return text.replace(/\\(.)/gs, (both, char: string) => ESCAPES[char] ?? both);
}
