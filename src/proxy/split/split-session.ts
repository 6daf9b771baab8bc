/**
 * proxy/split/: sessions whose reads and writes go to different servers. May import wire/, sql/, topology/, system/ and the other
 * folders of proxy/. docs/decisions/0031 tells how it is cut.
 *
 *   client ─▶ CommandReader ─▶ planCommand ─▶ ServerChoice ─▶ LegSet ─▶ ServerLeg ─▶ server
 *   client ◀─ ClientSide ◀──── SplitSession.bytes ◀──── ReplyTracker ◀────┘   settleCommand: what the session is now
 *
 * Hot path: data(), #next(), #send(), bytes(), done(). No promise, closure, copy or string there for an ordinary statement.
 */
import { withServers } from "../../sql/lexer-mode.ts";
import { READ, ROUTES, USER_VARIABLE_WRITE, WRITE } from "../../sql/statement-flags.ts";
import { COMMAND } from "../../wire/command.ts";
import { CANNOT_CONNECT, type WireError, writeError } from "../../wire/error-packet.ts";
import { PLAIN_OK, writeOk } from "../../wire/ok-packet.ts";
import { HEADER_BYTES } from "../../wire/packet.ts";
import type { Route } from "../../wire/proxy-header.ts";
import type { LoggedInClient } from "../login/logged-in.ts";
import type { SocketOwner } from "../login/owned-socket.ts";
import { CausalRead, canBeReset } from "./causal-read.ts";
import { ClientSide } from "./client-side.ts";
import { Command } from "./command.ts";
import { CommandReader } from "./command-reader.ts";
import { type KillOutcome, killedConnection, killSession } from "./kill-errand.ts";
import { LegSet, type LegSetOwner } from "./leg-set.ts";
import { ModeKeeper } from "./mode-keeper.ts";
import { planCommand } from "./plan-command.ts";
import { prepareElsewhere } from "./prepare-elsewhere.ts";
import type { Statement } from "./prepared-statements.ts";
import { ServerChoice } from "./server-choice.ts";
import type { Awaited, ServerLeg } from "./server-leg.ts";
import { SessionContext } from "./session-context.ts";
import { isNotReady, isPassingRefusal, LOST, lostError, NOT_CARRIED, NOT_READY } from "./session-errors.ts";
import { SessionRound } from "./session-round.ts";
import { settleCommand } from "./settle-command.ts";
import type { SplitHost } from "./split-host.ts";
import type { SplitServer } from "./split-server.ts";
import { concernsDesk, StatementDesk } from "./statement-desk.ts";
import { TransactionKeeper } from "./transaction-keeper.ts";
import { dropUnwanted, isClean, keepAlive, lend } from "./upkeep.ts";
import { VariableCarrier } from "./variable-carrier.ts";

/**
 *   idle ─ a command ─▶ preparing ─ server connected, caught up ─▶ answering ─ the answer's end ─▶ idle
 *                          │                                        ▲    │ LOCAL INFILE
 *                          └─ a long command ─▶ passing ────────────┘ ◀──┘
 *   repeating: the server of the transaction was lost, and it is done again on another
 *   leaving: has been told an error, or its end, and may take its time to read it
 */
type Phase = "idle" | "preparing" | "passing" | "answering" | "repeating" | "leaving" | "closed";

/** What a client may send ahead before it is not read on. */
const MOST_AHEAD_BYTES = 64 << 10;
/** How long a client may take over its last answer, ms. */
const LEAVE_MS = 2000;
/** How often a statement that waits for a primary looks whether it can be reached, ms. */
const LOOK_AGAIN_MS = 100;

