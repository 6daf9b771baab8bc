import { readFileSync } from "node:fs";
import { text } from "../../config/values/text.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import { classify } from "../../sql/classify.ts";
import { decidingWords } from "../../sql/deciding-words.ts";
import { type FlagName, flagNames } from "../../sql/flag-names.ts";
import { modeOfCharacterSet, modeOfServer, modeOfSqlMode } from "../../sql/lexer-mode.ts";
import { type Command, type CommandSpec, option } from "../command.ts";
import { print } from "../output.ts";
import { formOf, parseArguments } from "../parse-arguments.ts";

const options = {
  "sql-mode": option(
    "mode",
    text("sql_mode as the server shows it"),
    "sql_mode of the session, e.g. ANSI_QUOTES",
  ),
  "character-set": option(
    "name",
    text("a character set"),
    "character_set_client of the session (default: utf8mb4)",
  ),
  "server-version": option(
    "version",
    text("a version"),
    "of the servers: 11.8.2-MariaDB, 8.4.2; they differ in their built-in functions (default: MariaDB 10.11)",
  ),
} as const;

const spec: CommandSpec<typeof options> = {
  name: "classify",
  summary: "Show where readwritesplit sends a statement, and why",
  details: [
    "Asks no server: it is the same judgement that router=readwritesplit makes of each statement. An open transaction, temporary tables and the service's parameters may send it to the primary all the same; see docs/statement-routing.md.",
    "With - the statement is read from standard input, which others cannot see, as they can the command line.",
  ],
  operands: "STATEMENT|-",
  maxOperands: 1,
  options,
  examples: [
    ['sluice classify "SELECT * FROM t FOR UPDATE"', "to the primary, because of FOR UPDATE"],
    ["sluice classify --sql-mode ANSI_QUOTES - < query.sql", "as a session with that sql_mode would send it"],
  ],
  exitCodes: [
    [0, "shown"],
    [2, "the command line is wrong"],
  ],
};

export const command: Command = {
  spec,
  async run(args) {
    const { values, operands } = parseArguments(spec, args);
    const [statement] = operands;
    if (statement === undefined) throw new SluiceError("USAGE", `the form is: ${formOf(spec)}`);
    const mode =
      modeOfSqlMode(values["sql-mode"] ?? "") |
      modeOfCharacterSet(values["character-set"] ?? "utf8mb4") |
      modeOfServer(values["server-version"] ?? "10.11-MariaDB");
    const bytes = statement === "-" ? readFileSync(0) : Buffer.from(statement);
    print(`${linesOf(bytes, mode).join("\n")}\n`);
    return 0;
  },
};

function linesOf(bytes: Buffer, mode: number): readonly string[] {
  const [route, ...others] = flagNames(classify(bytes, 0, bytes.length, mode));
  const place = route === "WRITE" || route === "LAST" ? decidingWords(bytes, mode) : undefined;
  const words = place && bytes.toString("utf8", place.from, Math.min(place.to, place.from + 100));
  const because = words === undefined ? "" : `, because of: ${words.replace(/\s+/g, " ")}`;
  return [
    `${route === undefined ? "" : MEANINGS[route]}${because}`,
    ...others.map((flag) => `  ${flag.padEnd(20)} ${MEANINGS[flag]}`),
  ];
}

const MEANINGS: Readonly<Record<FlagName, string>> = {
  READ: "To a replica",
  WRITE: "To the primary",
  SESSION: "To all servers of the session",
  LAST: "To the server of the statement before",
  BEGIN: "begins a transaction, which stays on one server",
  READ_ONLY: "the transaction is read only: it may run on a replica",
  COMMIT: "ends the transaction",
  ROLLBACK: "ends the transaction",
  RELEASE: "the server closes the connection afterwards",
  AUTOCOMMIT_ON: "ends an open transaction; statements are transactions of their own again",
  AUTOCOMMIT_OFF: "everything is a transaction from here on, on the primary",
  SET_TRANSACTION: "for the next transaction, which then runs on the primary",
  PREPARE_TEXT: "prepares a statement; where EXECUTE goes depends on its text",
  EXECUTE_TEXT: "executes a prepared statement: goes where the text of that one belongs",
  DEALLOCATE_TEXT: "removes a prepared statement",
  USE: "changes the default database",
  SET: "sets session variables",
  TEMPORARY_TABLE: "about a temporary table: only the primary has it, so all reads go there",
  MULTI: "several statements in one",
  HINT_MASTER: "a hint asks for the primary",
  HINT_SLAVE: "a hint asks for a replica; no hint sends a write there",
  HINT_SERVER: "a hint asks for a server by name",
  HINT_LAST: "a hint asks for the server of the statement before",
  HINT_OTHER: "a hint of another kind: begin, end, prepare, a parameter, or several",
  LOAD_LOCAL: "the client sends a file",
  IMPLICIT_COMMIT: "commits an open transaction",
  USER_VARIABLE_READ: "reads user variables",
  USER_VARIABLE_WRITE: "sets user variables",
  LOCK_TABLES: "locks tables: everything goes to the primary until UNLOCK TABLES",
  UNLOCK_TABLES: "unlocks tables",
  OPAQUE: "runs code that is not in the statement: what it does cannot be seen",
  KILL: "ends another session or its statement",
  PIN: "changes the session on the primary alone: the session stays there",
  HELD: "leaves something that is lost with the connection: a user lock, table locks, a handler, a temporary table",
};
