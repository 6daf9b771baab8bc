import { eventually } from "../eventually.ts";
import type { Host } from "./host.ts";
import { type HttpAnswer, httpRequest } from "./http.ts";
import type { Process } from "./process.ts";
import type { RunResult } from "./run.ts";
import { runSluice, startSluice } from "./sluice.ts";

/** An event as the REST API tells it, on one line: `db2 new_primary (Slave, Running -> Master, Running)`. */
export interface FleetEventLine {
  readonly id: number;
  readonly server: string;
  readonly event: string;
  readonly from: string;
  readonly to: string;
}

interface Document<Attributes> {
  readonly data: readonly { readonly id: string; readonly attributes: Attributes }[];
}

const STATE_DEADLINE_MS = 20_000;

/** `sluice run` on a host, with its REST API on the unix socket. */
export class FleetDaemon {
  readonly host: Host;
  readonly #configuration: string;
  #process: Process | undefined;

  /** @param configuration text of the file; datadir, persistdir and the like are put in */
  static async start(host: Host, configuration: string): Promise<FleetDaemon> {
    const daemon = new FleetDaemon(host, configuration);
    await daemon.start();
    return daemon;
  }

  private constructor(host: Host, configuration: string) {
    this.host = host;
    this.#configuration = configuration;
  }

  get process(): Process {
    if (this.#process === undefined) throw new Error("the daemon has not been started");
    return this.#process;
  }

  get stateFolder(): string {
    return `${this.host.folder}/state`;
  }

  /** Starts it on the state it left behind, and resolves once it serves its API. */
  async start(): Promise<void> {
    const folders = `datadir=${this.stateFolder}\npersistdir=${this.stateFolder}/persist\n`;
    this.host.write("/etc/sluice.cnf", `[sluice]\n${folders}\n${this.#configuration}`);
    this.#process = await startSluice(this.host, ["run", "--config", "/etc/sluice.cnf"], { ports: [8989] });
  }

  async kill(): Promise<void> {
    this.process.kill();
    await this.process.ended();
  }

  async restart(): Promise<void> {
    await this.process.terminate();
    await this.start();
  }

  /** A sluice command on the daemon's host, as root. */
  async command(...args: readonly string[]): Promise<RunResult> {
    return await runSluice(this.host, args, { mayFail: true });
  }

  async rest(path: string, method = "GET", body?: unknown): Promise<HttpAnswer> {
    return await httpRequest("localhost", path, {
      socketPath: this.host.path("/run/sluice/admin.sock"),
      method,
      headers: { "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** State strings by server, as `list servers` has them. */
  async states(): Promise<Record<string, string>> {
    const { body } = await this.rest("/v1/servers");
    const { data } = JSON.parse(body) as Document<{ readonly state: string }>;
    return Object.fromEntries(data.map(({ id, attributes }) => [id, attributes.state]));
  }

  /** Waits until the servers are in these states, and all at once; others do not matter. */
  async becomes(wanted: Readonly<Record<string, string>>, within = STATE_DEADLINE_MS): Promise<void> {
    await eventually(
      async () => {
        const states = await this.states();
        const isThere = Object.entries(wanted).every(([server, state]) => states[server] === state);
        if (!isThere) throw new Error(JSON.stringify(states));
        return true;
      },
      { within, what: JSON.stringify(wanted) },
    );
  }

  /** The events after this one, oldest first. */
  async eventsAfter(id: number): Promise<readonly FleetEventLine[]> {
    const { body } = await this.rest(`/v1/events?limit=1000&after=${id}`);
    const { data } = JSON.parse(body) as Document<Omit<FleetEventLine, "id">>;
    return data.map(({ id: number, attributes }) => ({ ...attributes, id: Number(number) }));
  }

  async lastEventId(): Promise<number> {
    return (await this.eventsAfter(0)).at(-1)?.id ?? 0;
  }

  /** What happens to the fleet while `act` runs, as `db2 new_primary`. */
  async eventsOf(act: () => Promise<void>): Promise<readonly string[]> {
    const before = await this.lastEventId();
    await act();
    return (await this.eventsAfter(before)).map(({ server, event }) => `${server} ${event}`);
  }
}
