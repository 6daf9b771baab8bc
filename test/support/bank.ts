// Clients that move money between accounts, each by transactions in a session of its own, and readers that count it meanwhile.
import { type Connection, SqlError } from "mariadb";

const ACCOUNTS = 40;
const OPENING = 1000;
const DEADLOCK = 1213;
export const TOTAL = ACCOUNTS * OPENING;

export const BANK_SQL = `
CREATE TABLE app.account (id INT PRIMARY KEY, balance INT NOT NULL) ENGINE=InnoDB;
INSERT INTO app.account SELECT seq, ${OPENING} FROM app.seq_1_to_${ACCOUNTS};
CREATE TABLE app.ledger (token VARCHAR(40) PRIMARY KEY, payer INT, payee INT, amount INT) ENGINE=InnoDB;
`;

/** What became of a transfer as far as its client knows. */
type Outcome = "acknowledged" | "unknown" | "none";

/** Sessions that lose their connection get another one, and go on until they are told to stop. */
export class Bank {
  readonly #connect: () => Promise<Connection>;
  readonly #prefix: string;
  readonly #tellers: Promise<void>[] = [];
  readonly outcomes = new Map<string, Outcome>();
  /** What readers saw that cannot be. */
  readonly violations: string[] = [];
  readonly errors = new Map<string, number>();
  acknowledged: number[] = [];
  reads: number[] = [];
  #isOver = false;

  /** @param prefix that of its entries in the ledger: several banks share one */
  constructor(connect: () => Promise<Connection>, tellers: number, readers: number, prefix = "") {
    this.#connect = connect;
    this.#prefix = prefix;
    for (let i = 0; i < tellers; i++) this.#tellers.push(this.#tell(i));
    for (let i = 0; i < readers; i++) this.#tellers.push(this.#read(i));
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#tellers);
  }

  /** Whether every client has done something since then. */
  progress(): () => boolean {
    const before = [...this.acknowledged];
    const readsBefore = [...this.reads];
    return () =>
      this.acknowledged.every((count, i) => count >= (before[i] ?? 0) + 3) &&
      this.reads.every((count, i) => count >= (readsBefore[i] ?? 0) + 3);
  }

