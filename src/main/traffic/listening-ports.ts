import { rmSync } from "node:fs";
import type { ListenerStatus } from "../../admin/control.ts";
import { errorMessage } from "../../errors/sluice-error.ts";
import type { ToWorker } from "../../proxy/worker/messages.ts";
import {
  closeDescriptors,
  openListeningSockets,
  openUnixListeningSocket,
} from "../../system/listening-socket.ts";
import type { ListenerPlan } from "./plan-traffic.ts";
import type { WorkerPool, WorkerSlot } from "./worker-pool.ts";

interface Port {
  readonly plan: ListenerPlan;
  /** One for each worker, or one for all. */
  readonly fds: readonly number[];
}

/** The listening sockets of all listeners. They stay open here while workers come and go, so no connection is refused meanwhile. */
export class ListeningPorts {
  readonly #workers: number;
  readonly #ports = new Map<string, Port>();
  /** Why a listener is not served. */
  readonly #failures = new Map<string, string>();

  readonly #isOurs: (pid: number) => boolean;

  /**
   * @param workers how many share each port
   * @param isOurs whether a process is a worker, be it one of an earlier control process
   */
  constructor(workers: number, isOurs: (pid: number) => boolean) {
    this.#workers = workers;
    this.#isOurs = isOurs;
  }

  get names(): readonly string[] {
    return [...this.#ports.keys()];
  }

  /** Opens a port that is not open. Throws what openListeningSockets() throws. */
  async open(plan: ListenerPlan): Promise<void> {
    const { place, backlog } = plan;
    const fds =
      place.kind === "tcp"
        ? await openListeningSockets(place.host, place.port, backlog, this.#workers, this.#isOurs)
        : [await openUnixListeningSocket(place.path, backlog)];
    this.#ports.set(plan.name, { plan, fds });
    this.#failures.delete(plan.name);
  }

  /** A listener cannot be opened or served: says why, until it can. */
  fail(name: string, error: unknown): void {
    this.#failures.set(name, errorMessage(error));
  }

  /** Whether that very port is open already. */
  isSame(plan: ListenerPlan): boolean {
    const present = this.#ports.get(plan.name);
    return (
      present !== undefined && present.fds.length > 0 && JSON.stringify(present.plan) === JSON.stringify(plan)
    );
  }

  async close(name: string, pool: WorkerPool): Promise<void> {
    const port = this.#ports.get(name);
    this.#failures.delete(name);
    if (port === undefined) return;
    this.#ports.delete(name);
    for (const { link } of pool.slots) link?.tell({ type: "unlisten", listener: name });
    await closeDescriptors(port.fds);
    if (port.plan.place.kind === "socket") rmSync(port.plan.place.path, { force: true });
  }

  async closeAll(pool: WorkerPool): Promise<void> {
    for (const name of this.names) await this.close(name, pool);
  }

  /** Lets a worker accept on all ports that `isMeant` names. */
  async giveTo(slot: WorkerSlot, isMeant: (listener: ListenerPlan) => boolean): Promise<void> {
    for (const port of this.#ports.values()) {
      const fd = port.fds[slot.row % port.fds.length];
      if (fd === undefined || !isMeant(port.plan)) continue;
      const { name: listener, service, trusted } = port.plan;
      const message: Extract<ToWorker, { type: "listen" }> = { type: "listen", listener, service, trusted };
      try {
        await slot.listen(message, fd);
      } catch (error) {
        this.fail(listener, error);
      }
    }
  }

  /** Undefined: it is not open, and should not be. */
  status(name: string): ListenerStatus | undefined {
    const reason = this.#failures.get(name);
    if (reason !== undefined) return { state: "failed", reason };
    return this.#ports.has(name) ? { state: "running", reason: undefined } : undefined;
  }
}
