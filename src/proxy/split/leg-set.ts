import { COMMAND } from "../../wire/command.ts";
import type { WireError } from "../../wire/error-packet.ts";
import type { ServerLoginOutcome } from "../login/server-login.ts";
import { type Awaited, type LegOwner, ServerLeg } from "./server-leg.ts";
import type { SessionHistory } from "./session-history.ts";
import type { SplitServer } from "./split-server.ts";

/** Where new connections come from. */
export interface LegSource {
  /** An idle connection that another session of the same account has left. */
  takeIdle(server: SplitServer): ServerLeg | undefined;
  leaveIdle(leg: ServerLeg): void;
  /** Logs in as the client. Never rejects. */
  connect(server: SplitServer): Promise<ServerLoginOutcome>;
}

/** What becomes of a connection that was asked for. */
export interface LegSetOwner extends LegOwner {
  opened(leg: ServerLeg): void;
  /** `error`: the server's own words; undefined: it could not be reached. `reason`: a clause after the server's name. */
  notOpened(server: SplitServer, reason: string, error: WireError | undefined): void;
}

/** The server connections of one session: at most one to each server, opened when it is needed. */
export class LegSet {
  readonly #source: LegSource;
  readonly #owner: LegSetOwner;
  readonly #history: SessionHistory;
  readonly #legs: ServerLeg[] = [];
  /** The one that was looked for last. */
  #last: ServerLeg | undefined;
  readonly #opening = new Set<SplitServer>();
  /** Who else waits for a connection; see reach(). */
  #waiting: { readonly server: SplitServer; readonly tell: (leg: ServerLeg | undefined) => void }[] = [];
  #isClosed = false;

  constructor(source: LegSource, owner: LegSetOwner, history: SessionHistory) {
    this.#source = source;
    this.#owner = owner;
    this.#history = history;
  }

  get all(): readonly ServerLeg[] {
    return this.#legs;
  }

  on(server: SplitServer | undefined): ServerLeg | undefined {
    // Nearly always the one of the statement before.
    if (this.#last?.server === server) return this.#last;
    for (const leg of this.#legs)
      if (leg.server === server) {
        this.#last = leg;
        return leg;
      }
    return undefined;
  }

  hasLegOn(server: SplitServer): boolean {
    return this.on(server) !== undefined;
  }

  /** Connections to others than the primary, those that are being opened included. */
  replicas(primary: SplitServer | undefined): number {
    let count = 0;
    for (const leg of this.#legs) if (leg.server !== primary) count++;
    for (const server of this.#opening) if (server !== primary) count++;
    return count;
  }

  /** Opens a connection; opened() or notOpened() comes, perhaps at once. */
  open(server: SplitServer): void {
    if (this.#opening.has(server)) return;
    const idle = this.#source.takeIdle(server);
    if (idle !== undefined) {
      idle.owner = this.#owner;
      this.#add(idle);
      return;
    }
    if (!server.take()) {
      this.#failed(server, "has all its places taken", undefined);
      return;
    }
    this.#opening.add(server);
    void this.#connect(server);
  }

  /** A connection, opened if there is none; undefined: there is none to be had. */
  async reach(server: SplitServer): Promise<ServerLeg | undefined> {
    const present = this.on(server);
    if (present !== undefined || this.#isClosed) return present;
    return await new Promise((resolve) => {
      this.#waiting.push({ server, tell: resolve });
      this.open(server);
    });
  }

  /**
   * Repeats what the session has been told since on a connection that has not heard it. False: it cannot be.
   * @param lastId up to which command
   */
  catchUp(leg: ServerLeg, lastId = this.#history.lastId): boolean {
    if (leg.position === lastId) return true;
    if (!this.#history.isWhole) return false;
    for (const { id, bytes } of this.#history.after(leg.position)) {
      if (id > lastId) break;
      leg.position = id;
      leg.send(bytes, new Repetition(bytes[4] ?? COMMAND.QUERY));
    }
    leg.position = lastId;
    return !leg.isClosed;
  }

  /** It is gone. */
  remove(leg: ServerLeg): void {
    this.#take(leg);
    leg.server.remove(leg);
  }

  /** Closes one that is not needed any more. */
  drop(leg: ServerLeg): void {
    this.remove(leg);
    leg.quit();
  }

  /** Gives one to whoever can use it: the session has left nothing on it that COM_RESET_CONNECTION would not wipe out. */
  leave(leg: ServerLeg): void {
    this.#take(leg);
    this.#source.leaveIdle(leg);
  }

  /** @param areClean they may be given to others */
  close(areClean: boolean): void {
    this.#isClosed = true;
    for (const leg of [...this.#legs]) {
      if (areClean && leg.isIdle && !leg.isClosed) this.leave(leg);
      else this.drop(leg);
    }
    for (const { tell } of this.#waiting.splice(0)) tell(undefined);
  }

  async #connect(server: SplitServer): Promise<void> {
    const outcome = await this.#source.connect(server);
    this.#opening.delete(server);
    if (outcome.kind === "ok") {
      const leg = new ServerLeg(server, outcome.server, this.#owner);
      server.add(leg);
      if (this.#isClosed) {
        this.drop(leg);
      } else if (leg.isClosed) {
        server.remove(leg);
        this.#failed(server, "closed the connection after the login", undefined);
      } else this.#add(leg);
      return;
    }
    server.release();
    if (this.#isClosed) return;
    if (outcome.kind === "refused") this.#failed(server, "refused the login", outcome.error);
    else this.#failed(server, outcome.reason, undefined);
  }

  #take(leg: ServerLeg): void {
    const at = this.#legs.indexOf(leg);
    if (at >= 0) this.#legs.splice(at, 1);
    this.#last = undefined;
  }

  #add(leg: ServerLeg): void {
    this.#legs.push(leg);
    this.#owner.opened(leg);
    this.#tell(leg.server, leg.isClosed ? undefined : leg);
  }

  #failed(server: SplitServer, reason: string, error: WireError | undefined): void {
    this.#owner.notOpened(server, reason, error);
    this.#tell(server, undefined);
  }

  #tell(server: SplitServer, leg: ServerLeg | undefined): void {
    if (this.#waiting.length === 0) return;
    const told = this.#waiting.filter((one) => one.server === server);
    this.#waiting = this.#waiting.filter((one) => one.server !== server);
    for (const { tell } of told) tell(leg);
  }
}

/** A command that succeeded elsewhere and must succeed here, or the session would not be the same. */
class Repetition implements Awaited {
  readonly command: number;

  constructor(command: number) {
    this.command = command;
  }

  bytes(): void {}

  done(leg: ServerLeg): void {
    if (leg.reply.outcome !== "ok") leg.lose("does not accept what the session has set");
  }
}
