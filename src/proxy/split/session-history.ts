/** A command that changed the session, as a new server connection has to be told it. */
export interface SessionCommand {
  /** Counts up through the session. */
  readonly id: number;
  /** The command with its packet header. */
  readonly bytes: Buffer;
  /** What it sets, where a later command that sets the same makes it void; undefined: more than can be named. */
  readonly sets: string | undefined;
}

export interface HistoryLimits {
  /** Most commands that are kept. */
  readonly max: number;
  /** Where there are more, the oldest is forgotten; otherwise nothing is kept from then on. */
  readonly prune: boolean;
}

/** A session that sets more than this is not repeated anywhere. */
const MOST_BYTES = 1 << 20;

/**
 * What a session has been told to be: the commands that a new server connection is told before anything else.
 *
 * Every command gets a number when it is sent, and is kept once it has succeeded; a server connection remembers the number up to
 * which it has them all (ServerLeg.position).
 */
export class SessionHistory {
  readonly #limits: HistoryLimits;
  #commands: SessionCommand[] = [];
  #bytes = 0;
  #lastId = 0;
  #isWhole = true;

  constructor(limits: HistoryLimits) {
    this.#limits = limits;
  }

  /** The number of the command that was sent last. */
  get lastId(): number {
    return this.#lastId;
  }

  /** False: a new connection cannot be brought to where the session is. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  get length(): number {
    return this.#commands.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A number for a command that is about to be sent. */
  nextId(): number {
    return ++this.#lastId;
  }

  /** A command has succeeded. `bytes` is kept, not copied. */
  keep(id: number, bytes: Buffer, sets: string | undefined): void {
    if (!this.#isWhole) return;
    if (sets !== undefined) this.#forgetVoid(sets);
    this.#commands.push({ id, bytes, sets });
    this.#bytes += bytes.length;
    if (this.#commands.length > this.#limits.max && this.#limits.prune) this.#forget(0);
    if (this.#commands.length > this.#limits.max || this.#bytes > MOST_BYTES) this.#giveUp();
  }

  /** The commands that a connection at that position lacks, in order. */
  after(position: number): readonly SessionCommand[] {
    if (position === 0) return this.#commands;
    return this.#commands.filter(({ id }) => id > position);
  }

  /** The session is as after login again. */
  reset(): void {
    this.#commands = [];
    this.#bytes = 0;
    this.#isWhole = true;
    this.#lastId++;
  }

  /** Only back to the last command that may have used what was set: PREPARE in the database of then, SET @b = @a. */
  #forgetVoid(sets: string): void {
    for (let i = this.#commands.length - 1; i >= 0; i--) {
      const earlier = this.#commands[i];
      if (earlier?.sets === undefined) return;
      if (earlier.sets === sets) {
        this.#forget(i);
        return;
      }
    }
  }

  #forget(at: number): void {
    const [gone] = this.#commands.splice(at, 1);
    this.#bytes -= gone?.bytes.length ?? 0;
  }

  #giveUp(): void {
    this.#isWhole = false;
    this.#commands = [];
    this.#bytes = 0;
  }
}
