// Two banks on one fleet: one behind a service that ends what a fault interrupts, one behind a service that does transactions again.
import type { Connection } from "mariadb";
import { eventually } from "../eventually.ts";
import type { DatabaseServer, ServerOptions } from "../lab/database-server.ts";
import type { Lab } from "../lab/lab.ts";
import { BANK_SQL, Bank } from "./bank.ts";
import { type SplitFleet, startSplitFleet } from "./split-fleet.ts";

const PORTS = { ending: 4006, replaying: 4007 } as const;
const READERS = 3;
/** Times that connections are killed, and how many of a server each time. */
const ROUNDS = 10;
const KILLED = 3;

export interface BanksSettings {
  readonly isGalera?: boolean;
  /** Options of every database server. */
  readonly options?: ServerOptions;
  /** Further lines of the services. */
  readonly ending?: string;
  readonly replaying?: string;
  /** Clients of each bank that move money. */
  readonly tellers: number;
}

type Ask = (sql: string) => Promise<readonly Record<string, unknown>[]>;

export class Banks {
  readonly fleet: SplitFleet;
  readonly #banks: readonly Bank[];

  /** Resolves once every client has done something. */
  static async open(lab: Lab, settings: BanksSettings): Promise<Banks> {
    const { isGalera = false, options = {}, ending = "", replaying = "", tellers } = settings;
    const fleet = await startSplitFleet(lab, {
      isGalera,
      services: [
        { name: "ending", port: PORTS.ending, more: `master_failure_mode=error_on_write\n${ending}` },
        {
          name: "replaying",
          port: PORTS.replaying,
          more: `transaction_replay=true\ntransaction_replay_checksum=no_insert_id\ndelayed_retry=true\ndelayed_retry_timeout=15s\n${replaying}`,
        },
      ],
      server: "persistpoolmax=4\npersistmaxtime=60s\n",
      // What is committed survives kill -9.
      options: { innodb_flush_log_at_trx_commit: 2, ...options },
      sql: BANK_SQL,
    });
    const banks = new Banks(fleet, tellers);
    await banks.recovered();
    return banks;
  }

  private constructor(fleet: SplitFleet, tellers: number) {
    this.fleet = fleet;
    this.#banks = Object.entries(PORTS).map(
      ([name, port]) =>
        new Bank(
          async () => await fleet.client(port, { socketTimeout: 20_000 }),
          tellers,
          READERS,
          `${name}-`,
        ),
    );
  }

  /** Every client does something again. */
  async recovered(): Promise<void> {
    const goOn = this.#banks.map((bank) => bank.progress());
    await eventually(() => goOn.every((isDone) => isDone()), {
      within: 40_000,
      what: "every client going on",
    });
  }

  /** Every bank's clients have counted the money so often since now, together. */
  async untilRead(times: number): Promise<void> {
    const readsOf = ({ reads }: Bank): number => reads.reduce((sum, count) => sum + count, 0);
    const before = this.#banks.map(readsOf);
    await eventually(() => this.#banks.every((bank, i) => readsOf(bank) > (before[i] ?? 0) + times), {
      within: 20_000,
      what: `${times} reads`,
    });
  }

  /** Some of the clients' connections on every server, again and again. */
  async killConnections(): Promise<void> {
    for (let round = 0; round < ROUNDS; round++)
      for (const server of this.fleet.servers) {
        const rows = await server.sql<{ id: number }>(
          `SELECT id FROM information_schema.processlist WHERE user = 'app' ORDER BY RAND() LIMIT ${KILLED}`,
        );
        for (const { id } of rows) await server.sql(`KILL ${id}`).catch(() => {}); // it may have gone
      }
  }

  /** One more client. */
  async visit(): Promise<Connection> {
    return await this.fleet.client(PORTS.ending);
  }

  /** All clients leave. */
  async stop(): Promise<void> {
    await Promise.all(this.#banks.map(async (bank) => await bank.stop()));
  }

  /** Compares what clients were told with what a server has, by its name. Empty: it is all right. */
  async audit({ host }: DatabaseServer, ask: Ask): Promise<readonly string[]> {
    const entries = (await ask("SELECT token FROM app.ledger")).length;
    const found = entries > 50 ? [] : [`only ${entries} transfers`];
    for (const bank of this.#banks) found.push(...(await bank.audit(ask)));
    return found.map((what) => `${host.name}: ${what}`);
  }

  /** What clients met, and how much they did. */
  get figures(): readonly object[] {
    return this.#banks.map(({ errors, acknowledged, reads }) => ({ errors, acknowledged, reads }));
  }

  async close(): Promise<void> {
    await this.stop();
    await this.fleet.sluice.terminate();
  }
}
