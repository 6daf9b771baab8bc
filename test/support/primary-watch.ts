import type { FleetDaemon } from "../lab/fleet-daemon.ts";

/** Looks at a fleet as often as it can, and remembers how many primaries it ever had at one moment. */
export class PrimaryWatch {
  readonly #daemon: FleetDaemon;
  mostPrimaries = 0;

  constructor(daemon: FleetDaemon) {
    this.#daemon = daemon;
  }

  async during<T>(act: () => Promise<T>): Promise<T> {
    let isOver = false;
    const looking = this.#look(() => isOver);
    try {
      return await act();
    } finally {
      isOver = true;
      await looking;
    }
  }

  async #look(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      // While the daemon restarts, it says nothing.
      const states = await this.#daemon.states().catch(() => ({}));
      const primaries = Object.values<string>(states).filter((state) => state.split(", ").includes("Master"));
      this.mostPrimaries = Math.max(this.mostPrimaries, primaries.length);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
