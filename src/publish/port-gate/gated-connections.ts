import { type Address, Conntrack } from "../../system/firewall/conntrack.ts";
import { FAMILIES } from "../../system/firewall/family.ts";
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
    const found = await Promise.all(
      FAMILIES.map(async (family) => await this.#conntrack.list(family, this.#filter)),
    );
    const clients = found.flat().map(({ client }) => client);
    for (let i = 0; i < clients.length; i += BATCH) {
      // Without ss a client learns of it when it sends something.
      await this.#run(["ss", "-K", "-H", "-n", "-t", socketFilter(this.#plan, clients.slice(i, i + BATCH))]);
    }
    if (clients.length > 0)
      await Promise.all(FAMILIES.map(async (family) => await this.#conntrack.forget(family, this.#filter)));
    return clients.length;
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
