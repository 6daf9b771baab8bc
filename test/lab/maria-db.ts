import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseServer, type ServerOptions } from "./database-server.ts";
import { LOG_FILE_SIZE, makeDatadir } from "./datadir.ts";
import type { Host } from "./host.ts";
import { run } from "./run.ts";

export interface MariaDbSettings {
  /** Default 3306. Servers on one host differ in it. */
  readonly port?: number;
  /** Writes a binary log, row format. Default false. */
  readonly hasBinlog?: boolean;
  /** Offers TLS, with a certificate of the lab's authority for the host's name and addresses. Default false. */
  readonly hasTls?: boolean;
  /** These win over the lab's own. */
  readonly options?: ServerOptions;
}

/** Small and quick: nothing here has to survive a power cut. */
const SMALL: ServerOptions = {
  innodb_buffer_pool_size: "32M",
  innodb_log_file_size: LOG_FILE_SIZE,
  innodb_flush_log_at_trx_commit: 0,
  innodb_flush_method: "nosync",
  innodb_buffer_pool_dump_at_shutdown: false,
  innodb_buffer_pool_load_at_startup: false,
  aria_pagecache_buffer_size: "4M",
  key_buffer_size: "1M",
  performance_schema: false,
  skip_name_resolve: true,
};

/** A standalone server on a host, run as user mysql. */
export class MariaDb extends DatabaseServer {
  readonly #settings: MariaDbSettings;

  /** Makes a datadir, starts the server and resolves once it answers. */
  static async start(host: Host, settings: MariaDbSettings = {}): Promise<MariaDb> {
    const server = await MariaDb.create(host, settings);
    await server.start();
    return server;
  }

  /** Makes the datadir only. @param source a datadir to copy, of a server that is stopped; default a fresh one */
  static async create(host: Host, settings: MariaDbSettings = {}, source?: string): Promise<MariaDb> {
    const server = new MariaDb(host, settings);
    mkdirSync(server.folder);
    await makeDatadir(host, server.datadir, source);
    await run(["chown", "mysql:", server.folder]);
    await server.configure();
    return server;
  }

  private constructor(host: Host, settings: MariaDbSettings) {
    super(host, "mariadb", settings.port ?? 3306);
    this.#settings = settings;
  }

  /** Writes my.cnf; the server reads it when it starts next. @param extra wins over everything, this time only */
  async configure(extra: ServerOptions = {}): Promise<void> {
    const options: ServerOptions = {
      port: this.port,
      datadir: this.datadir,
      tmpdir: this.folder,
      socket: this.socketPath,
      pid_file: join(this.folder, "mysqld.pid"),
      ...SMALL,
      ...(this.#settings.hasBinlog && { log_bin: "binlog", binlog_format: "ROW", log_slave_updates: true }),
      ...(this.#settings.hasTls && (await this.tlsOptions())),
      ...this.#settings.options,
      ...extra,
    };
    // Certificates are for clients; nodes of a cluster would want stunnel to send each other their data with them.
    this.writeOptions({ mariadbd: options, sst: { "ssl-mode": "DISABLED" } });
  }

  protected override get name(): string {
    return `MariaDB on ${this.host.name}:${this.port}`;
  }

  protected override get command(): readonly string[] {
    return ["mariadbd", `--defaults-file=${this.optionsFile}`];
  }

  /** A Galera node outside its cluster is asked all the same. */
  protected override get sessionVariables(): Readonly<Record<string, number>> {
    return { wsrep_sync_wait: 0, wsrep_dirty_reads: 1 };
  }
}
