import { type Connection, createConnection } from "mariadb";

export interface InsertersTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** Client c inserts (c, 0), (c, 1), …, each until it is acknowledged: so a count for each client tells them all apart. */
export const INSERTERS_TABLE = "app.acknowledged";
export const CREATE_INSERTERS_TABLE = `CREATE DATABASE IF NOT EXISTS app; CREATE TABLE ${INSERTERS_TABLE} (client INT, i INT, PRIMARY KEY (client, i))`;

const CONNECT_MS = 15_000;
const PAUSE_MS = 20;
const MOST_PER_CONNECTION = 60;
const DUPLICATE = 1062;

/**
 * Applications that insert all the time, each on a connection that it renews every few inserts. What fails is tried again; nothing but
 * connecting has a deadline of the client's own, so a session that the proxy leaves hanging is seen as one that is stuck.
 */
export class Inserters {
  readonly #target: InsertersTarget;
  readonly #random: () => number;
  /** How many each client has had acknowledged. */
  readonly #done: number[];
  /** When each client began the insert it is at; ms of performance.now(). */
  readonly #since: number[];
  readonly #open = new Set<Connection>();
  readonly #running: Promise<unknown>;
  #isOver = false;
  #isCutOff = false;
  /** What clients have seen, and how often. */
  readonly errors = new Map<string, number>();
  /** The longest that one insert took with all its repetitions, since it was last set back; ms. */
  longestMs = 0;

  constructor(target: InsertersTarget, clients: number, random: () => number) {
    this.#target = target;
    this.#random = random;
    this.#done = Array.from({ length: clients }, () => 0);
    this.#since = Array.from({ length: clients }, () => performance.now());
    this.#running = Promise.allSettled(this.#done.map(async (_, client) => await this.#run(client)));
  }

  get acknowledged(): readonly number[] {
    return this.#done;
  }

  get total(): number {
    return this.#done.reduce((sum, each) => sum + each, 0);
  }

  get failures(): number {
    return [...this.errors.values()].reduce((sum, each) => sum + each, 0);
  }

  /** For how long the client that waits longest has been at its present insert, ms. */
  get waitingMs(): number {
    return performance.now() - Math.min(...this.#since);
  }

  /** Each client ends after the insert it is at. False: some were still stuck at it when the time was over, and have been cut off. */
  async stop(withinMs: number): Promise<boolean> {
    this.#isOver = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(resolve, withinMs, false);
    });
    const isInTime = await Promise.race([this.#running.then(() => true), late]);
    clearTimeout(timer);
    this.#isCutOff = true;
    for (const connection of this.#open) connection.destroy();
    return isInTime;
  }

  async #run(client: number): Promise<void> {
    let connection: Connection | undefined;
    let left = 0;
    while (!this.#isOver) {
      this.#since[client] = performance.now();
      connection = await this.#insert(client, connection);
      this.#done[client] = (this.#done[client] ?? 0) + 1;
      if (--left > 0 || connection === undefined) continue;
      left = 1 + Math.floor(this.#random() * MOST_PER_CONNECTION);
      await this.#close(connection);
      connection = undefined;
    }
    if (connection !== undefined) await this.#close(connection);
  }

  /** Inserts the client's next row, however often it takes. @returns the connection it got through on, if that is still good */
  async #insert(client: number, first: Connection | undefined): Promise<Connection | undefined> {
    let connection = first;
    for (;;) {
      try {
        connection ??= await this.#connect();
        await connection.query(`INSERT INTO ${INSERTERS_TABLE} VALUES (?, ?)`, [client, this.#done[client]]);
        break;
      } catch (error) {
        if ((error as { errno?: number }).errno === DUPLICATE) break; // a try that seemed to fail had got through
        this.#count(error);
        if (connection !== undefined) this.#drop(connection);
        connection = undefined;
        if (this.#isCutOff) throw error;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
    this.longestMs = Math.max(this.longestMs, performance.now() - (this.#since[client] ?? 0));
    return connection;
  }

  async #connect(): Promise<Connection> {
    const connection = await createConnection({ ...this.#target, connectTimeout: CONNECT_MS });
    connection.on("error", () => {}); // its next insert fails, too
    this.#open.add(connection);
    return connection;
  }

  async #close(connection: Connection): Promise<void> {
    this.#open.delete(connection);
    await connection.end().catch(() => {});
  }

  #drop(connection: Connection): void {
    this.#open.delete(connection);
    connection.destroy();
  }

  #count(error: unknown): void {
    const { code, errno } = error as { code?: string; errno?: number };
    // A number that the driver has no name for is one of the proxy's own.
    const kind = code === undefined || code === "UNKNOWN" ? `error ${errno ?? error}` : code;
    this.errors.set(kind, (this.errors.get(kind) ?? 0) + 1);
  }
}
