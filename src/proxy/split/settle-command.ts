import { classify } from "../../sql/classify.ts";
import { ORACLE, withCharacterSet, withSqlMode } from "../../sql/lexer-mode.ts";
import type { SessionChange } from "../../sql/session-change.ts";
import { sessionChanges } from "../../sql/session-changes.ts";
import { DEALLOCATE_TEXT, MULTI, OPAQUE, PREPARE_TEXT, SET, USE } from "../../sql/statement-flags.ts";
import { COMMAND } from "../../wire/command.ts";
import { STATUS } from "../../wire/ok-packet.ts";
import { HEADER_BYTES } from "../../wire/packet.ts";
import type { Command } from "./command.ts";
import type { ServerLeg } from "./server-leg.ts";
import type { SessionContext } from "./session-context.ts";

const TEXT_OFFSET = HEADER_BYTES + 1;
const HAS_CHANGES = SET | USE | PREPARE_TEXT | DEALLOCATE_TEXT;
/** What servers allow by default for all their clients together. */
const MOST_NAMED = 16_382;

/** A command has been answered with success by `leg`: the session is now what it made of it. */
export function settleCommand(command: Command, leg: ServerLeg, context: SessionContext): void {
  const { facts, rules, history } = context;
  const { code, flags } = command;
  switch (code) {
    case COMMAND.QUERY:
    case COMMAND.STMT_EXECUTE:
    case COMMAND.STMT_BULK_EXECUTE:
      facts.executed(flags);
      if ((flags & MULTI) !== 0 && rules.strictMultiStatements) facts.isPinned = true;
      if ((flags & OPAQUE) !== 0 && rules.strictCalls) facts.isPinned = true;
      if (code === COMMAND.QUERY && !command.isLong) settleQuery(command, context);
      if (command.statement !== undefined) {
        command.statement.longDataOn = undefined;
        command.statement.hasCursor = (leg.reply.status & STATUS.CURSOR_EXISTS) !== 0;
      }
      return;
    case COMMAND.STMT_PREPARE:
      addStatement(command, leg, context);
      return;
    case COMMAND.STMT_RESET:
      if (command.statement !== undefined) command.statement.longDataOn = undefined;
      return;
    case COMMAND.INIT_DB:
      facts.database = command.bytes.toString("utf8", TEXT_OFFSET);
      history.keep(command.id, owned(command.bytes), "database");
      return;
    case COMMAND.SET_OPTION:
      history.keep(command.id, owned(command.bytes), "option");
  }
}

function settleQuery(command: Command, context: SessionContext): void {
  const { facts, history, rules } = context;
  const { bytes, flags } = command;
  let sets: string | undefined;
  if ((flags & HAS_CHANGES) !== 0) {
    const changes = sessionChanges(bytes, TEXT_OFFSET, bytes.length, facts.mode);
    for (const change of changes) apply(change, context);
    sets = keyOf(changes);
  }
  if (command.destination !== "everywhere") return;
  // A transaction that is repeated begins with what it began with.
  const mayBeRepeated = rules.replay !== undefined && facts.transaction !== undefined;
  history.keep(command.id, owned(bytes), mayBeRepeated ? undefined : sets);
}

function apply(change: SessionChange, { facts, named }: SessionContext): void {
  switch (change.kind) {
    case "database":
      facts.database = change.name;
      return;
    case "prepare":
      if (named.size >= MOST_NAMED) return;
      if (change.text === undefined) named.delete(change.name);
      else named.set(change.name, classify(change.text, 0, change.text.length, facts.mode));
      return;
    case "role":
      facts.hasRole = true;
      return;
    case "deallocate":
      named.delete(change.name);
      return;
    case "names":
    case "character-set":
      setCharacterSet(facts, change.characterSet);
      return;
    case "variable":
      if (change.name === "sql_mode") setSqlMode(facts, change.value);
      else if (change.name === "character_set_client") setCharacterSet(facts, change.value);
      return;
    default:
  }
}

type Facts = SessionContext["facts"];

function setSqlMode(facts: Facts, value: string | undefined): void {
  if (value === undefined) facts.isModeUnknown = true;
  else facts.mode = withSqlMode(facts.mode, value);
}

function setCharacterSet(facts: Facts, name: string | undefined): void {
  if (name === undefined) facts.isModeUnknown = true;
  else facts.mode = withCharacterSet(facts.mode, name);
}

/** The mode as the server itself tells it; undefined: it does not. */
export function settleMode(
  facts: Facts,
  sqlMode: string | undefined,
  characterSet: string | undefined,
): void {
  facts.isModeUnknown = false;
  facts.mode =
    sqlMode === undefined || characterSet === undefined
      ? facts.mode | ORACLE // nothing is taken for a read
      : withCharacterSet(withSqlMode(facts.mode, sqlMode), characterSet);
}

/** What a command sets, if a later one with the same key makes it void. */
function keyOf(changes: readonly SessionChange[]): string | undefined {
  const keys: string[] = [];
  for (const change of changes) {
    const key = keyOfChange(change);
    if (key === undefined) return undefined;
    keys.push(key);
  }
  return keys.length === 0 ? undefined : keys.sort().join();
}

function keyOfChange(change: SessionChange): string | undefined {
  switch (change.kind) {
    case "variable":
      return change.value === undefined ? undefined : change.name;
    case "names":
    case "character-set":
    case "role":
    case "database":
      return change.kind;
    default:
      return undefined;
  }
}

function addStatement(command: Command, leg: ServerLeg, { facts, statements }: SessionContext): void {
  const { statementId, parameters } = leg.reply;
  const { id, flags } = command;
  leg.prepared.set(id, { id: statementId, types: undefined });
  statements.add({
    id,
    command: owned(command.bytes),
    flags,
    database: facts.database,
    parameters,
    types: undefined,
    executedOn: undefined,
    hasCursor: false,
    longDataOn: undefined,
  });
}

/** Bytes that may be kept: a view would keep all that was read with them. */
export function owned(bytes: Buffer): Buffer {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : Buffer.from(Uint8Array.from(bytes).buffer);
}
