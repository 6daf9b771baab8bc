import { type Address, Conntrack, type Flow } from "../../system/firewall/conntrack.ts";
import { FAMILIES, type Family } from "../../system/firewall/family.ts";
import type { RunCommand } from "../../system/run-command.ts";
import { formatHostPort } from "../../topology/endpoint.ts";
import type { GatePlan } from "./gate-plan.ts";
import { othersTranslate } from "./other-nat.ts";

// Conditions on one command line of ss.
const BATCH = 100;

/** The connections that came through a gate, as the kernel tracks them. */
export class GatedConnections {
  readonly #plan: GatePlan;
  readonly #run: RunCommand;
  readonly #conntrack: Conntrack;

  constructor(plan: GatePlan, run: RunCommand) {
    this.#plan = plan;
    this.#run = run;
    this.#conntrack = new Conntrack(run);
  }

  /** @throws SluiceError FIREWALL_MISSING, FIREWALL_DENIED: they could not be ended */
  async check(): Promise<void> {
    await this.#conntrack.list(4, this.#filter);
  }

  /**
   * Ends them all: the server's ends are destroyed, which resets the clients while the kernel still knows whose they are; then
   * it forgets them, so that what a client sends later meets a closed port. Resolves to how many there were.
   */
  async cut(): Promise<number> {
    const listed = await this.#clients((family) => this.#conntrack.list(family, this.#filter));
    if (listed.size === 0) return 0;
    await this.#destroy([...listed.values()]);
    const forgotten = await this.#clients((family) => this.#conntrack.forget(family, this.#filter));
    // Some have come since they were listed. Their resets are not translated any more: they learn of it when they send something.
    const late = [...forgotten].flatMap(([key, client]) => (listed.has(key) ? [] : [client]));
    await this.#destroy(late);
    return listed.size + late.length;
  }

  async #clients(of: (family: Family) => Promise<readonly Flow[]>): Promise<ReadonlyMap<string, Address>> {
    const flows = (await Promise.all(FAMILIES.map(of))).flat();
    return new Map(flows.map(({ client }) => [formatHostPort(client.address, client.port), client]));
  }

  /** Their ends on the server. Without ss clients learn of it when they send something. */
  async #destroy(clients: readonly Address[]): Promise<void> {
    for (let i = 0; i < clients.length; i += BATCH)
      await this.#run(["ss", "-K", "-H", "-n", "-t", socketFilter(this.#plan, clients.slice(i, i + BATCH))]);
  }

  /** Whether they can go on without the rules of the gate: the kernel translates only while some rule needs it. */
  async outliveRules(): Promise<boolean> {
    const listings = [["nft", "list", "ruleset"], ["iptables-legacy-save"], ["ip6tables-legacy-save"]];
    const found = await Promise.all(listings.map((argv) => this.#run(argv)));
    return found.some(({ stdout }) => othersTranslate(stdout));
  }

  get #filter() {
    return { port: this.#plan.mirrorPort, serverPort: this.#plan.realPort };
  }
}

/** The server's ends of connections, by their clients, in the language of ss. */
export function socketFilter({ realPort }: GatePlan, clients: readonly Address[]): string {
  const peers = clients.map(({ address, port }) => `dst ${formatHostPort(address, port)}`);
  return `sport = :${realPort} and ( ${peers.join(" or ")} )`;
}
