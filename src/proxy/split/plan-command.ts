import { classify } from "../../sql/classify.ts";
import { PARTIAL } from "../../sql/lexer-mode.ts";
import { executedName } from "../../sql/session-changes.ts";
import {
  BEGIN,
  COMMIT,
  EXECUTE_TEXT,
  HINTS,
  KILL,
  LOCK_TABLES,
  PIN,
  READ,
  ROLLBACK,
  ROUTES,
  SESSION,
  USER_VARIABLE_READ,
  WRITE,
} from "../../sql/statement-flags.ts";
import { COMMAND } from "../../wire/command.ts";
import type { WireError } from "../../wire/error-packet.ts";
import { HEADER_BYTES } from "../../wire/packet.ts";
import type { Command } from "./command.ts";
import { type Destination, destinationOf } from "./destination.ts";
import { queryPacket } from "./own-packets.ts";
import { Unheard } from "./prepare-elsewhere.ts";
import type { SessionContext } from "./session-context.ts";
import type { SessionFacts } from "./session-facts.ts";

/** What is to be done with a command, once plan() has filled it in. */
export type Plan =
  | "send"
  /** Answered with OK, without a server. */
  | "ok"
  | "quit"
  | "kill"
  | "change user"
  | "close statement"
  | WireError;

const TEXT_OFFSET = HEADER_BYTES + 1;
/** Beyond the command's byte and the statement's number. */
const EXECUTE_FLAGS_OFFSET = TEXT_OFFSET + 4;

/** Decides where a command goes. */
export function planCommand(command: Command, context: SessionContext): Plan {
  switch (command.code) {
    case COMMAND.QUERY:
      return planQuery(command, context);
    case COMMAND.STMT_EXECUTE:
    case COMMAND.STMT_BULK_EXECUTE:
      return planExecute(command, context);
    case COMMAND.STMT_PREPARE:
      return planPrepare(command, context);
    case COMMAND.STMT_SEND_LONG_DATA:
      return planLongData(command, context);
    case COMMAND.STMT_FETCH:
    case COMMAND.STMT_RESET:
      return planOfStatement(command, context);
    case COMMAND.STMT_CLOSE:
      command.statement = context.statements.named(command.bytes);
      return "close statement";
    case COMMAND.QUIT:
      return "quit";
    case COMMAND.CHANGE_USER:
      return "change user";
    case COMMAND.PROCESS_KILL:
      return "kill";
    case COMMAND.INIT_DB:
    case COMMAND.SET_OPTION:
    case COMMAND.RESET_CONNECTION:
      return to(command, "everywhere", SESSION);
    case COMMAND.PING:
      return to(command, within(context, "last"), READ);
    case COMMAND.FIELD_LIST:
      return to(command, destinationOf(READ, context.facts, context.rules), READ);
    case COMMAND.STATISTICS:
    case COMMAND.PROCESS_INFO:
    case COMMAND.DEBUG:
    case COMMAND.REFRESH:
    case COMMAND.CREATE_DB:
    case COMMAND.DROP_DB:
    case COMMAND.SHUTDOWN:
      return to(command, within(context, "primary"), WRITE);
    case COMMAND.BINLOG_DUMP:
    case COMMAND.BINLOG_DUMP_GTID:
    case COMMAND.REGISTER_SLAVE:
    case COMMAND.TABLE_DUMP:
      return REPLICATION;
    default:
      return { errno: 1047, sentence: `Unknown command ${command.code}` };
  }
}

const REPLICATION: WireError = {
  errno: 1235,
  sqlState: "42000",
  sentence: "Replication is not passed on here; let the replica connect to the server itself",
};

function to(command: Command, destination: Destination, flags: number): Plan {
  command.destination = destination;
  command.flags = flags;
  return "send";
}

/** In a transaction everything goes to its server. */
const within = ({ facts }: SessionContext, otherwise: Destination): Destination =>
  facts.transaction !== undefined ? "transaction" : facts.needsPrimary ? "primary" : otherwise;

function classified(command: Command, { facts }: SessionContext): number {
  const { bytes, isLong } = command;
  return classify(bytes, TEXT_OFFSET, bytes.length, isLong ? facts.mode | PARTIAL : facts.mode);
}

function planQuery(command: Command, context: SessionContext): Plan {
  const { facts, rules } = context;
  let flags = classified(command, context);
  if ((flags & (KILL | EXECUTE_TEXT)) !== 0) {
    if ((flags & KILL) !== 0) return "kill";
    flags = flagsOfExecute(command, context, flags);
  }
  if (facts.isReadOnly && (flags & (BEGIN | LOCK_TABLES)) !== 0) endReadOnly(flags, facts);
  command.flags = flags;
  command.destination = destinationOf(flags, facts, rules);
  // What is too long to be repeated cannot be told to other servers.
  if (command.isLong && command.destination === "everywhere") {
    facts.isPinned = true;
    command.destination = within(context, "primary");
  }
  return "send";
}

