import { discoveryEdits } from "../../admin/glb/discovery-edits.ts";
import { lookUpHosts } from "../../admin/glb/known-hosts.ts";
import type { Configuration, MonitorObject } from "../../config/configuration.ts";
import type { Edit } from "../../config/edit-sections.ts";
import { type Destination, parseDestination } from "../../config/values/destination.ts";
import { errorMessage } from "../../errors/sluice-error.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import type { ServerFacts } from "../../topology/facts.ts";
import type { FleetView } from "../../topology/fleet.ts";

export interface DiscoveryParts {
  readonly fleet: FleetView;
  readonly clock: Clock;
  readonly log: Log;
  configuration(): Configuration;
  edit(make: (configuration: Configuration) => readonly Edit[]): Promise<void>;
}

/** Lets monitors with discover=true watch what their Galera nodes name as members. */
export class Discovery {
  readonly #parts: DiscoveryParts;
  /** Servers that were found so, since the start. */
  readonly #found = new Set<string>();
  /** What was looked at last, by monitor: as long as it is the same there is nothing to do. */
  readonly #settled = new Map<string, string>();
  #isWorking = false;
  #unsubscribe: () => void = () => {};

  constructor(parts: DiscoveryParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#unsubscribe = this.#parts.fleet.subscribe(() => this.#look());
  }

  stop(): void {
    this.#unsubscribe();
  }

  #look(): void {
    if (this.#isWorking) return;
    const monitor = [...this.#parts.configuration().monitors.values()].find((each) => this.#isAstray(each));
    if (monitor === undefined) return;
    this.#isWorking = true;
    void this.#follow(monitor).finally(() => {
      this.#isWorking = false;
    });
  }

  /** Whether the members differ from the servers, as far as words go: names are resolved only then. */
  #isAstray(monitor: MonitorObject): boolean {
    const members = this.#membersOf(monitor);
    if (members.length === 0 || this.#settled.get(monitor.name) === this.#keyOf(monitor, members))
      return false;
    return this.#discovered(monitor, members, (a, b) => a === b).edits.length > 0;
  }

  #keyOf(monitor: MonitorObject, members: readonly Destination[]): string {
    const { servers } = this.#parts.fleet.current();
    const down = [...this.#found].filter((name) => servers.get(name)?.verdict.up !== true);
    return JSON.stringify([members, monitor.parameters.servers, down]);
  }

  async #follow(monitor: MonitorObject): Promise<void> {
    const { clock, log } = this.#parts;
    const members = this.#membersOf(monitor);
    this.#settled.set(monitor.name, this.#keyOf(monitor, members));
    const { servers } = this.#parts.configuration();
    const hosts = [...servers.values()].flatMap(({ parameters: p }) =>
      [p.address ?? [], p.private_address ?? []].flat(),
    );
    const { isSame: isSameHost } = await lookUpHosts([...hosts, ...members.map(({ host }) => host)], clock);
    if (this.#discovered(monitor, members, isSameHost).edits.length === 0) return;
    try {
      await this.#parts.edit((configuration) => {
        const present = configuration.monitors.get(monitor.name);
        if (present === undefined) return [];
        const { edits, added } = this.#discovered(present, members, isSameHost, configuration);
        for (const name of added) this.#found.add(name);
        return edits;
      });
    } catch (error) {
      log.warn(
        { event: "discovery_failed", monitor: monitor.name },
        `the members of ${monitor.name}: ${errorMessage(error)}`,
      );
    }
  }

  #discovered(
    monitor: MonitorObject,
    members: readonly Destination[],
    isSameHost: (a: string, b: string) => boolean,
    configuration = this.#parts.configuration(),
  ) {
    const { servers } = this.#parts.fleet.current();
    return discoveryEdits(
      configuration,
      monitor,
      members,
      isSameHost,
      (server) => this.#found.has(server),
      (server) => servers.get(server)?.verdict.up === true,
    );
  }

  /** What the first server that may take traffic says: Galera tells every member the same. */
  #membersOf(monitor: MonitorObject): readonly Destination[] {
    if (monitor.module === "mariadbmon" || !monitor.parameters.discover) return [];
    const { servers } = this.#parts.fleet.current();
    for (const name of monitor.parameters.servers) {
      const { up, observation } = servers.get(name)?.verdict ?? {};
      if (up !== true || observation?.reached !== true) continue;
      const port = this.#parts.configuration().servers.get(name)?.parameters.port;
      const members = namedBy(observation.facts).flatMap((text) => parseDestination(text, port) ?? []);
      if (members.length > 0) return members;
    }
    return [];
  }
}

/** A node that has no address for its clients says AUTO, or nothing. */
function namedBy({ galera, watchdog }: ServerFacts): readonly string[] {
  const texts = watchdog?.members ?? (galera?.incomingAddresses ?? "").split(",");
  return texts
    .map((text) => text.trim())
    .filter((text) => text !== "" && !/^(auto|undefined|unknown)(:|$)/i.test(text));
}
