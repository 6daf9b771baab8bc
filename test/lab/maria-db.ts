import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../eventually.ts";
import { issueCertificate } from "./certificates.ts";
import { LOG_FILE_SIZE, makeDatadir } from "./datadir.ts";
import type { Host } from "./host.ts";
import { LabError } from "./lab-error.ts";
import type { Process } from "./process.ts";
import { run } from "./run.ts";
import { type Row, sqlThroughSocket } from "./sql.ts";

/** Lines of my.cnf; true and false are ON and OFF. */
export type ServerOptions = Readonly<Record<string, string | number | boolean>>;

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
const START_DEADLINE_MS = 40_000;

/** A standalone server on a host, run as user mysql. */
export class MariaDb {
  readonly host: Host;
  readonly port: number;
  /** datadir, my.cnf, socket, certificates */
  readonly folder: string;
  readonly #settings: MariaDbSettings;
  #process: Process | undefined;

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
    this.host = host;
    this.port = settings.port ?? 3306;
    this.folder = join(host.folder, `mariadb-${this.port}`);
    this.#settings = settings;
  }

  get address(): string {
    return this.host.address;
  }

  get socketPath(): string {
    return join(this.folder, "mysqld.sock");
  }

  get datadir(): string {
    return join(this.folder, "data");
  }

  /** What the server wrote to its error log since it was last started. */
  get log(): string {
    return this.#process?.output ?? "";
  }

  get isRunning(): boolean {
    return this.#process !== undefined && !this.#process.hasExited;
  }

  /** The server's pid as seen from outside, e.g. for /proc. */
  get pid(): number {
    return this.#running.pid;
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
      ...(this.#settings.hasTls && (await this.#tlsOptions())),
      ...this.#settings.options,
      ...extra,
    };
    const lines = Object.entries(options).map(([name, value]) => `${name} = ${optionValue(value)}\n`);
    writeFileSync(join(this.folder, "my.cnf"), `[mariadbd]\n${lines.join("")}`);
  }

  /** Starts a server that is not running, on the datadir it has, and resolves once it answers. */
  async start(...args: readonly string[]): Promise<void> {
    const process = await this.launch(...args);
    const isAnswering = async (): Promise<boolean> =>
      process.hasExited || (await this.sql("SELECT 1")).length === 1;
    await eventually(isAnswering, { within: START_DEADLINE_MS, what: `the start of ${this.#name}` });
    if (process.hasExited) throw new LabError(`${this.#name} did not start:\n${this.log.slice(-4_000)}`);
  }

  /** Starts the server and does not wait for it to answer. */
  async launch(...args: readonly string[]): Promise<Process> {
    if (this.isRunning) throw new LabError(`${this.#name} is running already`);
    const argv = ["mariadbd", `--defaults-file=${join(this.folder, "my.cnf")}`, ...args];
    this.#process = await this.host.spawn(argv, { user: "mysql" });
    return this.#process;
  }

  /** A clean shutdown. */
  async stop(): Promise<void> {
    await this.#running.terminate();
  }

  /** kill -9; resolves when it is dead. */
  async kill(): Promise<void> {
    const process = this.#running;
    process.kill();
    await process.ended();
  }

  /** SIGSTOP: the kernel still accepts connections, the server says nothing. */
  async hang(): Promise<void> {
    await this.#running.stop();
  }

  async resume(): Promise<void> {
    await this.#running.cont();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** As root, through the socket: a cut or slow network is no hindrance. */
  async sql<R = Row>(text: string, withinMs = 10_000): Promise<R[]> {
    return await sqlThroughSocket<R>(this.socketPath, text, withinMs);
  }

  /** A line of SHOW GLOBAL STATUS; empty if there is none. */
  async status(name: string): Promise<string> {
    const [row] = await this.sql<{ readonly Value: string }>(`SHOW GLOBAL STATUS LIKE '${name}'`);
    return row?.Value ?? "";
  }

  /** A line of SHOW GLOBAL VARIABLES; empty if there is none. */
  async variable(name: string): Promise<string> {
    const [row] = await this.sql<{ readonly Value: string }>(`SHOW GLOBAL VARIABLES LIKE '${name}'`);
    return row?.Value ?? "";
  }

  get #name(): string {
    return `MariaDB on ${this.host.name}:${this.port}`;
  }

  get #running(): Process {
    if (!this.#process || this.#process.hasExited) throw new LabError(`${this.#name} is not running`);
    return this.#process;
  }

  async #tlsOptions(): Promise<ServerOptions> {
    const { address, address6, name, labFolder } = this.host;
    const tls = await issueCertificate(labFolder, name, { names: [name, address, address6] });
    return { ssl_ca: tls.authority, ssl_cert: tls.certificate, ssl_key: tls.key };
  }
}

function optionValue(value: string | number | boolean): string {
  if (typeof value === "boolean") return value ? "ON" : "OFF";
  return typeof value === "string" && /[#;\s"]/.test(value) ? `"${value}"` : String(value);
}
