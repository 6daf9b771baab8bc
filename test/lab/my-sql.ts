import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseServer, type ServerOptions } from "./database-server.ts";
import type { Host } from "./host.ts";
import { run } from "./run.ts";

export interface MySqlSettings {
  /** Default 3306. Servers on one host differ in it. */
  readonly port?: number;
  /** These win over the lab's own. */
  readonly options?: ServerOptions;
}

/** Where scripts/setup.sh puts it, with all the libraries it needs. */
const ROOT = "/var/cache/sluice-lab/mysql/root";
const LIBRARIES = `${ROOT}/usr/lib/x86_64-linux-gnu`;
const MYSQLD = [
  `${LIBRARIES}/ld-linux-x86-64.so.2`,
  "--library-path",
  `${LIBRARIES}:${LIBRARIES}/private`,
  `${ROOT}/usr/sbin/mysqld`,
];

/** Whether there is a MySQL on this machine; Debian 12 brings none. */
export const HAS_MYSQL = existsSync(`${ROOT}/usr/sbin/mysqld`);

/** Small and quick: nothing here has to survive a power cut. */
const SMALL: ServerOptions = {
  innodb_buffer_pool_size: "32M",
  innodb_redo_log_capacity: "16M",
  innodb_flush_log_at_trx_commit: 0,
  innodb_buffer_pool_dump_at_shutdown: false,
  innodb_buffer_pool_load_at_startup: false,
  performance_schema: false,
  mysqlx: false,
  skip_name_resolve: true,
};

/** A MySQL server (not MariaDB) with GTIDs and a binary log, run as user mysql. Its replicas follow by hand. */
export class MySql extends DatabaseServer {
  readonly #settings: MySqlSettings;

  /** Makes a datadir, starts the server and resolves once it answers. */
  static async start(host: Host, settings: MySqlSettings = {}): Promise<MySql> {
    const server = new MySql(host, settings);
    mkdirSync(server.folder);
    await run(["chown", "mysql:", server.folder]);
    await server.#configure();
    await host.run([...server.command, "--initialize-insecure"], { timeoutMs: 60_000, user: "mysql" });
    await server.start();
    return server;
  }

  private constructor(host: Host, settings: MySqlSettings) {
    super(host, "mysql", settings.port ?? 3306);
    this.#settings = settings;
  }

  async #configure(): Promise<void> {
    const options: ServerOptions = {
      basedir: `${ROOT}/usr`,
      lc_messages_dir: `${ROOT}/usr/share/mysql`,
      plugin_dir: `${ROOT}/usr/lib/mysql/plugin`,
      character_sets_dir: `${ROOT}/usr/share/mysql/charsets`,
      secure_file_priv: "NULL",
      port: this.port,
      datadir: this.datadir,
      tmpdir: this.folder,
      socket: this.socketPath,
      pid_file: join(this.folder, "mysqld.pid"),
      gtid_mode: true,
      enforce_gtid_consistency: true,
      ...SMALL,
      ...(await this.tlsOptions()),
      ...this.#settings.options,
    };
    this.writeOptions({ mysqld: options });
  }

  protected override get name(): string {
    return `MySQL on ${this.host.name}:${this.port}`;
  }

  protected override get command(): readonly string[] {
    return [...MYSQLD, `--defaults-file=${this.optionsFile}`];
  }

  protected override get sessionVariables(): Readonly<Record<string, number>> {
    return {};
  }
}
