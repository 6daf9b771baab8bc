import { writeFileSync } from "node:fs";
import { eventually } from "../eventually.ts";
import type { HttpAnswer, HttpQuestion } from "./http.ts";
import type { MariaDb } from "./maria-db.ts";
import type { Launch, Process } from "./process.ts";
import type { RunOptions, RunResult } from "./run.ts";
import { runSluice, startSluice } from "./sluice.ts";

/** What `/status` says, as far as tests ask. */
export interface AgentStatus {
  readonly up: boolean;
  readonly draining: boolean;
  readonly profile: string;
  readonly role: string;
  readonly code: string;
  readonly sentence: string;
}

export interface AgentSettings {
  /** Where it answers health checks. Default 9200. Agents on one host differ in it and share nothing. */
  readonly port?: number;
  /** How it reaches the server and logs in. Default: through the socket, with ACCOUNT. */
  readonly connection?: readonly string[];
  /** Further flags of `sluice agent`. */
  readonly flags?: readonly string[];
  readonly launch?: Launch;
}

/** The account of agents. It holds no privilege but the one that replicas need. */
export const ACCOUNT = { user: "sluice", password: "Kept out of argv 1!" } as const;

/** Makes the account; replicas and other nodes of a cluster get it from there. */
export async function createAccount(server: MariaDb): Promise<void> {
  const { user, password } = ACCOUNT;
  for (const host of ["localhost", "%"]) {
    await server.sql(`CREATE USER ${user}@'${host}' IDENTIFIED BY '${password}'`);
    await server.sql(`GRANT SLAVE MONITOR ON *.* TO ${user}@'${host}'`);
  }
}

/** A `sluice agent` on the host of the server it watches. */
export class Agent {
  readonly server: MariaDb;
  readonly process: Process;
  readonly port: number;

  /** Resolves once it listens. */
  static async start(server: MariaDb, settings: AgentSettings = {}): Promise<Agent> {
    const { port = 9200, connection, flags = [], launch } = settings;
    const argv = [
      "agent",
      ...["--name", server.host.name],
      ...(connection ?? throughSocket(server)),
      ...["--http-port", `${port}`, "--runtime-dir", runtimeDirectory(port)],
      ...[
        "--state-dir",
        `${server.host.folder}/state-${port}`,
        "--disable-files",
        `${server.host.folder}/off`,
      ],
      ...flags,
    ];
    return new Agent(server, port, await startSluice(server.host, argv, { ...launch, ports: [port] }));
  }

  private constructor(server: MariaDb, port: number, process: Process) {
    this.server = server;
    this.port = port;
    this.process = process;
  }

  /** Where its sockets are, as seen on the host. */
  get runtimeDirectory(): string {
    return runtimeDirectory(this.port);
  }

  /** Asks it over HTTP from the root namespace. */
  async http(path: string, question: HttpQuestion & { readonly family?: 4 | 6 } = {}): Promise<HttpAnswer> {
    return await this.server.host.http(path, { port: this.port, ...question });
  }

  async status(): Promise<AgentStatus> {
    return JSON.parse((await this.http("/status")).body) as AgentStatus;
  }

  /** Waits until it says the code, and returns all of the status. */
  async says(code: string, within = 10_000): Promise<AgentStatus> {
    const isSaid = async (): Promise<AgentStatus> => {
      const status = await this.status();
      if (status.code !== code) throw new Error(`${status.code}: ${status.sentence}`);
      return status;
    };
    return await eventually(isSaid, { within, what: `${this.server.host.name}:${this.port} ${code}` });
  }

  /** Runs a command that asks this agent, such as `maintenance on`. */
  async command(args: readonly string[], options?: RunOptions): Promise<RunResult> {
    const [name = "", ...rest] = args;
    return await runSluice(
      this.server.host,
      [name, "--runtime-dir", this.runtimeDirectory, ...rest],
      options,
    );
  }
}

/** Flags of a connection through the server's socket, with the password in a file that only root may read. */
export function throughSocket(server: MariaDb): readonly string[] {
  return ["--socket", server.socketPath, "--user", ACCOUNT.user, "--password-file", passwordFile(server)];
}

export function passwordFile({ host }: MariaDb): string {
  const path = `${host.folder}/sluice.password`;
  writeFileSync(path, `${ACCOUNT.password}\n`, { mode: 0o600 });
  return path;
}

function runtimeDirectory(port: number): string {
  return `/run/sluice-${port}`;
}
