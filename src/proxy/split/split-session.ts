/**
 * proxy/split/: sessions whose reads and writes go to different servers. May import wire/, sql/, topology/, system/ and the other
 * folders of proxy/. docs/decisions/0031 tells how it is cut.
 *
 *   client ─▶ CommandReader ─▶ planCommand ─▶ Destination ─▶ LegSet ─▶ ServerLeg ─▶ server
 *   client ◀─ ClientSide ◀──── SplitSession.bytes ◀──── ReplyTracker ◀────┘   settleCommand: what the session is now
 *
 * Hot path: data(), #next(), #send(), bytes(), done(). No promise, closure, copy or string there for an ordinary statement.
 */
import { HINT_OTHER, HINT_SERVER, HINTS } from "../../sql/statement-flags.ts";
import { COMMAND } from "../../wire/command.ts";
import { writeError, type WireError } from "../../wire/error-packet.ts";
import { PLAIN_OK, writeOk } from "../../wire/ok-packet.ts";
import { framed, HEADER_BYTES } from "../../wire/packet.ts";
import type { Route } from "../../wire/proxy-header.ts";
import type { LoggedInClient } from "../login/logged-in.ts";
import type { ServerLoginOutcome } from "../login/server-login.ts";
import type { SocketOwner } from "../login/owned-socket.ts";
import type { Timers } from "../passthrough/timers.ts";
import type { SplitRules } from "../../topology/routing-table.ts";
import { chooseReader } from "./choose-reader.ts";
import { ClientSide } from "./client-side.ts";
import { Command } from "./command.ts";
import { CommandReader } from "./command-reader.ts";
import { hintedServer } from "./hinted-server.ts";
import { LegSet, type LegSetOwner } from "./leg-set.ts";
import { planCommand } from "./plan-command.ts";
import { renumber, type Statement, withTypes } from "./prepared-statements.ts";
import type { Awaited, ServerLeg } from "./server-leg.ts";
import { SessionContext } from "./session-context.ts";
import { SessionRound } from "./session-round.ts";
import { settleCommand, settleMode } from "./settle-command.ts";
import { Question, queryPacket } from "./small-result.ts";
import type { SplitServer } from "./split-server.ts";

/** What a session sees of its service. All of it is as the last routing table says. */
export interface SplitHost {
  readonly timers: Timers;
  readonly rules: SplitRules;
  readonly servers: ReadonlyMap<string, SplitServer>;
  readonly primary: SplitServer | undefined;
  /** Those that take reads; empty: the primary does. */
  readonly readers: readonly SplitServer[];
  /** Why the others may not be used. */
  readonly refusal: string;
  /** The lexer mode that sessions begin with. */
  readonly mode: number;
  nextTurn(): number;
  connect(server: SplitServer, session: SplitSession): Promise<ServerLoginOutcome>;
  takeIdle(server: SplitServer, session: SplitSession): ServerLeg | undefined;
  /** A server could not be reached, or has ended a connection; `reason` is one clause. */
  failed(server: SplitServer, reason: string): void;
  gone(session: SplitSession): void;
}

/**
 *   idle ─ a command ─▶ preparing ─ server connected, caught up ─▶ answering ─ the answer's end ─▶ idle
 *                          │                                        ▲    │ LOCAL INFILE
 *                          └─ a long command ─▶ passing ────────────┘ ◀──┘
 *   leaving: has been told an error, or its end, and may take its time to read it
 */
type Phase = "idle" | "preparing" | "passing" | "answering" | "leaving" | "closed";

/** What a client may send ahead before it is not read on. */
const MOST_AHEAD_BYTES = 64 << 10;
/** How long a client may take over its last answer, ms. */
const LEAVE_MS = 2000;
/** How often a statement that waits for a primary looks whether it can be reached, ms. */
const LOOK_AGAIN_MS = 100;
/** The number of a statement is in these bytes of the answer to COM_STMT_PREPARE. */
const PREPARED_HEAD_BYTES = HEADER_BYTES + 5;

