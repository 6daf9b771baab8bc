import type { Family } from "../../../system/firewall/family.ts";
import { firewallError } from "../../../system/firewall/firewall-error.ts";
import type { CommandResult, RunCommand } from "../../../system/run-command.ts";
import type { Firewall } from "../firewall.ts";
import type { GatePlan } from "../gate-plan.ts";
import {
  isOpenIn,
  isWhole,
  type Jump,
  jumpArguments,
  jumps,
  openings,
  ownChains,
  ownLines,
  protection,
  redirects,
} from "./iptables-rules.ts";

// Seconds to wait for the lock that all users of iptables share.
const WAIT = ["-w", "2"];

/**
 * A gate in iptables and ip6tables. The kernel has no timeout for such rules: closing in time is left to whoever runs this
 * (see guard.ts). Both families are changed at the same time, each in one transaction.
 */
export class IptablesFirewall implements Firewall {
  readonly name = "iptables";
  readonly #plan: GatePlan;
  readonly #owner: string;
  readonly #run: RunCommand;
  /** What iptables prints of our own rules when they are right; undefined until that was seen. */
  #printed: string | undefined;
  #families: readonly Family[] = [4, 6];
  /** False for an opening that was found: its owner would still take it away. */
  #isOwn = false;

  /** @param owner a word that no other owner of the same gate has */
  constructor(plan: GatePlan, owner: string, run: RunCommand) {
    this.#plan = plan;
    this.#owner = owner;
    this.#run = run;
  }

  async prepare(): Promise<boolean> {
    // A kernel without IPv6 has nobody to open a gate for.
    const six = await this.#iptables(6, ["-t", "nat", "-S"]);
    if (/address family not supported/i.test(six.stderr)) this.#families = [4];
    const isOpen = isOpenIn((await this.#listings()).join(""), this.#plan);
    // The chains of an opening stay as they are: they are its owner's until we open ourselves.
    await this.#layDown(isOpen ? "as it is" : "closed");
    return isOpen;
  }

  async open(): Promise<void> {
    await this.#layDown("open");
    this.#isOwn = true;
  }

  async close(): Promise<void> {
    await this.#restore((family) => redirects(this.#plan, family, undefined));
    await this.#remember(undefined);
  }

  async renew(ttlMs: number | undefined): Promise<boolean> {
    if (ttlMs !== undefined && !this.#isOwn) {
      await this.open();
      return false;
    }
    if (this.#ownRules(await this.#listings()) === this.#printed) return false;
    await this.#layDown(ttlMs === undefined ? "closed" : "open");
    return true;
  }

  async remove(): Promise<void> {
    await this.#both(async (family) => {
      for (const jump of jumps(this.#plan)) await this.#iptables(family, jumpArguments("-D", jump));
      for (const [table, chain] of ownChains(this.#plan)) {
        await this.#iptables(family, ["-t", table, "-F", chain]);
        await this.#iptables(family, ["-t", table, "-X", chain]);
      }
    });
    const left = this.#ownRules(await this.#listings());
    if (left !== "") throw firewallError("iptables", { code: 1, stdout: "", stderr: `still there: ${left}` });
  }

  async leave(): Promise<void> {}

  /** Takes away what this owner has opened, and nothing that a successor has. */
  async withdraw(): Promise<void> {
    await this.#both(async (family) => {
      for (const rule of openings(this.#plan, family, this.#owner)) {
        await this.#iptables(family, ["-t", "nat", "-D", ...rule.split(" ")]);
      }
    });
  }

  async #layDown(state: "open" | "closed" | "as it is"): Promise<void> {
    const owner = state === "open" ? this.#owner : undefined;
    const isKept = state === "as it is";
    await this.#restore((family) => {
      const redirected = isKept ? "" : redirects(this.#plan, family, owner);
      return redirected + protection(this.#plan, family);
    });
    await this.#both(async (family) => {
      for (const jump of jumps(this.#plan)) await this.#ensure(family, jump);
    });
    // What was found is only looked at: it is never taken for right.
    if (!isKept) await this.#remember(owner);
  }

  /**
   * Remembers how our rules look. Others may have changed them since we made them, a moment ago: then there is nothing to
   * remember, and the next renewal makes them right.
   */
  async #remember(owner: string | undefined): Promise<void> {
    const listings = await this.#listings();
    const areWhole = this.#families.every((family, i) =>
      isWhole(listings[i] ?? "", this.#plan, family, owner),
    );
    this.#printed = areWhole ? this.#ownRules(listings) : undefined;
  }

  async #ensure(family: Family, jump: Jump): Promise<void> {
    const present = await this.#iptables(family, jumpArguments("-C", jump));
    if (present.code === 0) return;
    const inserted = await this.#iptables(family, jumpArguments("-I", jump));
    if (inserted.code !== 0) throw firewallError(programOf(family), inserted);
  }

  async #restore(textOf: (family: Family) => string): Promise<void> {
    await this.#both(async (family) => {
      const text = textOf(family);
      if (text === "") return;
      const program = `${programOf(family)}-restore`;
      const result = await this.#run([program, ...WAIT, "--noflush"], text);
      if (result.code !== 0) throw firewallError(program, result);
    });
  }

  #ownRules(listings: readonly string[]): string {
    return ownLines(listings.join(""), this.#plan).join("\n");
  }

  /** One for each family. */
  async #listings(): Promise<readonly string[]> {
    const tables = this.#plan.protectExcept === undefined ? ["nat"] : ["nat", "filter"];
    return await this.#both(async (family) => {
      let text = "";
      for (const table of tables) {
        const result = await this.#iptables(family, ["-t", table, "-S"]);
        if (result.code !== 0) throw firewallError(programOf(family), result);
        text += result.stdout;
      }
      return text;
    });
  }

  #iptables(family: Family, args: readonly string[]): Promise<CommandResult> {
    return this.#run([programOf(family), ...WAIT, ...args]);
  }

  #both<T>(work: (family: Family) => Promise<T>): Promise<readonly T[]> {
    return Promise.all(this.#families.map(work));
  }
}

const programOf = (family: Family): string => (family === 4 ? "iptables" : "ip6tables");
