import { errorMessage } from "../errors/sluice-error.ts";
import type { Clock } from "../telemetry/clock.ts";
import type { Log } from "../telemetry/log.ts";
import type { ServerState } from "../topology/state.ts";
import type { PrimaryChoiceOptions } from "./modules/galera-cluster.ts";
import type { ServerInput } from "./modules/monitor-module.ts";
import { sstDonorList } from "./modules/sst-donors.ts";

// A node that refused is asked again after this, ms.
const RETRY_MS = 30_000;

export interface DonorSetterOptions {
  readonly choice: PrimaryChoiceOptions;
  readonly isPassive: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** Runs a statement on a server by its name, with a deadline of its own. */
  run(server: string, sql: string): Promise<void>;
}

/** set_donor_nodes: keeps wsrep_sst_donor on every synced node at the list that spares the primary. */
export class DonorSetter {
  readonly #options: DonorSetterOptions;
  /** By server: what it was told last, and when it refused. */
  readonly #told = new Map<string, { readonly list: string; readonly failedAt: number | undefined }>();

  constructor(options: DonorSetterOptions) {
    this.#options = options;
  }

  /** Looks at one judgement; statements run on their own. */
  judged(inputs: readonly ServerInput[], servers: ReadonlyMap<string, ServerState>): void {
    const { choice, isPassive, clock } = this.#options;
    if (isPassive()) return;
    const list = sstDonorList(inputs, servers, choice);
    if (list === "") return;
    for (const [name, state] of servers) {
      // A node that comes back has its own configuration's value again.
      if (state.galera !== "synced") this.#told.delete(name);
      else if (this.#isDue(name, list, clock.monotonic())) void this.#tell(name, list);
    }
  }

  #isDue(server: string, list: string, now: number): boolean {
    const told = this.#told.get(server);
    if (told === undefined || told.list !== list) return true;
    return told.failedAt !== undefined && now - told.failedAt >= RETRY_MS;
  }

  async #tell(server: string, list: string): Promise<void> {
    const { clock, log, run } = this.#options;
    this.#told.set(server, { list, failedAt: undefined });
    try {
      await run(server, `SET GLOBAL wsrep_sst_donor = '${list.replace(/[\\']/g, "")}'`);
      log.info({ event: "sst_donor", server }, `${server}: wsrep_sst_donor is ${list}`);
    } catch (error) {
      this.#told.set(server, { list, failedAt: clock.monotonic() });
      log.warn(
        { event: "sst_donor_failed", server },
        `${server}: wsrep_sst_donor could not be set: ${errorMessage(error)}`,
      );
    }
  }
}
