import type { PublisherStatus } from "../../admin/control.ts";
import type { Configuration, PublisherObject } from "../../config/configuration.ts";
import type { ObjectChange } from "../../config/diff-configurations.ts";
import { errorMessage } from "../../errors/sluice-error.ts";
import type { Publisher } from "../../publish/publisher.ts";
import type { Log } from "../../telemetry/log.ts";
import { createPublisher } from "./plan-publishers.ts";
import type { Services } from "./services.ts";

interface RunningPublisher {
  readonly publisher: Publisher | undefined;
  /** Why it does not run. */
  readonly reason: string | undefined;
}

export interface PublishersParts {
  readonly log: Log;
  configuration(): Configuration;
  services(): Services;
}

/** The publishers of the configuration, alive. */
export class Publishers {
  readonly #parts: PublishersParts;
  readonly #running = new Map<string, RunningPublisher>();

  constructor(parts: PublishersParts) {
    this.#parts = parts;
  }

  /** Checks that they can be made, and makes none. Throws CONFIG_INVALID. */
  check(): void {
    for (const object of this.#parts.configuration().publishers.values()) this.#create(object);
  }

  /** At the start. Throws what the first one that cannot start throws. */
  async open(): Promise<void> {
    for (const object of this.#parts.configuration().publishers.values()) await this.#start(object);
  }

  /** Later: one that cannot start is an object that says why; the change itself stands. */
  async put(changes: readonly ObjectChange[]): Promise<void> {
    for (const change of changes) {
      const object = change.change === "changed" ? change.after : change.object;
      if (object.kind !== "publisher") continue;
      await this.#running.get(object.name)?.publisher?.close("changed");
      this.#running.delete(object.name);
      if (change.change !== "removed") await this.#tryToStart(object);
    }
  }

  /** Files that they have read (certificates) are read again. */
  rereadFiles(): void {
    for (const [name, { publisher }] of this.#running) {
      try {
        publisher?.reload?.();
      } catch (error) {
        this.#parts.log.error({ event: "reload_failed", publisher: name }, errorMessage(error));
      }
    }
  }

  /** They go on in a successor of this process. @returns when each has let go */
  handOver(): readonly (Promise<void> | undefined)[] {
    return [...this.#running.values()].map(({ publisher }) => publisher?.close("succession"));
  }

  /** @returns when each has ended: those that change the firewall, and the others */
  end(): Readonly<Record<"firewall" | "others", readonly Promise<void>[]>> {
    const publishers = [...this.#running.values()].flatMap(({ publisher }) => publisher ?? []);
    const { firewall = [], others = [] } = Object.groupBy(publishers, ({ needsNetAdmin = false }) =>
      needsNetAdmin ? "firewall" : "others",
    );
    const close = (publisher: Publisher): Promise<void> => publisher.close("exit");
    return { firewall: firewall.map(close), others: others.map(close) };
  }

  /** One of them changes the firewall. */
  get needsNetAdmin(): boolean {
    return [...this.#running.values()].some(({ publisher }) => publisher?.needsNetAdmin === true);
  }

  get gates() {
    return [...this.#running].flatMap(([name, { publisher }]) =>
      publisher?.gate === undefined ? [] : [{ publisher: name, ...publisher.gate }],
    );
  }

  statuses(): ReadonlyMap<string, PublisherStatus> {
    return new Map(
      [...this.#running].map(([name, { publisher, reason }]) => {
        const state = publisher === undefined ? "failed" : "running";
        const tells = publisher?.gate && (publisher.gate.isOpen ? "open" : "closed");
        return [name, { state, reason, tells }] as const;
      }),
    );
  }

  async #tryToStart(object: PublisherObject): Promise<void> {
    try {
      await this.#start(object);
    } catch (error) {
      const reason = errorMessage(error);
      this.#running.set(object.name, { publisher: undefined, reason });
      this.#parts.log.error(
        { event: "publisher_failed", publisher: object.name, reason },
        `${object.name}: ${reason}`,
      );
    }
  }

  async #start(object: PublisherObject): Promise<void> {
    const publisher = this.#create(object);
    await publisher.start();
    this.#running.set(object.name, { publisher, reason: undefined });
  }

  #create(object: PublisherObject): Publisher {
    return createPublisher(object, this.#parts.configuration(), this.#parts.services());
  }
}
