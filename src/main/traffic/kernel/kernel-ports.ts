import { errorMessage } from "../../../errors/sluice-error.ts";
import { closeDescriptors, holdPort } from "../../../system/listening-socket.ts";
import type { KernelListener } from "./kernel-plan.ts";

interface Held {
  readonly place: string;
  readonly fd: number;
}

/** The ports of the listeners, held so that no program of this host listens where rules catch its clients. */
export class KernelPorts {
  readonly #held = new Map<string, Held>();
  readonly #failures = new Map<string, string>();

  /** Holds what is wanted and lets go of the rest; what cannot be held says why. */
  async put(wanted: readonly KernelListener[]): Promise<void> {
    const places = new Map(wanted.map((listener) => [listener.name, placeOf(listener)]));
    for (const [name, { place, fd }] of this.#held) {
      if (places.get(name) === place) continue;
      this.#held.delete(name);
      await closeDescriptors([fd]);
    }
    this.#failures.clear();
    for (const listener of wanted) if (!this.#held.has(listener.name)) await this.#hold(listener);
  }

  has(name: string): boolean {
    return this.#held.has(name);
  }

  get failures(): ReadonlyMap<string, string> {
    return this.#failures;
  }

  async #hold(listener: KernelListener): Promise<void> {
    const { name, address, port } = listener;
    try {
      this.#held.set(name, { place: placeOf(listener), fd: await holdPort(address, port) });
    } catch (error) {
      this.#failures.set(name, errorMessage(error));
    }
  }
}

const placeOf = ({ address, port }: KernelListener): string => `${address} ${port}`;