  /** Compares what clients were told with what a server has. Empty: it is all right. */
  async audit(ask: (sql: string) => Promise<readonly Record<string, unknown>[]>): Promise<readonly string[]> {
    const found: string[] = [];
    const [sum] = await ask("SELECT SUM(balance) AS total FROM app.account");
    if (Number(sum?.["total"]) !== TOTAL) found.push(`the total is ${sum?.["total"]}`);
    const wrong = await ask(
      `SELECT id, balance - ${OPENING} - COALESCE((SELECT SUM(amount) FROM app.ledger WHERE payee = id), 0)
         + COALESCE((SELECT SUM(amount) FROM app.ledger WHERE payer = id), 0) AS gap FROM app.account HAVING gap <> 0`,
    );
    for (const row of wrong) found.push(`account ${row["id"]} and the ledger differ by ${row["gap"]}`);
    const tokens = new Set((await ask("SELECT token FROM app.ledger")).map((row) => String(row["token"])));
    for (const [token, outcome] of this.outcomes) {
      if (outcome === "acknowledged" && !tokens.has(token))
        found.push(`${token} was acknowledged and is lost`);
      if (outcome === "none" && tokens.has(token))
        found.push(`${token} failed before its COMMIT and is there`);
    }
    for (const token of tokens)
      if (token.startsWith(this.#prefix) && !this.outcomes.has(token)) found.push(`${token} is from nobody`);
    return [...this.violations, ...found];
  }

  async #tell(teller: number): Promise<void> {
    this.acknowledged[teller] = 0;
    let connection: Connection | undefined;
    for (let n = 0; !this.#isOver; n++) {
      const token = `${this.#prefix}${teller}-${n}`;
      this.outcomes.set(token, "none");
      try {
        connection = await this.#alive(connection);
        await this.#transfer(connection, token, teller, n);
        this.acknowledged[teller] = (this.acknowledged[teller] ?? 0) + 1;
      } catch (error) {
        await this.#failed(error, connection);
      }
    }
    await connection?.end().catch(() => {});
  }

  async #transfer(connection: Connection, token: string, teller: number, n: number): Promise<void> {
    const payer = 1 + ((teller * 7 + n * 3) % ACCOUNTS);
    const payee = 1 + ((payer + 1 + (n % (ACCOUNTS - 1))) % ACCOUNTS);
    if (payer === payee) return;
    const [first, second] = payer < payee ? [payer, payee] : [payee, payer];
    await connection.query(n % 2 ? "BEGIN" : "START TRANSACTION");
    await connection.execute("SELECT balance FROM account WHERE id IN (?, ?) ORDER BY id FOR UPDATE", [
      first,
      second,
    ]);
    await connection.execute("INSERT INTO ledger VALUES (?, ?, ?, ?)", [token, payer, payee, 5]);
    await connection.query("UPDATE account SET balance = balance - 5 WHERE id = ?", [payer]);
    const [own] = await connection.query<{ n: number }[]>(
      `SELECT COUNT(*) AS n FROM ledger WHERE token = '${token}'`,
    );
    if (own?.n !== 1) this.violations.push(`${token}: a transaction does not see what it has written`);
    await connection.execute("UPDATE account SET balance = balance + 5 WHERE id = ?", [payee]);
    if (n % 11 === 10) {
      await connection.query("ROLLBACK");
      return;
    }
    this.outcomes.set(token, "unknown");
    try {
      await connection.query("COMMIT");
      this.outcomes.set(token, "acknowledged");
    } catch (error) {
      // A Galera node that refuses to certify a transaction has rolled it back: it is not to be found again.
      if (error instanceof SqlError && error.errno === DEADLOCK) this.outcomes.set(token, "none");
      throw error;
    }
  }

  async #read(reader: number): Promise<void> {
    this.reads[reader] = 0;
    let connection: Connection | undefined;
    while (!this.#isOver) {
      try {
        connection = await this.#alive(connection);
        if (reader % 2) await connection.query("START TRANSACTION READ ONLY");
        const [row] = await connection.query<{ total: number }[]>(
          "SELECT SUM(balance) AS total FROM account",
        );
        if (Number(row?.total) !== TOTAL) this.violations.push(`a reader saw a total of ${row?.total}`);
        if (reader % 2) {
          const [again] = await connection.query<{ total: number; n: number }[]>(
            "SELECT SUM(balance) AS total, (SELECT COUNT(*) FROM ledger) AS n FROM account",
          );
          const [third] = await connection.query<{ n: number }[]>("SELECT COUNT(*) AS n FROM ledger");
          if (Number(again?.total) !== TOTAL || third?.n !== again?.n)
            this.violations.push(`a snapshot has moved: ${JSON.stringify([again, third])}`);
          await connection.query("COMMIT");
        }
        this.reads[reader] = (this.reads[reader] ?? 0) + 1;
      } catch (error) {
        await this.#failed(error, connection);
      }
    }
    await connection?.end().catch(() => {});
  }

  async #alive(connection: Connection | undefined): Promise<Connection> {
    if (connection?.isValid()) return connection;
    connection?.destroy();
    return await this.#connect();
  }

  async #failed(error: unknown, connection: Connection | undefined): Promise<void> {
    const text = error instanceof Error ? error.message.replace(/\d+/g, "#").slice(0, 160) : String(error);
    this.errors.set(text, (this.errors.get(text) ?? 0) + 1);
    // A session that goes on must be out of its transaction, or out of reach.
    if (connection?.isValid()) await connection.query("ROLLBACK").catch(() => connection.destroy());
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
