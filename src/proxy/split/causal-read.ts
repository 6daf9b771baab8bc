import type { SplitRules } from "../../topology/routing-table.ts";
import { COMMAND } from "../../wire/command.ts";
import type { Command } from "./command.ts";
import type { LegSet } from "./leg-set.ts";
import { queryPacket } from "./own-packets.ts";
import { Unheard } from "./prepare-elsewhere.ts";
import { firstRow, Question, type Row } from "./question.ts";
import type { ServerChoice } from "./server-choice.ts";
import type { ServerLeg } from "./server-leg.ts";
import type { SessionContext } from "./session-context.ts";
import type { SplitHost } from "./split-host.ts";
import type { SplitServer } from "./split-server.ts";
import { toldGtids } from "./told-gtids.ts";

/** What becomes of a read that had to ask first. */
export interface CausalOwner {
  /** Something has become known: look again. */
  advance(): void;
  /** That server does not have what was written in time: the primary has it. */
  late(leg: ServerLeg): void;
}

/** More of what MySQL told of single writes than is kept; the primary is asked for all of it then. */
const MOST_TOLD = 16;

/**
 * Makes replicas wait until they have what was written before (causal_reads). Two questions, and only where something was written:
 *
 *   what has been written?   by this session (local, fast): to the server where it wrote, but that MySQL tells it with its OK;
 *                            by anybody (global, universal): to the primary
 *   do you have it?          to the replica, which waits for it (or not: fast)
 *
 * Galera waits by itself, told once on each connection; see canBeReset().
 */
export class CausalRead {
  readonly #host: SplitHost;
  readonly #context: SessionContext;
  readonly #legs: LegSet;
  readonly #choice: ServerChoice;
  readonly #owner: CausalOwner;
  /** The GTID position that reads must have reached; empty: any. */
  #gtid = "";
  /** Where something was written that is not in that position yet. */
  #writtenOn: ServerLeg | "several" | undefined;
  #told = 0;
  /** The bytes of the command for which what has been written is being asked; undefined: none. */
  #askedFor: Buffer | undefined;

  constructor(
    host: SplitHost,
    context: SessionContext,
    legs: LegSet,
    choice: ServerChoice,
    owner: CausalOwner,
  ) {
    this.#host = host;
    this.#context = context;
    this.#legs = legs;
    this.#choice = choice;
    this.#owner = owner;
  }