export class SplitSession implements SocketOwner, LegSetOwner, Awaited {
  readonly id: number;
  readonly listener: string;
  readonly connectedAt: number;
  /** Where the client came from and to; undefined: by a unix socket. */
  readonly route: Route | undefined;
  /** From and to the client, and the reads that brought what came from it. */
  bytesIn = 0;
  bytesOut = 0;
  reads = 0;
  readonly #host: SplitHost;
  readonly #login: LoggedInClient;
  readonly #client: ClientSide;
  readonly #reader = new CommandReader();
  readonly #command = new Command();
  readonly #context: SessionContext;
  readonly #legs: LegSet;
  readonly #choice: ServerChoice;
  readonly #modes: ModeKeeper;
  readonly #desk = new StatementDesk();
  #phase: Phase = "idle";
  #hasEnded: boolean;
  /** It is not read while the client takes nothing. */
  #stopped: ServerLeg | undefined;
  /** The server whose connection the command waits for. */
  #target: SplitServer | undefined;
  #round: SessionRound | undefined;
  /** With causal_reads only. */
  #causal: CausalRead | undefined;
  /** Once a statement has set user variables on a replica. */
  #carrier: VariableCarrier | undefined;
  /** With transaction_replay only. */
  #transaction: TransactionKeeper | undefined;
  /** The server's error, which the client need not hear if what was asked for can be done again. */
  #withheld: Buffer | undefined;
  /** A command waits for the transaction to be repeated. */
  #isInterrupted = false;
  #cancel: () => void = () => {};
  #idleSince: number;
  #isActive = true;

  /** Takes over a client that has proven who it is, and lets it in. */
  constructor(
    id: number,
    listener: string,
    login: LoggedInClient,
    host: SplitHost,
    route: Route | undefined,
  ) {
    this.id = id;
    this.route = route;
    this.listener = listener;
    this.#host = host;
    this.#login = login;
    this.connectedAt = host.timers.now();
    this.#idleSince = this.connectedAt;
    this.#context = new SessionContext(host.rules);
    this.#context.reset(host.mode, login);
    this.#context.facts.database = login.database;
    const source = {
      connect: (server: SplitServer) => host.connect(server, this),
      takeIdle: (server: SplitServer) => host.takeIdle(server, this),
      leaveIdle: (leg: ServerLeg) => host.leaveIdle(leg, this),
    };
    this.#legs = new LegSet(source, this, this.#context.history);
    this.#choice = new ServerChoice(host, this.#context, this.#legs);
    this.#modes = new ModeKeeper(host, this.#context, login);
    this.#takeRules();
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
    const ofLog = this.#transaction?.bytes ?? 0;
    return this.#reader.held + this.#client.pendingBytes + ofLegs + history.bytes + statements.bytes + ofLog;
  }

  idleMs(now: number): number {
    return this.#isActive ? 0 : now - this.#idleSince;
  }

  /** Reads what the client has sent by now, and on. */
  begin(): void {
    if (this.#client.isClosed) this.close();
    else this.#next();
  }

  // From the client

  data(chunk: Buffer): void {
    this.#isActive = true;
    this.bytesIn += chunk.length;
    this.reads++;
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
        if (!command.isSilent) this.#answerOk();
        // What it is worth to go on after the rest of a long one is not worth the states.
        if (isLong) this.#leave(undefined);
        return;
      case "close statement":
        if (command.statement === undefined) return;
        this.#desk.close(command.statement, this.#legs.all);
        this.#context.statements.delete(command.statement);
        return;
      case "quit":
        this.finish();
        return;
      case "kill":
        this.#kill();
        return;
      case "change user":
        this.#changeUser();
        return;
      default:
        if (isLong) this.#leave(plan);
        else this.#answerError(plan);
    }
  }

  // To a server

