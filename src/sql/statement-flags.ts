/**
 * What classify() answers: one route, and what else the session must know of the statement.
 *
 *   31 HELD … 22 │ 21-19 hint │ 18 MULTI … 4 BEGIN │ 3-0 route (exactly one)
 *
 * Bit 31 is the sign: test with `(flags & X) !== 0`, never `> 0`.
 */

/** A replica may answer it: it changes no data and nothing of the session. */
export const READ = 1 << 0;
/** For the primary (or the server of the open transaction). Whatever is not known for certain is this. */
export const WRITE = 1 << 1;
/** Changes the session the same way wherever it runs: goes to every server, and into the history. */
export const SESSION = 1 << 2;
/** Asks about the statement before: ROW_COUNT(), SHOW WARNINGS. Goes where that one went. */
export const LAST = 1 << 3;
/** The route alone: `flags & ROUTES`. */
export const ROUTES = READ | WRITE | SESSION | LAST;

/** A transaction begins: BEGIN, START TRANSACTION, XA START; with COMMIT or ROLLBACK: … AND CHAIN. */
export const BEGIN = 1 << 4;
/** With BEGIN: START TRANSACTION READ ONLY (its route is READ). With SET_TRANSACTION: … READ ONLY. */
export const READ_ONLY = 1 << 5;
export const COMMIT = 1 << 6;
/** The whole transaction; ROLLBACK TO SAVEPOINT is a plain WRITE. */
export const ROLLBACK = 1 << 7;
/** COMMIT RELEASE: the server closes the connection after its OK. */
export const RELEASE = 1 << 8;
export const AUTOCOMMIT_ON = 1 << 9;
/** With AUTOCOMMIT_ON: set to an expression, or several times; the server's status flags know. */
export const AUTOCOMMIT_OFF = 1 << 10;
/** For the next transaction only: SET TRANSACTION …; that one must run where this went. */
export const SET_TRANSACTION = 1 << 11;
/** PREPARE name FROM …; details: sessionChanges(). */
export const PREPARE_TEXT = 1 << 12;
/** EXECUTE name: route WRITE, as what it runs is not in the text; the name: executedName(). */
export const EXECUTE_TEXT = 1 << 13;
export const DEALLOCATE_TEXT = 1 << 14;
/** USE database; the name: sessionChanges(). */
export const USE = 1 << 15;
/** A SET of session variables, NAMES, ROLE: sessionChanges(). May change the mode that classify() needs, with WRITE too. */
export const SET = 1 << 16;
/** Creates, changes or drops a temporary table or sequence. Once there is one, only the primary can read it. */
export const TEMPORARY_TABLE = 1 << 17;
/** Several statements in one; the other flags are those of all. */
export const MULTI = 1 << 18;

/** Routing hint in a comment: compare `flags & HINTS` with one of those below; 0: none. A hint never sends a WRITE to a replica. */
export const HINTS = 7 << 19;
export const HINT_MASTER = 1 << 19;
export const HINT_SLAVE = 2 << 19;
/** The name: routingHints(). */
export const HINT_SERVER = 3 << 19;
export const HINT_LAST = 4 << 19;
/** Named, stacked (begin, end) or a parameter, or several: routingHints(). */
export const HINT_OTHER = 5 << 19;

/** LOAD DATA LOCAL, LOAD XML LOCAL: the server asks the client for a file. */
export const LOAD_LOCAL = 1 << 22;
/** Ends an open transaction as COMMIT does. */
export const IMPLICIT_COMMIT = 1 << 23;
export const USER_VARIABLE_READ = 1 << 24;
/** With SESSION: to the same value everywhere. With WRITE: the value is known to the primary alone. */
export const USER_VARIABLE_WRITE = 1 << 25;
/** LOCK TABLES, FLUSH TABLES … WITH READ LOCK: what follows must run on the same connection, until UNLOCK_TABLES. */
export const LOCK_TABLES = 1 << 26;
export const UNLOCK_TABLES = 1 << 27;
/** Runs code that is not in the text: CALL, stored function, compound statement, EXECUTE IMMEDIATE. */
export const OPAQUE = 1 << 28;
/** KILL: killTarget(). */
export const KILL = 1 << 29;
/** With WRITE: changes the session in a way that only the primary has from now on, and no replay can repeat. */
export const PIN = 1 << 30;
/** Leaves with the connection something that dies with it: user lock, open HANDLER, temporary table, table locks, XA. */
export const HELD = 1 << 31;