/** What ends a transaction by beginning something that belongs on the primary would begin it on the replica: ends it there first. */
function endReadOnly(flags: number, facts: SessionFacts): void {
  if ((flags & (COMMIT | ROLLBACK)) !== 0) return;
  facts.transaction?.send(COMMIT_PACKET, new Unheard(COMMAND.QUERY));
  facts.transaction = undefined;
  facts.isReadOnly = false;
}

const COMMIT_PACKET = queryPacket("COMMIT");

/** EXECUTE name: what it runs has been seen when it was prepared, and leaves behind what it leaves behind by itself. */
function flagsOfExecute({ bytes }: Command, { facts, named }: SessionContext, flags: number): number {
  const name = executedName(bytes, TEXT_OFFSET, bytes.length, facts.mode);
  const ofStatement = name === undefined ? undefined : named.get(name);
  // PREPARE … FROM @variable: it may be anything.
  if (ofStatement === undefined) return flags | PIN;
  switch (ofStatement & ROUTES) {
    case READ:
      // Its parameters are user variables.
      return (flags & ~ROUTES) | ofStatement | USER_VARIABLE_READ;
    case SESSION:
      // Only the primary executes it: EXECUTE is no part of the history, as the statement may be gone by then.
      return flags | PIN;
    default:
      return flags | (ofStatement & ~(ROUTES | HINTS));
  }
}

function planPrepare(command: Command, context: SessionContext): Plan {
  const { facts, rules, statements } = context;
  if (statements.isFull)
    return { errno: 1461, sqlState: "42000", sentence: "Too many prepared statements in this session" };
  if (command.isLong)
    return { errno: 1153, sentence: "A statement of more than 1 MiB cannot be prepared here" };
  command.flags = classified(command, context);
  const destination = destinationOf(command.flags, facts, rules);
  // Which servers will execute it shows when it is executed; one is enough for the answer.
  command.destination = destination === "everywhere" ? within(context, "primary") : destination;
  command.id = statements.nextId();
  return "send";
}

function planExecute(command: Command, context: SessionContext): Plan {
  const { facts, rules, statements } = context;
  const statement = statements.named(command.bytes);
  if (statement === undefined) return unknownStatement(command);
  const { flags } = statement;
  command.statement = statement;
  command.flags = flags;
  if (statement.longDataOn !== undefined) {
    if (statement.longDataOn.isClosed) return lostLongData(command);
    command.destination = "leg";
    command.leg = statement.longDataOn;
    return "send";
  }
  command.destination = destinationOf(flags, facts, rules);
  if (command.destination === "everywhere") {
    // Its parameters are in no text that could be repeated: from here on the primary alone has what it sets.
    facts.isPinned = true;
    command.destination = within(context, "primary");
  }
  return "send";
}

function planLongData(command: Command, context: SessionContext): Plan {
  const statement = context.statements.named(command.bytes);
  command.isSilent = true;
  if (statement === undefined) return "ok";
  command.statement = statement;
  const { longDataOn } = statement;
  if (longDataOn === undefined) command.destination = within(context, "primary");
  else if (longDataOn.isClosed)
    return "ok"; // the execution will be told
  else {
    command.destination = "leg";
    command.leg = longDataOn;
  }
  return "send";
}

/** Rows of a cursor, or an end of it. */
function planOfStatement(command: Command, context: SessionContext): Plan {
  const statement = context.statements.named(command.bytes);
  if (statement === undefined) return unknownStatement(command);
  const { executedOn, longDataOn } = statement;
  const leg = executedOn ?? longDataOn;
  const isReset = command.code === COMMAND.STMT_RESET;
  if (leg === undefined || leg.isClosed) {
    if (!isReset) return unknownStatement(command);
    statement.longDataOn = undefined;
    return "ok";
  }
  command.statement = statement;
  command.destination = "leg";
  command.leg = leg;
  return "send";
}

function unknownStatement({ bytes }: Command): WireError {
  const id = bytes.length >= EXECUTE_FLAGS_OFFSET ? bytes.readUInt32LE(TEXT_OFFSET) : 0;
  return { errno: 1243, sentence: `Unknown prepared statement handler (${id}) given to the proxy` };
}

function lostLongData({ statement }: Command): WireError {
  if (statement !== undefined) statement.longDataOn = undefined;
  return { errno: 1105, sentence: "The server that had been sent parts of a parameter has been lost" };
}
