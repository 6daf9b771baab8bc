import type { FleetSnapshot, FleetView, ServerSnapshot } from "../topology/fleet.ts";

/** The one place where the fleet snapshot is replaced. Listeners run at once, in the order in which they came. */
export class FleetStore implements FleetView {
  #snapshot: FleetSnapshot = Object.freeze({ version: 0, servers: new Map() });
  readonly #listeners = new Set<(snapshot: FleetSnapshot) => void>();

  current(): FleetSnapshot {
    return this.#snapshot;
  }

  subscribe(listener: (snapshot: FleetSnapshot) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  put(server: ServerSnapshot): void {
    this.#replace(new Map(this.#snapshot.servers).set(server.name, server));
  }

  remove(name: string): void {
    const servers = new Map(this.#snapshot.servers);
    if (servers.delete(name)) this.#replace(servers);
  }

  #replace(servers: ReadonlyMap<string, ServerSnapshot>): void {
    this.#snapshot = Object.freeze({ version: this.#snapshot.version + 1, servers });
    for (const listener of this.#listeners) listener(this.#snapshot);
  }
}
