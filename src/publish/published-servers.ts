import type { FleetView, ServerSnapshot } from "../topology/fleet.ts";

/** Which servers a publisher speaks of: names, or all that the fleet has. */
export type ServerSelection = readonly string[] | "all";

export type PickedServer =
  | { readonly ok: true; readonly server: ServerSnapshot }
  | { readonly ok: false; readonly sentence: string };

/** The servers a publisher speaks of, as the fleet knows them now. */
export class PublishedServers {
  readonly #fleet: FleetView;
  readonly #selection: ServerSelection;

  constructor(fleet: FleetView, selection: ServerSelection) {
    this.#fleet = fleet;
    this.#selection = selection;
  }

  /** Those of the selection that are in the fleet, in its order. */
  all(): readonly ServerSnapshot[] {
    const { servers } = this.#fleet.current();
    return this.#selection === "all"
      ? [...servers.values()]
      : this.#selection.flatMap((name) => servers.get(name) ?? []);
  }

  /** The server called `name`; without a name, the only one there is. */
  pick(name: string | undefined): PickedServer {
    const servers = this.all();
    const names = servers.map((server) => server.name).join(", ") || "none";
    if (name === undefined) {
      const [only, ...more] = servers;
      if (only !== undefined && more.length === 0) return { ok: true, server: only };
      return { ok: false, sentence: `Which server? There are: ${names}.` };
    }
    const server = servers.find((candidate) => candidate.name === name);
    if (server !== undefined) return { ok: true, server };
    return { ok: false, sentence: `unknown server ${name}; there are: ${names}.` };
  }
}