  /** Goes on with the command as far as it can now; whatever it has to wait for calls this again. */
  advance(): void {
    if (this.#phase === "preparing") this.#advance();
  }

  #advance(): void {
    const command = this.#command;
    const leg = command.leg ?? this.#chooseLeg();
    if (leg === undefined) return;
    command.leg = leg;
    if (this.#carrier?.isDue(leg) === true) {
      this.#carrier.carry((isDone) => this.#carried(isDone));
      return;
    }
    if (!this.#legs.catchUp(leg)) {
      command.leg = undefined;
      command.failedOn(leg.server);
      if (!leg.isClosed) this.#legs.drop(leg);
      this.advance();
      return;
    }
    const { statement } = command;
    if (command.destination === "reader" && this.#causal?.isReady(leg, command) === false) return;
    if (statement !== undefined && !leg.prepared.has(statement.id)) this.#prepareOn(leg, statement);
    else this.#send(leg);
  }

  /** A connection that is there; otherwise one is opened, or waited for, or the command is refused. */
  #chooseLeg(): ServerLeg | undefined {
    const { transaction } = this.#context.facts;
    if (transaction?.isClosed === true) {
      // On another connection the rest of it would be executed without its beginning.
      this.#leave(lostError(transaction.server, "closed the connection"));
      return undefined;
    }
    const server = this.#target ?? this.#choice.serverFor(this.#command);
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
    this.#refuse(command.refusal ?? { errno: CANNOT_CONNECT, sentence: refusal });
  }

  #lookAgain(): void {
    if (this.#phase !== "preparing" || this.#command.waitsUntil === 0) return;
    this.#command.forgetFailures();
    this.#advance();
  }

  /** See CausalOwner. */
  late(leg: ServerLeg): void {
    const command = this.#command;
    if (this.#phase !== "preparing" || command.leg !== leg) return;
    command.destination = "primary";
    command.leg = undefined;
    this.#advance();
  }

  #carried(isDone: boolean): void {
    if (isDone) this.advance();
    else this.#leave(NOT_CARRIED);
  }