  get #isOfAll(): boolean {
    const { causalReads } = this.#context.rules;
    return causalReads !== "local" && causalReads !== "fast";
  }

  /** A connection is as after login. */
  begin(leg: ServerLeg): void {
    // It does not tell any more what it wrote before it was reset.
    if (this.#writtenOn === leg) this.#writtenOn = "several";
    if (this.#isOfAll || leg.server !== this.#host.primary || isMariadb(leg)) return;
    leg.send(TELL_GTIDS, new Unheard(COMMAND.QUERY));
  }

  /** A statement that may have written has been answered. */
  wrote(leg: ServerLeg): void {
    const { tracked, results } = leg.reply;
    // Of several results only the last is told of.
    const gtids = tracked === undefined || results > 1 ? "" : toldGtids(tracked, leg.login.capabilities);
    const isElsewhere = this.#writtenOn !== undefined && this.#writtenOn !== leg;
    if (gtids === "" || isElsewhere || this.#told >= MOST_TOLD) {
      this.#writtenOn = isElsewhere ? "several" : leg;
      return;
    }
    this.#writtenOn = undefined;
    this.#gtid = this.#gtid === "" ? gtids : `${this.#gtid},${gtids}`;
    this.#told++;
  }

  /** Whether the read may be sent there now; if not, the owner is told later. */
  isReady(leg: ServerLeg, command: Command): boolean {
    if (leg.server.target.isGalera) {
      this.#letGaleraWait(leg);
      return true;
    }
    if (leg.server === this.#host.primary) return true;
    // The replica that was to be read from is lost: the next one has to wait for the same answer.
    if (this.#askedFor !== undefined) return false;
    if (!command.isPositionKnown && (this.#isOfAll || this.#writtenOn !== undefined)) {
      if (this.#askPosition(command)) return false;
      command.isPositionKnown = true;
    }
    if (this.#gtid === "" || leg.gtid === this.#gtid) return true;
    this.#askWhetherItHas(leg, this.#gtid);
    return false;
  }

  /** Any node may have been the one that took writes a moment ago; only the connection that wrote has what it wrote for certain. */
  #letGaleraWait(leg: ServerLeg): void {
    if (leg.gtid !== "") return;
    const { home } = this.#choice;
    if (!this.#isOfAll && (home === undefined || home === leg)) return;
    leg.send(SYNC_WAIT, new Unheard(COMMAND.QUERY));
    leg.gtid = "galera";
  }

  /** False: there is nobody to ask. */
  #askPosition(command: Command): boolean {
    const writtenOn = this.#writtenOn;
    const again = (): boolean => this.#askPrimary(command, () => this.#giveUp(command));
    if (this.#isOfAll || typeof writtenOn !== "object" || writtenOn.isClosed)
      return this.#askPrimary(command, again);
    this.#ask(writtenOn, isMariadb(writtenOn) ? LAST_GTID : EXECUTED, command, () => {
      this.#writtenOn = "several";
      return again();
    });
    return true;
  }

  /** Where the connection that wrote is lost, the primary still knows of everything. False: there is none. */
  #askPrimary(command: Command, otherwise: () => boolean): boolean {
    const { primary } = this.#host;
    if (primary === undefined) return false;
    this.#askedFor = command.bytes;
    void this.#legs.reach(primary).then((leg) => {
      if (leg === undefined || leg.isClosed || !this.#legs.catchUp(leg)) this.#goOn(command);
      else this.#ask(leg, isMariadb(leg) ? BINLOG_POSITION : EXECUTED, command, otherwise);
    });
    return true;
  }

  /** @param otherwise what is to be done where there is no answer; false: it cannot be */
  #ask(leg: ServerLeg, question: Buffer, command: Command, otherwise: () => boolean): void {
    this.#askedFor = command.bytes;
    const answered = (row: Row | undefined): void => {
      if (row === undefined) {
        if (!otherwise()) this.#goOn(command);
        return;
      }
      this.#gtid = row[0] || this.#gtid;
      this.#writtenOn = undefined;
      this.#told = 0;
      this.#goOn(command);
    };
    leg.send(question, new Question(firstRow, answered));
  }

  #goOn(command: Command): void {
    // The next command has to ask for itself.
    if (command.bytes === this.#askedFor) command.isPositionKnown = true;
    this.#askedFor = undefined;
    this.#owner.advance();
  }

  /** Nobody has told. */
  #giveUp({ leg }: Command): boolean {
    this.#askedFor = undefined;
    if (leg !== undefined) this.#owner.late(leg);
    return true;
  }

  #askWhetherItHas(leg: ServerLeg, gtid: string): void {
    const { causalReads, causalReadsTimeoutMs } = this.#context.rules;
    const seconds = causalReads.startsWith("fast") ? 0 : causalReadsTimeoutMs / 1000;
    const isOfMariadb = isMariadb(leg);
    const text = isOfMariadb
      ? `SELECT MASTER_GTID_WAIT('${gtid}', ${seconds}) = 0`
      : seconds === 0
        ? `SELECT GTID_SUBSET('${gtid}', @@global.gtid_executed)`
        : `SELECT WAIT_FOR_EXECUTED_GTID_SET('${gtid}', ${seconds}) = 0`;
    const answered = (row: Row | undefined): void => {
      if (leg.isClosed) return;
      if (row?.[0] !== "1") {
        this.#owner.late(leg);
        return;
      }
      leg.gtid = gtid;
      this.#owner.advance();
    };
    leg.send(queryPacket(text), new Question(firstRow, answered));
  }
}

/**
 * Whether a connection serves causal reads after COM_RESET_CONNECTION. With Galera it does not: whatever wsrep_sync_wait says then,
 * the server does not wait any more (MariaDB 10.11; mariadb-corporation/galera issue 613).
 */
export const canBeReset = (
  { target }: SplitServer,
  { causalReads }: Pick<SplitRules, "causalReads">,
): boolean => causalReads === "none" || !target.isGalera;

const isMariadb = ({ login }: ServerLeg): boolean => /mariadb/i.test(login.serverVersion);
const LAST_GTID = queryPacket("SELECT @@last_gtid");
const BINLOG_POSITION = queryPacket("SELECT @@gtid_binlog_pos");
const EXECUTED = queryPacket("SELECT REPLACE(@@global.gtid_executed, '\\n', '')");
const TELL_GTIDS = queryPacket("SET SESSION session_track_gtids = OWN_GTID");
const SYNC_WAIT = queryPacket("SET SESSION wsrep_sync_wait = 1");
