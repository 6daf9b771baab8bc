import { type Connection, createConnection } from "mariadb";

const PAUSE_MS = 20;
const PATIENCE_MS = 500;

/** An application: one connection, a question every 20 ms, and a new connection as soon as that one fails. */
export class SteadyClient {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #running: Promise<void>;
  #isOver = false;
  /** Since the start. */
  answers = 0;
  connections = 0;

  constructor(host: string, port: number) {
    this.#target = { host, port };
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    let connection: Connection | undefined;
    while (!this.#isOver) {
      try {
        connection ??= await this.#connect();
        await connection.query({ sql: "SELECT 1" });
        this.answers += 1;
      } catch {
        connection?.destroy();
        connection = undefined;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    connection?.destroy();
  }

  async #connect(): Promise<Connection> {
    const account = { user: "monitor", password: "Monitor 1" };
    const patience = { connectTimeout: PATIENCE_MS, socketTimeout: PATIENCE_MS };
    const connection = await createConnection({ ...this.#target, ...account, ...patience });
    connection.on("error", () => {}); // the next question fails, too
    this.connections += 1;
    return connection;
  }
}