export class SplitSession implements SocketOwner, LegSetOwner, Awaited {
  readonly id: number;
  readonly listener: string;
  readonly connectedAt: number;
  /** Where the client came from and to; undefined: by a unix socket. */
  readonly route: Route | undefined;
  readonly #host: SplitHost;
  readonly #login: LoggedInClient;
  readonly #client: ClientSide;
  readonly #reader = new CommandReader();
  readonly #command = new Command();
  readonly #context: SessionContext;
  readonly #legs: LegSet;
  #phase: Phase = "idle";
  #hasEnded: boolean;
  /** Where the last statement went. */
  #last: ServerLeg | undefined;
  /** The primary connection that has what the session cannot make again elsewhere. */
  #home: ServerLeg | undefined;
  /** It is not read while the client takes nothing. */
  #stopped: ServerLeg | undefined;
  /** The server whose connection the command waits for. */
  #target: SplitServer | undefined;
  #round: SessionRound | undefined;
  /** The beginning of an answer to COM_STMT_PREPARE that came in pieces. */
  #head: Buffer | undefined;
  #cancel: () => void = () => {};
  #idleSince: number;
  #isActive = true;

  /** Takes over a client that has proven who it is, and lets it in. */
  constructor(id: number, listener: string, login: LoggedInClient, host: SplitHost, route: Route | undefined) {
    this.id = id;
    this.route = route;
    this.listener = listener;
    this.#host = host;
    this.#login = login;
    this.connectedAt = host.timers.now();
    this.#idleSince = this.connectedAt;
    this.#context = new SessionContext(host.rules);
    this.#context.facts.mode = host.mode;
    this.#context.facts.database = login.database;
    const source = {
      connect: (server: SplitServer) => host.connect(server, this),
      takeIdle: (server: SplitServer) => host.takeIdle(server, this),
    };
    this.#legs = new LegSet(source, this, this.#context.history);
    login.welcome(PLAIN_OK);
    const { socket, leftover, hasEnded, isClosed } = login.handOver(this);
    this.#client = new ClientSide(socket, isClosed);
    this.#hasEnded = hasEnded;
    if (leftover.length > 0) this.#reader.push(leftover);
  }

  /** The command's byte of the answer that is due: see Awaited. */
  get command(): number {
    return this.#command.code;
  }

  get client(): LoggedInClient {
    return this.#login;
  }

  get phase(): Phase {
    return this.#phase;
  }

  get database(): string | undefined {
    return this.#context.facts.database;
  }

  get legs(): readonly ServerLeg[] {
    return this.#legs.all;
  }

  get bufferedBytes(): number {
    const ofLegs = this.#legs.all.reduce((sum, { pendingBytes }) => sum + pendingBytes, 0);
    const { history, statements } = this.#context;
    return this.#reader.held + this.#client.pendingBytes + ofLegs + history.bytes + statements.bytes;
  }

  idleMs(now: number): number {
    return this.#isActive ? 0 : now - this.#idleSince;
  }

