import { CLIENT, hasFlag } from "../../wire/capability.ts";
import { COMMAND } from "../../wire/command.ts";
import type { LoggedInServer } from "../login/logged-in.ts";
import type { OwnedSocket, SocketOwner } from "../login/owned-socket.ts";
import { Outlet } from "./outlet.ts";
import { ReplyTracker } from "./reply-tracker.ts";
import type { SplitServer } from "./split-server.ts";

/** An answer that is due, and what becomes of it. Answers come in the order of the commands. */
export interface Awaited {
  /** The command's byte: it tells the form of the answer. */
  readonly command: number;
  /** A part of the answer, as it came. */
  bytes(leg: ServerLeg, part: Buffer): void;
  /** The answer is complete; `leg.reply` tells how it ended, until the next command is sent on this leg. */
  done(leg: ServerLeg): void;
  /** The connection is gone, and the answer will not come. */
  abandoned?(): void;
}

/** What a leg tells its session of. */
export interface LegOwner {
  /** It takes bytes again after a send() that returned false. */
  drained(leg: ServerLeg): void;
  /** The connection is gone, and what was awaited will not come. `reason`: a clause after the server's name. */
  lost(leg: ServerLeg, reason: string): void;
}

/** What a server connection has of a prepared statement. */
export interface Prepared {
  /** The server's own number of it. */
  readonly id: number;
  /** Parameter types that it was last told, as bytes; undefined: none yet. */
  types: Buffer | undefined;
}

/**
 * One server connection of a session: commands go out, answers come back in the same order.
 *
 *   send(bytes, awaited) ─▶ server ─▶ ReplyTracker ─ parts ─▶ awaited.bytes … awaited.done
 */
export class ServerLeg extends Outlet implements SocketOwner {
  readonly server: SplitServer;
  readonly reply: ReplyTracker;
  /** The server's number of this connection. */
  readonly connectionId: number;
  readonly login: LoggedInServer;
  /** The last session command that has been sent here; see SessionHistory. */
  position = 0;
  /** By our number of the statement. */
  readonly prepared = new Map<number, Prepared>();
  /** The GTID position that it is known to have reached; "": none. */
  gtid = "";
  isClosed = false;
  /** For how many looks (one a second) nothing has come. */
  silentLooks = 0;
  /** The answer that is due first. */
  #due: Awaited | undefined;
  /** Those behind it; undefined: there have never been any. */
  #later: Awaited[] | undefined;
  readonly #socket: OwnedSocket;
  #owner: LegOwner;
  #isPaused = false;

  /** Takes the connection over. Closed from the start: the server has changed its mind. */
  constructor(server: SplitServer, login: LoggedInServer, owner: LegOwner) {
    super();
    this.server = server;
    this.login = login;
    this.connectionId = login.connectionId;
    this.#owner = owner;
    this.reply = new ReplyTracker(!this.hasEofPackets);
    this.reply.status = login.statusFlags;
    const handed = login.handOver(this);
    this.#socket = handed.socket;
    this.isClosed = handed.isClosed || handed.hasEnded || handed.leftover.length > 0;
    if (this.isClosed) this.#socket.terminate();
    else this.#socket.resume();
  }

  /** EOF packets end columns and rows: CLIENT_DEPRECATE_EOF is not agreed on. */
  get hasEofPackets(): boolean {
    return !hasFlag(this.login.capabilities, CLIENT.DEPRECATE_EOF);
  }

  /** Nothing is under way on it. */
  get isIdle(): boolean {
    return this.#due === undefined;
  }

  /** Another session has it from here on. */
  set owner(owner: LegOwner) {
    this.#owner = owner;
  }

  /** Sends a command, or more of one. @returns whether all of it left; if not, drained() comes */
  send(bytes: Buffer, awaited?: Awaited): boolean {
    if (this.isClosed) return true;
    if (awaited !== undefined) this.#expect(awaited);
    return this.write(this.#socket, bytes);
  }

  pause(): void {
    if (this.#isPaused || this.isClosed) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isPaused || this.isClosed) return;
    this.#isPaused = false;
    this.#socket.resume();
  }

  /** The server has wiped out what the session was. */
  forgetSession(): void {
    this.position = 0;
    this.prepared.clear();
    this.gtid = "";
  }

  /** Says goodbye if nothing is under way, and closes; its session hears nothing of it. */
  quit(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    const { isIdle } = this;
    this.#forget();
    if (isIdle && !this.isFull && this.#socket.write(QUIT) === QUIT.length) this.#socket.end();
    else this.#socket.terminate();
  }

  data(chunk: Buffer): void {
    this.silentLooks = 0;
    let from = 0;
    while (from < chunk.length) {
      const awaited = this.#due;
      if (awaited === undefined) {
        // An error that precedes a shutdown, a KILL, wait_timeout.
        this.lose("closed the connection");
        return;
      }
      const to = this.reply.feed(chunk, from);
      awaited.bytes(this, from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to));
      if (this.isClosed) return;
      from = to;
      if (!this.reply.isDone) continue;
      if (this.reply.outcome === "malformed") {
        this.lose("sent an answer that is not of the protocol");
        return;
      }
      this.#answered(awaited);
      if (this.isClosed) return;
    }
  }

  drain(): void {
    if (this.writeMore(this.#socket)) this.#owner.drained(this);
  }

  end(): void {
    this.lose("closed the connection");
  }

  close(): void {
    this.lose("closed the connection");
  }

  /** Gives it up at once, and tells the session. */
  lose(reason: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.forgetUnsent();
    this.#socket.terminate();
    this.#owner.lost(this, reason);
    this.#forget();
  }

  #forget(): void {
    const due = this.#due;
    const later = this.#later ?? [];
    this.#due = undefined;
    this.#later = undefined;
    due?.abandoned?.();
    for (const awaited of later) awaited.abandoned?.();
  }

  #expect(awaited: Awaited): void {
    if (this.#due === undefined) {
      this.#due = awaited;
      this.reply.begin(awaited.command);
    } else {
      this.#later ??= [];
      this.#later.push(awaited);
    }
  }

  #answered(awaited: Awaited): void {
    this.#due = this.#later?.shift();
    awaited.done(this);
    const next = this.#due;
    if (next !== undefined && this.reply.isDone) this.reply.begin(next.command);
  }
}

const QUIT = Buffer.from([1, 0, 0, 0, COMMAND.QUIT]);