  #send(leg: ServerLeg): void {
    const command = this.#command;
    this.#choice.last = leg;
    if (command.destination === "primary") this.#choice.home = leg;
    if (command.statement !== undefined) this.#desk.address(command, leg);
    if (command.destination === "everywhere")
      this.#round = SessionRound.begin(command, leg, this.#legs, this.#context.history);
    if (!command.isSilent) {
      command.isSent = true;
      leg.server.running++;
      if (command.destination === "reader") leg.server.reads++;
      else leg.server.writes++;
    }
    this.#phase = command.isLong ? "passing" : command.isSilent ? "idle" : "answering";
    if (!command.isLong) leg.send(command.bytes, command.isSilent ? undefined : this);
    else {
      if (!command.isSilent) leg.send(NOTHING, this);
      this.#pass();
    }
  }

  /** Passes on more of a long command or a file. */
  #pass(): void {
    const { leg, isSilent } = this.#command;
    if (leg === undefined) return;
    while (!leg.isFull) {
      const bytes = this.#reader.pass();
      if (bytes === undefined) break;
      leg.send(bytes);
    }
    if (leg.isClosed || this.#phase !== "passing") return;
    if (leg.isFull) this.#client.pause();
    else this.#client.resume();
    if (this.#reader.isPassing || leg.isFull) return;
    this.#phase = isSilent ? "idle" : "answering";
    if (isSilent) this.#next();
  }

  /** The statement has never been used on that server: it is prepared there first. */
  #prepareOn(leg: ServerLeg, statement: Statement): void {
    prepareElsewhere(leg, statement, this.#context.facts.database, (failure) => {
      const command = this.#command;
      if (command.leg !== leg || command.statement !== statement || this.#phase !== "preparing") return;
      if (failure === undefined) {
        this.#advance();
        return;
      }
      this.#settleUnsent();
      this.#client.send(failure);
      this.#next();
    });
  }

  // From a server

  bytes(leg: ServerLeg, part: Buffer): void {
    const command = this.#command;
    if (leg.reply.outcome === "error" && command.answered === 0 && this.#isToBeDoneAgain(leg)) {
      this.#withheld = part;
      return;
    }
    let bytes = part;
    if (concernsDesk(command)) {
      const head = this.#desk.answered(command, part);
      if (head === undefined) return;
      bytes = head;
    }
    this.#isActive = true;
    command.answered += bytes.length;
    this.bytesOut += bytes.length;
    this.#transaction?.add(bytes);
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
    const wasBound = facts.isBound;
    command.isSent = false;
    leg.server.running--;
    if (this.#withheld !== undefined && this.#doAgain(leg, this.#withheld)) return;
    const isOk = outcome === "ok";
    if (isOk || results > 0) facts.answered(leg, status);
    this.#transaction?.note(command, leg);
    const hasWritten = (command.flags & WRITE) !== 0 && command.code !== COMMAND.STMT_PREPARE;
    if (hasWritten && (isOk || results > 0)) this.#causal?.wrote(leg);
    if (isOk && command.code === COMMAND.RESET_CONNECTION) this.#reset();
    else if (isOk) settleCommand(command, leg, this.#context);
    if (isOk && (command.flags & USER_VARIABLE_WRITE) !== 0) this.#noteVariables(leg);
    if (facts.isBound && !wasBound) this.#choice.home = leg;
    const round = this.#round;
    this.#round = undefined;
    round?.settle(isOk);
    if (this.#phase === "passing" || facts.isReleasing) {
      // It was answered before all of it was there, so it will not be taken; or the server hangs up as it was asked to.
      this.#leave(undefined);
      return;
    }
    command.finish();
    this.#phase = "idle";
    if (facts.isModeUnknown) this.#askModes(leg);
    else this.#next();
  }

  /** What is set on a replica alone has to be known to the others. */
  #noteVariables(leg: ServerLeg): void {
    if (this.#command.destination === "everywhere" || leg.server === this.#host.primary) return;
    this.#carrier ??= new VariableCarrier(this.#context);
    this.#carrier.note(this.#command, leg);
  }

  drained(leg: ServerLeg): void {
    if (this.#phase === "passing" && this.#command.leg === leg) this.#pass();
  }

  opened(leg: ServerLeg): void {
    this.#causal?.begin(leg);
    this.#modes.learn(leg);
    if (this.#target === leg.server) this.advance();
  }

  notOpened(server: SplitServer, reason: string, error: WireError | undefined): void {
    if (error === undefined || isPassingRefusal(error)) this.#host.failed(server, reason);
    if (this.#phase !== "preparing" || this.#target !== server) return;
    this.#target = undefined;
    this.#command.failedOn(server);
    if (error !== undefined) this.#command.refusal = error;
    // That the account is not let in by the primary is what the client would have heard without us.
    if (error !== undefined && !isPassingRefusal(error) && server === this.#host.primary) this.#leave(error);
    else this.#advance();
  }

  lost(leg: ServerLeg, reason: string): void {
    this.#legs.remove(leg);
    this.#context.statements.forgetLeg(leg);
    if (this.#stopped === leg) this.#stopped = undefined;
    if (this.#phase === "closed" || this.#phase === "leaving") return;
    const { facts } = this.#context;
    if (!facts.isReleasing) this.#host.failed(leg.server, reason);
    const isOfTransaction = facts.transaction === leg;
    const isBound = this.#choice.isBoundTo(leg) || this.#carrier?.isOn(leg) === true;
    const isOfCommand = this.#command.leg === leg && this.#phase !== "idle";
    if (isOfTransaction && !isBound && this.#repeat(isOfCommand)) return;
    if (isOfCommand) this.#interrupted(leg, reason, isOfTransaction || isBound);
    else if (isOfTransaction || isBound || this.#mustFail(leg)) this.finish();
  }

  #mustFail({ server }: ServerLeg): boolean {
    return server === this.#host.primary && this.#host.rules.masterFailureMode === "fail_instantly";
  }

  /** The server of the command is lost. */
  #interrupted(leg: ServerLeg, reason: string, isFatal: boolean): void {
    const command = this.#command;
    const { isSent } = command;
    this.#unsend();
    command.failedOn(leg.server);
    if (isSent) this.#takeBackRound();
    if (command.answered > 0) this.finish();
    else if (isFatal || this.#phase === "passing" || command.destination === "leg")
      this.#leave(lostError(leg.server, reason));
    else if (!isSent || (command.isRepeatable && this.#host.rules.retryFailedReads)) {
      this.#phase = "preparing";
      this.#advance();
    } else this.#refuse(lostError(leg.server, reason));
  }

  /** A command to all will be sent to all once more: those that have done it begin anew, or they would do it twice. */
  #takeBackRound(): void {
    const { id, destination } = this.#command;
    if (destination !== "everywhere") return;
    for (const other of [...this.#legs.all]) if (other.position === id) this.#legs.drop(other);
  }

  /** The command has not been answered, and is with no server any more. */
  #unsend(): void {
    const command = this.#command;
    if (command.isSent && command.leg !== undefined) command.leg.server.running--;
    command.isSent = false;
    command.leg = undefined;
    this.#target = undefined;
    this.#desk.forget();
    this.#round = undefined;
    this.#transaction?.forget();
  }

  /** The server of the transaction is lost: is it done again elsewhere? */
  #repeat(isOfCommand: boolean): boolean {
    if (this.#transaction?.repeat(isOfCommand ? this.#command : undefined) !== true) return false;
    this.#isInterrupted = isOfCommand;
    if (isOfCommand) {
      if (this.#command.isSent) this.#takeBackRound();
      this.#unsend();
    }
    this.#phase = "repeating";
    return true;
  }

  /** The answer is an error which the client need not hear of. */
  #isToBeDoneAgain(leg: ServerLeg): boolean {
    return isNotReady(leg, this.#command) || this.#transaction?.isDeadlock(leg) === true;
  }

  /** False: it cannot be, and the client is told. */
  #doAgain(leg: ServerLeg, error: Buffer): boolean {
    this.#withheld = undefined;
    if (isNotReady(leg, this.#command)) {
      this.#command.failedOn(leg.server);
      this.#command.refusal = NOT_READY;
      this.#unsend();
      this.#phase = "preparing";
      this.#advance();
      return true;
    }
    // The server has rolled the transaction back.
    const isDoneAgain = this.#repeat(true);
    this.#transaction?.countDeadlock(isDoneAgain);
    if (!isDoneAgain) this.bytes(leg, error);
    return isDoneAgain;
  }

  /** See TransactionOwner. */
  repeated(leg: ServerLeg): void {
    this.#choice.home = leg;
    this.#phase = this.#isInterrupted ? "preparing" : "idle";
    if (this.#isInterrupted) this.#advance();
    else this.#next();
  }

  notRepeated(reason: string): void {
    this.#leave({ ...LOST, sentence: `Lost connection to server during a transaction, and ${reason}` });
  }

  // Errands

  /** Nothing goes on before it is known how statements are to be read from here on. */
  #askModes(leg: ServerLeg): void {
    this.#phase = "preparing";
    this.#modes.ask(leg, () => {
      if (this.#phase !== "preparing") return;
      this.#settleUnsent();
      this.#next();
    });
  }

  #kill(): void {
    const command = this.#command;
    const target = killedConnection(command.bytes, this.#context.facts.mode);
    this.#phase = "preparing";
    if (target === undefined) this.#advance();
    else
      void killSession(target, this.#login.user, this.#legs, this.#host).then((outcome) =>
        this.#killed(outcome),
      );
  }

  #killed(outcome: KillOutcome): void {
    if (this.#phase !== "preparing") return;
    if (outcome.kind === "not ours") {
      this.#advance();
      return;
    }
    this.#settleUnsent();
    if (outcome.kind === "error") this.#answerError(outcome.error);
    else this.#answerOk();
    this.#next();
  }

  /** The client goes on as another user, in a session of its own. */
  #changeUser(): void {
    if (this.#client.isFull) {
      this.finish();
      return;
    }
    const { socket } = this.#client;
    const command = this.#command.bytes.subarray(HEADER_BYTES);
    const early = this.#reader.rest();
    this.#client.resume();
    this.#letGo();
    this.#host.changeUser(this, socket, command, early);
  }

  // The rest

  /** The routing table has changed: what waits may go on, and what is not to be used any more is let go. */
  routeChanged(): void {
    this.#takeRules();
    const { transaction } = this.#context.facts;
    dropUnwanted(
      this.#legs,
      this.#host,
      (leg) =>
        leg === this.#command.leg ||
        leg === transaction ||
        this.#choice.isBoundTo(leg) ||
        this.#carrier?.isOn(leg) === true,
    );
    this.#lookAgain();
  }

  #takeRules(): void {
    const { facts } = this.#context;
    facts.mode = withServers(facts.mode, this.#host.serverMode);
    const { rules } = this.#host;
    this.#context.rules = rules;
    if (rules.causalReads === "none") this.#causal = undefined;
    else this.#causal ??= new CausalRead(this.#host, this.#context, this.#legs, this.#choice, this);
    if (rules.replay === undefined) return;
    this.#transaction ??= new TransactionKeeper(this.#host, this.#context, this.#legs, this);
  }

  /** Once a second: time limits. */
  sweep(now: number, idleTimeoutMs: number, writeTimeoutMs: number): void {
    keepAlive(this.#legs, this.#host.rules.keepaliveMs);
    if (this.#isActive) {
      this.#isActive = false;
      this.#idleSince = now;
      return;
    }
    const idleMs = now - this.#idleSince;
    const isStuck = writeTimeoutMs > 0 && idleMs >= writeTimeoutMs && this.#client.isFull;
    if (isStuck || (idleTimeoutMs > 0 && idleMs >= idleTimeoutMs && this.#phase === "idle")) this.finish();
    else if (
      this.#phase === "idle" &&
      idleMs >= (this.#host.rules.poolIdleMs ?? Number.POSITIVE_INFINITY) &&
      this.#carrier?.isPending !== true
    )
      lend(this.#legs, this.#context);
  }

  /** Ends it at once. */
  finish(): void {
    if (this.#phase === "closed") return;
    this.#letGo();
    this.#client.destroy();
    this.#host.gone(this);
  }

  /** Ends all but the client's connection. */
  #letGo(): void {
    const areClean = this.#phase === "idle" && isClean(this.#context);
    this.#cancel();
    this.#transaction?.stop();
    this.#unsend();
    this.#phase = "closed";
    this.#command.finish();
    this.#reader.clear();
    this.#legs.close(areClean);
  }

  /** Ends it, and lets the client read what it was told. */
  #leave(error: WireError | undefined): void {
    if (this.#phase === "closed" || this.#phase === "leaving") return;
    this.#cancel();
    this.#settleUnsent();
    this.#phase = "leaving";
    this.#transaction?.stop();
    this.#reader.clear();
    this.#legs.close(false);
    if (error !== undefined) this.#answerError(error);
    this.#client.leave();
    this.#cancel = this.#host.timers.after(LEAVE_MS, () => this.finish());
  }

  /** The command will not be done. */
  #refuse(error: WireError): void {
    const command = this.#command;
    const isRead = command.isRepeatable && (command.flags & ROUTES) === READ;
    const staysOpen = isRead || this.#host.rules.masterFailureMode === "error_on_write";
    if (command.isLong || !staysOpen || command.isSilent) {
      this.#leave(error);
      return;
    }
    this.#settleUnsent();
    this.#answerError(
      !isRead && error.errno === CANNOT_CONNECT ? { errno: 1290, sentence: error.sentence } : error,
    );
    this.#next();
  }

  #settleUnsent(): void {
    this.#unsend();
    this.#command.finish();
    this.#phase = "idle";
  }

  #answerOk(): void {
    const ok = { ...PLAIN_OK, statusFlags: this.#context.facts.status };
    this.#client.answer(writeOk(ok, this.#login.capabilities));
  }

  #answerError(error: WireError): void {
    this.#client.answer(writeError(error));
  }

  #reset(): void {
    this.#carrier?.forget();
    // CLIENT_IGNORE_SPACE counts at login only: servers forget it here.
    this.#context.reset(this.#host.mode, { ...this.#login, capabilities: 0 });
    for (const leg of [...this.#legs.all]) {
      if (!canBeReset(leg.server, this.#host.rules)) {
        this.#legs.drop(leg);
        continue;
      }
      leg.forgetSession();
      leg.position = this.#context.history.lastId;
      this.#causal?.begin(leg);
    }
  }
}

const NOTHING = Buffer.alloc(0);
