import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../eventually.ts";
import { issueCertificate } from "./certificates.ts";
import type { Host } from "./host.ts";
import { LabError } from "./lab-error.ts";
import type { Process } from "./process.ts";
import { type Row, sqlThroughSocket } from "./sql.ts";

/** Lines of my.cnf; true and false are ON and OFF. */
export type ServerOptions = Readonly<Record<string, string | number | boolean>>;

const START_DEADLINE_MS = 40_000;

/** A real server on a host, whichever kind: its folder, its process, and SQL as root. */
export abstract class DatabaseServer {
  readonly host: Host;
  readonly port: number;
  /** datadir, my.cnf, socket, certificates */
  readonly folder: string;
  #process: Process | undefined;

  protected constructor(host: Host, kind: string, port: number) {
    this.host = host;
    this.port = port;
    this.folder = join(host.folder, `${kind}-${port}`);
  }

  /** For people: `MariaDB on db1:3306`. */
  protected abstract get name(): string;

  /** The daemon and its arguments. */
  protected abstract get command(): readonly string[];

  /** What a session of ours sets before anything else. */
  protected abstract get sessionVariables(): Readonly<Record<string, number>>;

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

  /** Starts a server that is not running, on the datadir it has, and resolves once it answers. */
  async start(...args: readonly string[]): Promise<void> {
    const process = await this.launch(...args);
    const isAnswering = async (): Promise<boolean> =>
      process.hasExited || (await this.sql("SELECT 1")).length === 1;
    await eventually(isAnswering, { within: START_DEADLINE_MS, what: `the start of ${this.name}` });
    if (process.hasExited) throw new LabError(`${this.name} did not start:\n${this.log.slice(-4_000)}`);
  }

  /** Starts the server and does not wait for it to answer. */
  async launch(...args: readonly string[]): Promise<Process> {
    if (this.isRunning) throw new LabError(`${this.name} is running already`);
    this.#process = await this.host.spawn([...this.command, ...args], { user: "mysql" });
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
    return await sqlThroughSocket<R>(this.socketPath, text, withinMs, this.sessionVariables);
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

  get #running(): Process {
    if (!this.#process || this.#process.hasExited) throw new LabError(`${this.name} is not running`);
    return this.#process;
  }

  protected writeOptions(groups: Readonly<Record<string, ServerOptions>>): void {
    const sections = Object.entries(groups).map(([group, options]) => {
      const lines = Object.entries(options).map(([name, value]) => `${name} = ${optionValue(value)}\n`);
      return `[${group}]\n${lines.join("")}`;
    });
    writeFileSync(this.optionsFile, sections.join("\n"));
  }

  protected get optionsFile(): string {
    return join(this.folder, "my.cnf");
  }

  /** A certificate of the lab's authority for the host's name and addresses. */
  protected async tlsOptions(): Promise<ServerOptions> {
    const { address, address6, name, labFolder } = this.host;
    const tls = await issueCertificate(labFolder, name, { names: [name, address, address6] });
    return { ssl_ca: tls.authority, ssl_cert: tls.certificate, ssl_key: tls.key };
  }
}

function optionValue(value: string | number | boolean): string {
  if (typeof value === "boolean") return value ? "ON" : "OFF";
  return typeof value === "string" && /[#;\s"]/.test(value) ? `"${value}"` : String(value);
}
