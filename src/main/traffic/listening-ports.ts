import { rmSync } from "node:fs";
import type { ListenerStatus } from "../../admin/control.ts";
import { errorMessage } from "../../errors/sluice-error.ts";
import {
  applyListenOptions,
  closeDescriptors,
  openListeningSockets,
  openUnixListeningSocket,
} from "../../system/listening-socket.ts";
import { SOCKETS } from "../../system/socket-register.ts";
import type { ListenerPlan } from "./plan-traffic.ts";
import type { WorkerPool, WorkerSlot } from "./worker-pool.ts";

interface Port {
  readonly plan: ListenerPlan;
  /** One for each worker; or fewer, or more, where they were inherited. */
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

  /** Opens a port, or goes on with the one that is open at that place. Throws what openListeningSockets() throws. */
  async open(plan: ListenerPlan): Promise<void> {
    const { name, place, options } = plan;
    const present = this.#ports.get(name);
    if (present !== undefined) await applyListenOptions(present.fds, options, place.kind);
    const fds = present?.fds ?? (await this.#openSockets(plan));
    this.#ports.set(name, { plan, fds });
    this.#failures.delete(name);
  }

  /** A listener cannot be opened or served: says why, until it can. */
  fail(name: string, error: unknown): void {
    this.#failures.set(name, errorMessage(error));
  }

  /** Whether a port is open by that very plan; or, at least, at that place. */
  has(plan: ListenerPlan, part: "all" | "place"): boolean {
    const present = this.#ports.get(plan.name)?.plan;
    return present !== undefined && textOf(present, part) === textOf(plan, part);
  }

  /** Once it returns nobody is accepted there any more, unless a worker hangs. */
  async close(name: string, pool: WorkerPool): Promise<void> {
    const port = this.#ports.get(name);
    this.#failures.delete(name);
    if (port === undefined) return;
    this.#ports.delete(name);
    await Promise.all(pool.slots.map(async ({ link }) => await link?.unlisten(name)));
    const { place } = port.plan;
    const closing = port.fds.filter((fd) => !SOCKETS.giveBack(fd, place));
    if (place.kind === "socket" && closing.length > 0) removeSocketFile(place.path);
    await closeDescriptors(closing);
  }

  async closeAll(pool: WorkerPool): Promise<void> {
    await Promise.all(this.names.map(async (name) => await this.close(name, pool)));
  }

  /** Lets a worker accept on all ports that `isMeant` names. */
  async giveTo(slot: WorkerSlot, isMeant: (listener: ListenerPlan) => boolean): Promise<void> {
    for (const port of this.#ports.values()) {
      if (!isMeant(port.plan)) continue;
      const { name: listener, service, trusted, options } = port.plan;
      const { backlog } = options;
      try {
        await slot.listen(
          { type: "listen", listener, service, trusted, backlog, key: keyOf(port) },
          this.#share(port, slot.index),
        );
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

  /** The sockets of a port that one worker serves: together they serve all of them. */
  #share({ fds }: Port, index: number): readonly number[] {
    const own = fds.filter((_, i) => i % this.#workers === index);
    return own.length > 0 ? own : fds.slice(index % fds.length, (index % fds.length) + 1);
  }

  async #openSockets({ name, place, options }: ListenerPlan): Promise<readonly number[]> {
    if (place.kind === "socket")
      return [await openUnixListeningSocket(name, place.path, options, this.#isOurs)];
    return await openListeningSockets(name, place.host, place.port, options, this.#workers, this.#isOurs);
  }
}

/** All sockets of a port are of one place. */
const keyOf = ({ fds }: Port): string | undefined => SOCKETS.keyOf(fds[0] ?? -1);

const textOf = (plan: ListenerPlan, part: "all" | "place"): string =>
  JSON.stringify(part === "all" ? plan : plan.place);

/** Privileges may be gone by now, and the directory root's: a socket on which nobody listens does no harm, and is replaced. */
function removeSocketFile(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // as said
  }
}
