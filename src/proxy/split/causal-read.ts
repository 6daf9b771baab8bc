import { COMMAND } from "../../wire/command.ts";
import type { Command } from "./command.ts";
import type { LegSet } from "./leg-set.ts";
import { queryPacket } from "./own-packets.ts";
import { Unheard } from "./prepare-elsewhere.ts";
import { Question, type Row } from "./question.ts";
import type { ServerChoice } from "./server-choice.ts";
import type { ServerLeg } from "./server-leg.ts";
import type { SessionContext } from "./session-context.ts";
import type { SplitHost } from "./split-host.ts";

/** What becomes of a read that had to ask first. */
export interface CausalOwner {
  /** Something has become known: look again. */
  advance(): void;
  /** That server does not have what was written in time: the primary has it. */
  late(leg: ServerLeg): void;
}

/**
 * Makes replicas wait until they have what was written before (causal_reads). Two questions, and only where something was written:
 *
 *   what has been written?   to the primary: by this session (local, fast), or by anybody (global, universal)
 *   do you have it?          to the replica, which waits for it (or not: fast)
 *
 * Galera waits by itself, told once on each connection.
 */
export class CausalRead {
  readonly #host: SplitHost;
  readonly #context: SessionContext;
  readonly #legs: LegSet;
  readonly #choice: ServerChoice;
  readonly #owner: CausalOwner;

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

  /** Whether the read may be sent there now; if not, the owner is told later. */
  isReady(leg: ServerLeg, command: Command): boolean {
    const { facts, rules } = this.#context;
    if (leg.server === this.#host.primary) return true;
    if (leg.server.target.isGalera) {
      if (leg.gtid === "") leg.send(SYNC_WAIT, new Unheard(COMMAND.QUERY));
      leg.gtid = "galera";
      return true;
    }
    const isOfAll = rules.causalReads !== "local" && rules.causalReads !== "fast";
    if (isOfAll ? !command.isPositionKnown : facts.hasWritten) {
      command.isPositionKnown = true;
      facts.hasWritten = false;
      if (this.#askPosition(isOfAll)) return false;
    }
    if (facts.gtid === "" || leg.gtid === facts.gtid) return true;
    this.#askWhetherItHas(leg, facts.gtid);
    return false;
  }

  /** False: there is nobody to ask. */
  #askPosition(isOfAll: boolean): boolean {
    if (!isOfAll) {
      const { home } = this.#choice;
      if (home === undefined || home.isClosed) return false;
      this.#askPrimary(home, isMariadb(home) ? LAST_GTID : EXECUTED);
      return true;
    }
    const { primary } = this.#host;
    if (primary === undefined) return false;
    void this.#legs.reach(primary).then((leg) => {
      if (leg === undefined || !this.#legs.catchUp(leg)) this.#owner.advance();
      else this.#askPrimary(leg, isMariadb(leg) ? BINLOG_POSITION : EXECUTED);
    });
    return true;
  }

  #askPrimary(leg: ServerLeg, question: Buffer): void {
    const answered = (row: Row | undefined): void => {
      this.#context.facts.gtid = row?.[0] || this.#context.facts.gtid;
      this.#owner.advance();
    };
    leg.send(question, new Question(answered));
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
    leg.send(queryPacket(text), new Question(answered));
  }
}

const isMariadb = ({ login }: ServerLeg): boolean => /mariadb/i.test(login.serverVersion);
const LAST_GTID = queryPacket("SELECT @@last_gtid");
const BINLOG_POSITION = queryPacket("SELECT @@gtid_binlog_pos");
const EXECUTED = queryPacket("SELECT REPLACE(@@global.gtid_executed, '\\n', '')");
const SYNC_WAIT = queryPacket("SET SESSION wsrep_sync_wait = 1");
