import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as modes from "../../src/sql/lexer-mode.ts";

/** A line of src/sql/statements.txt. */
export interface StatementCase {
  readonly heading: string;
  /** Names of flags, sorted, with blanks between them. */
  readonly expected: string;
  readonly mode: number;
  readonly statement: Buffer;
}

const TABLE = fileURLToPath(new URL("../../src/sql/statements.txt", import.meta.url));
const MODES: ReadonlyMap<string, unknown> = new Map(Object.entries(modes));

export function statementTable(): readonly StatementCase[] {
  const [, ...sections] = readFileSync(TABLE, "utf8").split(/^= /m);
  return sections.flatMap((section) => {
    const [heading = "", ...lines] = section.split("\n");
    return lines.filter((line) => line !== "").map((line) => caseOf(heading, line));
  });
}

function caseOf(heading: string, line: string): StatementCase {
  const parts = /^([A-Z_ ]+?) \| ?(?:\[([A-Z_ ]+)\] )?(.*)$/.exec(line);
  if (!parts) throw new Error(`not a case: ${line}`);
  const [, expected = "", names = "", statement = ""] = parts;
  const mode = names
    .split(" ")
    .filter(Boolean)
    .reduce((bits, name) => bits | modeBit(name), 0);
  return { heading, expected: expected.split(" ").toSorted().join(" "), mode, statement: bytesOf(statement) };
}

function modeBit(name: string): number {
  const bit = MODES.get(name);
  if (typeof bit !== "number") throw new Error(`no mode: ${name}`);
  return bit;
}

function bytesOf(statement: string): Buffer {
  const parts = statement.replaceAll("⏎", "\n").split(/«([0-9A-F]{2})»/);
  return Buffer.concat(parts.map((part, i) => (i % 2 === 0 ? Buffer.from(part) : Buffer.from(part, "hex"))));
}
