import type { RunCommand } from "../../system/run-command.ts";
import { firewallError } from "./firewall-errors.ts";
import { type Family, familyOf, type GatePlan } from "./gate-plan.ts";
import { othersTranslate } from "./other-nat.ts";

/** A connection through the gate, by its client's end. */
export interface GatedConnection {
  readonly address: string;
  readonly port: number;
}

const FAMILIES: readonly Family[] = [4, 6];
// Conditions on one command line of ss.
const BATCH = 100;

/** The connections that came through a gate, as the kernel tracks them. */
export class GatedConnections {
  readonly #plan: GatePlan;
  readonly #run: RunCommand;

  constructor(plan: GatePlan, run: RunCommand) {
    this.#plan = plan;
    this.#run = run;
  }

  /** @throws SluiceError FIREWALL_MISSING, FIREWALL_DENIED: they could not be ended */
  async check(): Promise<void> {
    await this.#conntrack("-L", 4);
  }

  /**
   * Ends them all: the server's ends are destroyed, which resets the clients while the kernel still knows whose they are; then
   * it forgets them, so that what a client sends later meets a closed port. Resolves to how many there were.
   */
  async cut(): Promise<number> {
    const found = await Promise.all(FAMILIES.map(async (family) => await this.#list(family)));
    const connections = found.flat();
    for (let i = 0; i < connections.length; i += BATCH) {
      // Without ss a client learns of it when it sends something.
      await this.#run([
        "ss",
        "-K",
        "-H",
        "-n",
        "-t",
        socketFilter(this.#plan, connections.slice(i, i + BATCH)),
      ]);
    }
    if (connections.length > 0)
      await Promise.all(FAMILIES.map(async (family) => await this.#conntrack("-D", family)));
    return connections.length;
  }

  /** Whether they can go on without the rules of the gate: the kernel translates only while some rule needs it. */
  async outliveRules(): Promise<boolean> {
    const listings = [["nft", "list", "ruleset"], ["iptables-legacy-save"], ["ip6tables-legacy-save"]];
    const found = await Promise.all(listings.map((argv) => this.#run(argv)));
    return found.some(({ stdout }) => othersTranslate(stdout));
  }

  async #list(family: Family): Promise<readonly GatedConnection[]> {
    return parseConntrack(await this.#conntrack("-L", family));
  }

  async #conntrack(action: "-L" | "-D", family: Family): Promise<string> {
    const { mirrorPort, realPort } = this.#plan;
    const ports = ["--orig-port-dst", String(mirrorPort), "--reply-port-src", String(realPort)];
    const ofFamily = ["-f", family === 4 ? "ipv4" : "ipv6"];
    const result = await this.#run(["conntrack", action, ...ofFamily, "-p", "tcp", ...ports]);
    // -D ends with 1 where nothing was there to delete.
    const isDone = result.code === 0 || (action === "-D" && result.code === 1);
    if (!isDone) throw firewallError("conntrack", result);
    return result.stdout;
  }
}

// The kernel remembers these for minutes after the connection has ended.
const HAS_ENDED = /\b(TIME_WAIT|CLOSE)\b/;

/** The first `src=` and `sport=` of a line are the client's. */
export function parseConntrack(listing: string): readonly GatedConnection[] {
  return listing.split("\n").flatMap((line) => {
    if (HAS_ENDED.test(line)) return [];
    const [, address, port] = /\bsrc=(\S+) dst=\S+ sport=(\d+)/.exec(line) ?? [];
    return address === undefined || port === undefined ? [] : [{ address, port: Number(port) }];
  });
}

/** The server's ends of connections, in the language of ss. */
export function socketFilter({ realPort }: GatePlan, connections: readonly GatedConnection[]): string {
  const clients = connections.map(({ address, port }) => {
    const host = familyOf(address) === 6 ? `[${address}]` : address;
    return `dst ${host}:${port}`;
  });
  return `sport = :${realPort} and ( ${clients.join(" or ")} )`;
}
