// bun run bench/fuzz/classify.ts [seconds]: statements of the table, torn and glued, against another way of reading them.
import { randomInt } from "node:crypto";
import { classify } from "../../src/sql/classify.ts";
import { killTarget } from "../../src/sql/kill-target.ts";
import { routingHints } from "../../src/sql/routing-hints.ts";
import { executedName, sessionChanges } from "../../src/sql/session-changes.ts";
import { HINTS, LAST, READ, ROUTES } from "../../src/sql/statement-flags.ts";
import { statementTable } from "../../test/support/statement-table.ts";
import { visibleWords } from "../../test/support/visible-words.ts";

const SECONDS = Number(process.argv[2] ?? 60);
const SEED = Number(process.argv[3] ?? randomInt(2 ** 31));
const WRITERS: ReadonlySet<string> = new Set(["into", "update", "delete", "lock", "insert", "replace"]);
const PIECES = [
  "'",
  '"',
  "`",
  "\\",
  "/*",
  "*/",
  "/*!",
  "-- ",
  "#",
  "\n",
  ";",
  "(",
  ")",
  "@",
  ":=",
  ".",
  "--",
  "INTO ",
  "FOR UPDATE",
  "\0",
  "é",
];

/** xorshift32: the same statements again for the same seed. */
let state = SEED || 1;
function below(limit: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % limit;
}

const statements = statementTable().map(({ statement }) => statement);
const some = (): Buffer => statements[below(statements.length)] ?? Buffer.alloc(0);

function mutant(): Buffer {
  let bytes = some();
  for (let times = below(4); times >= 0; times--) {
    const at = below(bytes.length + 1);
    const other = some();
    const piece = Buffer.from(PIECES[below(PIECES.length)] ?? "");
    switch (below(4)) {
      case 0:
        bytes = Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
        break;
      case 1:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(4))]);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), other.subarray(below(other.length + 1))]);
        break;
      default:
        bytes = Buffer.concat([bytes, Buffer.from(" "), other]);
    }
  }
  return bytes;
}

function examine(bytes: Buffer, mode: number): string | undefined {
  const flags = classify(bytes, 0, bytes.length, mode);
  const route = flags & ROUTES;
  if (route === 0 || (route & (route - 1)) !== 0) return `routes: ${route}`;
  for (const details of [sessionChanges, routingHints, killTarget, executedName])
    details(bytes, 0, bytes.length, mode);
  const around = Buffer.concat([Buffer.from("' INTO /* "), bytes, Buffer.from(" INTO @x */ '")]);
  if (classify(around, 10, 10 + bytes.length, mode) !== flags) return "looks beyond its bytes";
  if ((flags & (READ | LAST)) === 0) return undefined;
  const text = bytes.toString("latin1");
  if (/\/\*[!M]|[\x80-\xff]/.test(text)) return undefined;
  const writer = visibleWords(text, mode).find((word) => WRITERS.has(word));
  if (writer !== undefined) return `a read with ${writer}`;
  const hinted = Buffer.concat([Buffer.from("/* sluice route to last */"), bytes]);
  return (classify(hinted, 0, hinted.length, mode) & ~HINTS) === (flags & ~HINTS)
    ? undefined
    : "a hint changes it";
}

console.log(`seed ${SEED}, ${SECONDS} seconds`);
const until = Date.now() + SECONDS * 1000;
let count = 0;
for (; Date.now() < until; count++) {
  const bytes = mutant();
  const mode = below(4);
  const problem = examine(bytes, mode);
  if (problem !== undefined) {
    console.error(
      `statement ${count}, mode ${mode}: ${problem}\n${JSON.stringify(bytes.toString("latin1"))}`,
    );
    process.exit(1);
  }
}
console.log(`${count} statements, nothing found`);