  /** Reads what the client has sent by now, and on. */
  begin(): void {
    if (this.#client.isClosed) this.close();
    else this.#next();
  }

  // ── from the client ──

  data(chunk: Buffer): void {
    this.#isActive = true;
    if (this.#phase === "leaving") return;
    this.#reader.push(chunk);
    if (this.#phase === "idle") this.#next();
    else if (this.#phase === "passing") this.#pass();
    else if (this.#reader.held > MOST_AHEAD_BYTES) this.#client.pause();
  }

  drain(): void {
    this.#isActive = true;
    if (!this.#client.drain()) return;
    const stopped = this.#stopped;
    this.#stopped = undefined;
    stopped?.resume();
  }

  end(): void {
    this.#hasEnded = true;
    if (this.#phase === "idle" || this.#phase === "leaving" || this.#phase === "passing") this.finish();
  }

  close(): void {
    this.#client.isClosed = true;
    this.finish();
  }

  #next(): void {
    while (this.#phase === "idle" && this.#reader.held > 0) {
      const reading = this.#reader.take();
      if (reading === "incomplete") break;
      if (reading === "malformed") {
        this.#leave({ errno: 1156, sentence: "Got packets out of order" });
        return;
      }
      this.#begin(reading === "long");
    }
    if (this.#phase !== "idle") return;
    if (this.#hasEnded) this.finish();
    else this.#client.resume();
  }

  #begin(isLong: boolean): void {
    const command = this.#command;
    command.begin(this.#reader.bytes, isLong);
    const plan = planCommand(command, this.#context);
    switch (plan) {
      case "send":
        this.#phase = "preparing";
        this.#advance();
        return;
      case "ok":
        if (!command.isSilent) this.#answer(writeOk(this.#ok, this.#login.capabilities));
        if (isLong) this.#swallow();
        return;
      case "close statement":
        this.#closeStatement();
        return;
      case "quit":
        this.finish();
        return;
      case "kill":
      case "change user":
        this.#answerError({ errno: 1047, sentence: "Unknown command" });
        return;
      default:
        this.#answerError(plan);
        if (isLong) this.#swallow();
    }
  }

  // ── to a server ──

  /** Goes on with the command as far as it can now; opened(), notOpened(), done() and routeChanged() come back here. */
  #advance(): void {
    const command = this.#command;
    const leg = command.leg ?? this.#chooseLeg();
    if (leg === undefined) return;
    command.leg = leg;
    if (!this.#legs.catchUp(leg)) {
      command.leg = undefined;
      command.tried.add(leg.server);
      if (!leg.isClosed) this.#legs.drop(leg);
      if (this.#phase === "preparing") this.#advance();
      return;
    }
    const { statement } = command;
    if (statement !== undefined && !leg.prepared.has(statement.id)) this.#prepareOn(leg, statement);
    else this.#send(leg);
  }

  /** A connection that is there; otherwise one is opened, or waited for, or the command is refused. */
  #chooseLeg(): ServerLeg | undefined {
    const server = this.#target ?? this.#chooseServer();
    if (server === undefined) {
      this.#noServer();
      return undefined;
    }
    const leg = this.#legs.on(server);
    if (leg !== undefined) {
      this.#target = undefined;
      return leg;
    }
    this.#target = server;
    this.#legs.open(server);
    return undefined;
  }

  #chooseServer(): SplitServer | undefined {
    const { facts } = this.#context;
    switch (this.#command.destination) {
      case "transaction":
        return facts.transaction?.server;
      case "primary":
        return this.#primary();
      case "everywhere":
        return facts.transaction?.server ?? this.#primary() ?? this.#reader_();
      case "last":
        return this.#last?.isClosed === false ? this.#last.server : this.#reader_();
      case "named":
        return this.#named() ?? this.#reader_();
      default:
        return this.#reader_();
    }
  }

  /** The primary, as far as it may be used by this session. */
  #primary(): SplitServer | undefined {
    const { facts } = this.#context;
    if (facts.isBound && this.#home?.isClosed === false) return this.#home.server;
    const { primary } = this.#host;
    return primary !== undefined && this.#isUsable(primary) ? primary : undefined;
  }

  #reader_(): SplitServer | undefined {
    const { readers, rules, primary } = this.#host;
    const { tried } = this.#command;
    let possible = readers;
    const isLimited = this.#legs.replicas(primary) >= rules.maxReplicas;
    if (isLimited || tried.size > 0 || !this.#context.history.isWhole || readers.some(({ target }) => target.isDraining)) {
      possible = readers.filter(
        (server) => this.#isUsable(server) && (!isLimited || server === primary || this.#legs.hasLegOn(server)),
      );
    }
    return chooseReader(possible, this.#legs, rules.criterion, this.#host.nextTurn()) ?? this.#primary();
  }

  #named(): SplitServer | undefined {
    const { flags, bytes } = this.#command;
    const hint = flags & HINTS;
    if (hint !== HINT_SERVER && hint !== HINT_OTHER) return undefined;
    const name = hintedServer(bytes, this.#context.facts.mode);
    const server = name === undefined ? undefined : this.#host.servers.get(name);
    return server !== undefined && this.#isUsable(server) ? server : undefined;
  }

  /** Not one where the command has failed, and one that can be brought to where the session is. */
  #isUsable(server: SplitServer): boolean {
    if (this.#command.tried.has(server)) return false;
    if (!server.target.isDraining && this.#context.history.isWhole) return true;
    return this.#legs.hasLegOn(server);
  }

  /** Nothing to send it to: waits, if that was asked for, or tells the client. */
  #noServer(): void {
    const { timers, rules, refusal } = this.#host;
    const command = this.#command;
    const now = timers.now();
    if (command.waitsUntil === 0) command.waitsUntil = now + rules.delayedRetryMs;
    if (now < command.waitsUntil) {
      this.#cancel();
      this.#cancel = timers.after(LOOK_AGAIN_MS, () => this.#lookAgain());
      return;
    }
    this.#refuse({ errno: 2003, sentence: refusal });
  }

  #lookAgain(): void {
    if (this.#phase !== "preparing" || this.#command.waitsUntil === 0) return;
    this.#command.tried.clear();
    this.#advance();
  }

  #send(leg: ServerLeg): void {
    const command = this.#command;
    this.#last = leg;
    if (command.destination === "primary") this.#home = leg;
    if (command.statement !== undefined) this.#address(leg, command.statement);
    if (command.destination === "everywhere") this.#broadcast(leg);
    if (!command.isSilent) {
      command.isSent = true;
      leg.server.running++;
      if (command.destination === "reader") leg.server.reads++;
      else leg.server.writes++;
    }
    if (command.isLong) {
      this.#phase = "passing";
      if (!command.isSilent) leg.send(NOTHING, this);
      this.#pass();
      return;
    }
    this.#phase = command.isSilent ? "idle" : "answering";
    leg.send(command.bytes, command.isSilent ? undefined : this);
  }

  /** Puts the server's number of the statement into an execution, and the types that this server was never told. */
  #address(leg: ServerLeg, statement: Statement): void {
    const command = this.#command;
    const prepared = leg.prepared.get(statement.id);
    if (prepared === undefined) return;
    const { code } = command;
    const isBulk = code === COMMAND.STMT_BULK_EXECUTE;
    if ((isBulk || code === COMMAND.STMT_EXECUTE) && !command.isLong) {
      command.bytes = withTypes(command.bytes, isBulk, statement, prepared.types);
      prepared.types = statement.types;
    }
    renumber(command.bytes, prepared.id);
    if (isBulk || code === COMMAND.STMT_EXECUTE) statement.executedOn = leg;
    if (code === COMMAND.STMT_SEND_LONG_DATA) statement.longDataOn = leg;
  }

  /** Tells all other servers the same. */
  #broadcast(leg: ServerLeg): void {
    const command = this.#command;
    const round = new SessionRound(command.code);
    this.#round = round;
    for (const other of this.#legs.all) if (other !== leg && !this.#legs.catchUp(other)) other.lose("cannot be told what the session has set");
    command.id = this.#context.history.nextId();
    for (const each of this.#legs.all) {
      each.position = command.id;
      if (each !== leg) each.send(command.bytes, round.echo());
    }
  }

  /** Passes on more of a long command or a file. */
  #pass(): void {
    const { leg } = this.#command;
    if (leg === undefined) return;
    while (!leg.isFull) {
      const bytes = this.#reader.pass();
      if (bytes === undefined) break;
      leg.send(bytes);
    }
    if (leg.isClosed) return;
    if (leg.isFull) this.#client.pause();
    else this.#client.resume();
    if (this.#reader.isPassing || leg.isFull) return;
    this.#phase = this.#command.isSilent ? "idle" : "answering";
    if (this.#command.isSilent) this.#next();
  }

  /** Reads over a long command that has been answered already. */
  #swallow(): void {
    // What it is worth to go on after that is not worth the states.
    this.#leave(undefined);
  }

  /** The statement has never been used on that server: prepares it there first. */
  #prepareOn(leg: ServerLeg, statement: Statement): void {
    const { database } = this.#context.facts;
    const isElsewhere = statement.database !== undefined && statement.database !== database;
    if (isElsewhere) leg.send(initDbPacket(statement.database ?? ""), new Unheard(COMMAND.INIT_DB));
    leg.send(statement.command, new Preparation(statement, this));
    if (isElsewhere && database !== undefined) leg.send(initDbPacket(database), new Unheard(COMMAND.INIT_DB));
  }

  /** See #prepareOn. `failure`: the ERR packet, as the client is to have it. */
  prepared(leg: ServerLeg, statement: Statement, failure: Buffer | undefined): void {
    const command = this.#command;
    if (failure === undefined) leg.prepared.set(statement.id, { id: leg.reply.statementId, types: undefined });
    if (command.leg !== leg || command.statement !== statement || this.#phase !== "preparing") return;
    if (failure === undefined) this.#advance();
    else {
      this.#settleUnsent();
      this.#client.send(failure);
      this.#next();
    }
  }

  #closeStatement(): void {
    const { statement } = this.#command;
    if (statement === undefined) return;
    for (const leg of this.#legs.all) {
      const prepared = leg.prepared.get(statement.id);
      if (prepared === undefined) continue;
      leg.prepared.delete(statement.id);
      const bytes = Buffer.from([5, 0, 0, 0, COMMAND.STMT_CLOSE, 0, 0, 0, 0]);
      renumber(bytes, prepared.id);
      leg.send(bytes);
    }
    this.#context.statements.delete(statement);
  }

  // ── from a server ──

  bytes(leg: ServerLeg, part: Buffer): void {
    const command = this.#command;
    let bytes = part;
    if (command.code === COMMAND.STMT_PREPARE && command.answered < PREPARED_HEAD_BYTES) {
      const head = this.#renumberAnswer(part);
      if (head === undefined) return;
      bytes = head;
    }
    this.#isActive = true;
    command.answered += bytes.length;
    if (!this.#client.send(bytes)) {
      leg.pause();
      this.#stopped = leg;
    }
    if (leg.reply.wantsFile) {
      leg.reply.wantsFile = false;
      this.#reader.beginFile();
      this.#phase = "passing";
      this.#pass();
    }
  }

  done(leg: ServerLeg): void {
    const command = this.#command;
    const { facts } = this.#context;
    const { outcome, results, status } = leg.reply;
    command.isSent = false;
    leg.server.running--;
    const isOk = outcome === "ok";
    if (isOk || results > 0) facts.answered(leg, status);
    if (isOk && command.code === COMMAND.RESET_CONNECTION) this.#reset();
    else if (isOk) settleCommand(command, leg, this.#context);
    const round = this.#round;
    this.#round = undefined;
    round?.settle(isOk);
    command.finish();
    if (this.#phase === "passing" || facts.isReleasing) {
      // It was answered before all of it was there, so it will not be taken; or the server hangs up as it was asked to.
      this.#leave(undefined);
      return;
    }
    this.#phase = "idle";
    if (facts.isModeUnknown) this.#askMode(leg);
    else this.#next();
  }

  drained(leg: ServerLeg): void {
    if (this.#phase === "passing" && this.#command.leg === leg) this.#pass();
  }

  opened(leg: ServerLeg): void {
    this.#learnMode(leg);
    if (this.#phase === "preparing" && this.#target === leg.server) this.#advance();
  }

  notOpened(server: SplitServer, reason: string, error: WireError | undefined): void {
    if (error === undefined || PASSING_REFUSALS.has(error.errno)) this.#host.failed(server, reason);
    if (this.#phase !== "preparing" || this.#target !== server) return;
    this.#target = undefined;
    this.#command.tried.add(server);
    // That the account is not let in is no fault of this server, and what the client would have heard without us.
    if (error !== undefined && !PASSING_REFUSALS.has(error.errno)) this.#leave(error);
    else this.#advance();
  }

  lost(leg: ServerLeg, reason: string): void {
    this.#legs.remove(leg);
    this.#context.statements.forgetLeg(leg);
    if (this.#stopped === leg) this.#stopped = undefined;
    if (this.#phase === "closed" || this.#phase === "leaving") return;
    if (!this.#context.facts.isReleasing) this.#host.failed(leg.server, reason);
    const { facts } = this.#context;
    const isFatal = facts.transaction === leg || (this.#home === leg && facts.isBound);
    if (this.#command.leg === leg && this.#phase !== "idle") this.#interrupted(leg, reason, isFatal);
    else if (isFatal || (leg.server === this.#host.primary && this.#host.rules.masterFailureMode === "fail_instantly"))
      this.finish();
  }

  /** The server of the command is lost. */
  #interrupted(leg: ServerLeg, reason: string, isFatal: boolean): void {
    const command = this.#command;
    const { isSent } = command;
    if (isSent) leg.server.running--;
    command.isSent = false;
    command.leg = undefined;
    command.tried.add(leg.server);
    this.#head = undefined;
    this.#round = undefined;
    if (command.answered > 0) this.finish();
    else if (isFatal || this.#phase === "passing" || command.destination === "leg") this.#leave(lostError(leg.server, reason));
    else if (!isSent || (command.isRepeatable && this.#host.rules.retryFailedReads)) {
      this.#phase = "preparing";
      this.#advance();
    } else this.#refuse(lostError(leg.server, reason));
  }

  // ── the rest ──

  /** The routing table has changed: what waits may go on, and what is not to be used any more is let go. */
  routeChanged(): void {
    const { servers } = this.#host;
    this.#context.rules = this.#host.rules;
    for (const leg of [...this.#legs.all]) {
      const isUsed = leg === this.#command.leg || leg === this.#context.facts.transaction || !leg.isIdle;
      const isBound = leg === this.#home && this.#context.facts.isBound;
      const isWanted = servers.has(leg.server.name) && (!leg.server.target.isDraining || leg.server === this.#host.primary);
      if (!isUsed && !isBound && !isWanted) this.#legs.drop(leg);
    }
    this.#lookAgain();
  }

  /** Once a second: time limits. */
  sweep(now: number, idleTimeoutMs: number, writeTimeoutMs: number): void {
    if (this.#isActive) {
      this.#isActive = false;
      this.#idleSince = now;
      return;
    }
    const idleMs = now - this.#idleSince;
    const isStuck = writeTimeoutMs > 0 && idleMs >= writeTimeoutMs && this.#client.isFull;
    if (isStuck || (idleTimeoutMs > 0 && idleMs >= idleTimeoutMs && this.#phase === "idle")) this.finish();
  }

  /** Ends it at once. */
  finish(): void {
    if (this.#phase === "closed") return;
    this.#cancel();
    const { leg, isSent } = this.#command;
    if (leg !== undefined && isSent) leg.server.running--;
    this.#phase = "closed";
    this.#command.finish();
    this.#reader.clear();
    this.#legs.close();
    this.#client.destroy();
    this.#host.gone(this);
  }

  /** Ends it, and lets the client read what it was told. */
  #leave(error: WireError | undefined): void {
    if (this.#phase === "closed" || this.#phase === "leaving") return;
    this.#cancel();
    this.#settleUnsent();
    this.#phase = "leaving";
    this.#reader.clear();
    this.#legs.close();
    if (error !== undefined) this.#answerError(error);
    this.#client.leave();
    this.#cancel = this.#host.timers.after(LEAVE_MS, () => this.finish());
  }

  /** The command will not be done. */
  #refuse(error: WireError): void {
    const isWrite = !this.#command.isRepeatable;
    const staysOpen = !isWrite || this.#host.rules.masterFailureMode === "error_on_write";
    if (this.#command.isLong || !staysOpen || this.#command.isSilent) {
      this.#leave(error);
      return;
    }
    this.#settleUnsent();
    this.#answerError(isWrite && error.errno === 2003 ? { errno: 1290, sentence: error.sentence } : error);
    this.#next();
  }

  #settleUnsent(): void {
    const { leg, isSent } = this.#command;
    if (leg !== undefined && isSent) leg.server.running--;
    this.#target = undefined;
    this.#command.finish();
    this.#phase = "idle";
  }

  #answer(payload: Buffer): void {
    this.#client.send(framed(1, payload));
  }

  #answerError(error: WireError): void {
    this.#answer(writeError(error));
  }

  get #ok(): typeof PLAIN_OK {
    return this.#context.facts.isAutocommit ? PLAIN_OK : { ...PLAIN_OK, statusFlags: 0 };
  }

  #reset(): void {
    this.#context.reset(this.#host.mode);
    for (const leg of this.#legs.all) {
      leg.prepared.clear();
      leg.position = this.#context.history.lastId;
    }
  }

  /** The client is to know a prepared statement by our number. Undefined: not enough of the answer is here to write it in. */
  #renumberAnswer(part: Buffer): Buffer | undefined {
    const head = this.#head === undefined ? part : Buffer.concat([this.#head, part]);
    const isPrepared = head[HEADER_BYTES] === 0;
    if (head.length <= HEADER_BYTES || (isPrepared && head.length < PREPARED_HEAD_BYTES)) {
      this.#head = head;
      return undefined;
    }
    this.#head = undefined;
    if (isPrepared) renumber(head, this.#command.id);
    return head;
  }

  /** Asks what a SET has made of the modes by which statements are read; nothing goes on before that is known. */
  #askMode(leg: ServerLeg): void {
    this.#phase = "preparing";
    this.#command.leg = leg;
    leg.send(
      MODE_QUESTION,
      new Question((row) => {
        settleMode(this.#context.facts, row?.[0] ?? undefined, row?.[1] ?? undefined);
        if (this.#phase !== "preparing") return;
        this.#settleUnsent();
        this.#next();
      }),
    );
  }

  /** Servers differ in their global sql_mode; sessions begin with it. */
  #learnMode(leg: ServerLeg): void {
    void leg;
  }
}

/** Nobody hears the answer. */
class Unheard implements Awaited {
  readonly command: number;

  constructor(command: number) {
    this.command = command;
  }

  bytes(): void {}

  done(): void {}
}

/** Prepares a statement on a further server. */
class Preparation implements Awaited {
  readonly command = COMMAND.STMT_PREPARE;
  readonly #statement: Statement;
  readonly #session: SplitSession;
  #parts: Buffer[] = [];

  constructor(statement: Statement, session: SplitSession) {
    this.#statement = statement;
    this.#session = session;
  }

  bytes(_leg: ServerLeg, part: Buffer): void {
    // An ERR packet is short; of anything else nothing is needed.
    if (this.#parts.length < 4) this.#parts.push(part);
  }

  done(leg: ServerLeg): void {
    this.#session.prepared(leg, this.#statement, leg.reply.outcome === "ok" ? undefined : Buffer.concat(this.#parts));
  }
}

const MODE_QUESTION = queryPacket("SELECT @@sql_mode, @@character_set_client");
const NOTHING = Buffer.alloc(0);

/** That the server has no place for anybody: ER_CON_COUNT_ERROR, ER_HOST_IS_BLOCKED, ER_SERVER_SHUTDOWN, ER_TOO_MANY_USER_CONNECTIONS, ER_USER_LIMIT_REACHED. */
const PASSING_REFUSALS: ReadonlySet<number> = new Set([1040, 1053, 1129, 1203, 1226]);

const lostError = ({ name }: SplitServer, reason: string): WireError => ({
  errno: 2013,
  sentence: `Lost connection to server ${name} during query: it ${reason}`,
});

function initDbPacket(database: string): Buffer {
  const payload = Buffer.from(`\u0002${database}`);
  return framed(0, payload);
}
