import { IGNORE_SPACE, UNSAFE_CHARSET } from "../../sql/lexer-mode.ts";
import {
  HELD,
  LAST,
  LOCK_TABLES,
  OPAQUE,
  PIN,
  RELEASE,
  SET_TRANSACTION,
  TEMPORARY_TABLE,
  UNLOCK_TABLES,
  USER_VARIABLE_WRITE,
  WRITE,
} from "../../sql/statement-flags.ts";
import { CLIENT, hasFlag } from "../../wire/capability.ts";
import { STATUS } from "../../wire/ok-packet.ts";
import type { ServerLeg } from "./server-leg.ts";

/** What of a login decides how statements are read. */
export interface SessionLogin {
  /** Collation number. */
  readonly characterSet: number;
  readonly capabilities: number;
  /** The password has expired, and changing it is all that is allowed. */
  readonly isExpired: boolean;
}

/** What is known of a session from its statements and from the status flags of the answers. */
export class SessionFacts {
  /** The mode that classify() takes: sql/lexer-mode.ts. */
  mode = 0;
  /** It has been set to something that only the server can tell. */
  isModeUnknown = false;
  /** The default database; undefined: none. */
  database: string | undefined;
  /** Where a transaction is open. */
  transaction: ServerLeg | undefined;
  /** That transaction reads only: it may be on a replica. */
  isReadOnly = false;
  /** Every statement is, or begins, a transaction. */
  isAutocommit = true;
  /** Everything goes to the primary from now on: it alone has what the session made. */
  isPinned = false;
  hasTemporaryTables = false;
  hasLockedTables = false;
  /** The primary connection holds something that dies with it: user locks, open handlers. */
  isHeld = false;
  /** A user variable has a value on the primary that other servers do not have. */
  hasPrimaryVariables = false;
  /** It has another role than after login, which a reset does not bring back. */
  hasRole = false;
  /** SET TRANSACTION has been sent to the primary for the next transaction. */
  isNextPrepared = false;
  /** The server closes the connection after its answer, as it was asked to. */
  isReleasing = false;

  /** Only the primary connection will do. */
  get needsPrimary(): boolean {
    return this.isPinned || this.hasTemporaryTables || this.hasLockedTables || !this.isAutocommit;
  }

  /** Losing the primary connection loses what cannot be made again. */
  get isBound(): boolean {
    return this.isPinned || this.hasTemporaryTables || this.hasLockedTables || this.isHeld;
  }

  /** The status flags that an answer of our own tells the client. */
  get status(): number {
    return (
      (this.isAutocommit ? STATUS.AUTOCOMMIT : 0) |
      (this.transaction === undefined ? 0 : STATUS.IN_TRANSACTION)
    );
  }

  /** What the client's answer said: `status` of the last OK or EOF. */
  answered(leg: ServerLeg, status: number): void {
    this.isAutocommit = (status & STATUS.AUTOCOMMIT) !== 0;
    const isOpen = (status & STATUS.IN_TRANSACTION) !== 0;
    this.isReadOnly = isOpen && (status & STATUS.IN_READ_ONLY_TRANSACTION) !== 0;
    if (isOpen) this.transaction = leg;
    else if (this.transaction === leg || this.transaction?.isClosed === true) this.transaction = undefined;
    if (isOpen) this.isNextPrepared = false;
  }

  /** A statement has been executed: what it leaves behind. `flags`: classify(). */
  executed(flags: number): void {
    if ((flags & LEAVES) === 0) return;
    if ((flags & PIN) !== 0) this.isPinned = true;
    if ((flags & TEMPORARY_TABLE) !== 0) this.hasTemporaryTables = true;
    if ((flags & LOCK_TABLES) !== 0) this.hasLockedTables = true;
    else if ((flags & UNLOCK_TABLES) !== 0) this.hasLockedTables = false;
    if ((flags & HELD) !== 0) this.isHeld = true;
    if ((flags & RELEASE) !== 0) this.isReleasing = true;
    if ((flags & SET_TRANSACTION) !== 0) this.isNextPrepared = true;
    // Procedures and functions may write them, too.
    if ((flags & (WRITE | LAST)) !== 0 && (flags & (USER_VARIABLE_WRITE | OPAQUE)) !== 0)
      this.hasPrimaryVariables = true;
  }

  /** A mode of the server's, before the session has set its own. */
  begin(mode: number, { characterSet, capabilities, isExpired }: SessionLogin): void {
    // Only the connection that changes the password knows that it is changed.
    if (isExpired) this.isPinned = true;
    this.mode =
      mode |
      (UNSAFE_COLLATIONS.has(characterSet) ? UNSAFE_CHARSET : 0) |
      (hasFlag(capabilities, CLIENT.IGNORE_SPACE) ? IGNORE_SPACE : 0);
  }

  /** As after login, but for the mode and the database. */
  reset(): void {
    this.isModeUnknown = false;
    this.transaction = undefined;
    this.isReadOnly = false;
    this.isAutocommit = true;
    this.isPinned = false;
    this.hasTemporaryTables = false;
    this.hasLockedTables = false;
    this.isHeld = false;
    this.hasPrimaryVariables = false;
    this.isNextPrepared = false;
  }
}

const LEAVES =
  PIN |
  TEMPORARY_TABLE |
  LOCK_TABLES |
  UNLOCK_TABLES |
  HELD |
  RELEASE |
  SET_TRANSACTION |
  USER_VARIABLE_WRITE |
  OPAQUE;

/** Those that a login can name of big5, sjis, gbk, cp932 and gb18030: see modeOfCharacterSet(). */
const UNSAFE_COLLATIONS: ReadonlySet<number> = new Set([1, 13, 28, 84, 87, 88, 95, 96, 248, 249, 250]);
