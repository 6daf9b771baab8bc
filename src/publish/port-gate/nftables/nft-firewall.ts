import { firewallError } from "../../../system/firewall/firewall-error.ts";
import { rulesOf } from "../../../system/firewall/nft-rules.ts";
import type { CommandResult, RunCommand } from "../../../system/run-command.ts";
import type { Firewall } from "../firewall.ts";
import type { GatePlan } from "../gate-plan.ts";
import { isOpenIn } from "./nft-listing.ts";
import { close, layDown, list, open, removeTable } from "./nft-script.ts";

/**
 * A gate in nftables: a table of its own, in which a port is open while it is in a set. The kernel takes it out when
 * nobody has renewed it: that is the dead man's switch, and it needs no process.
 */
export class NftFirewall implements Firewall {
  readonly name = "nftables";
  readonly #plan: GatePlan;
  readonly #run: RunCommand;
  /** What nft prints of our own rules, right after we have made them. */
  #rules = "";
  /** How we have left the gate; undefined for one that was only found. */
  #isOpen: boolean | undefined;

  constructor(plan: GatePlan, run: RunCommand) {
    this.#plan = plan;
    this.#run = run;
  }

  async prepare(): Promise<boolean> {
    // An opening keeps the time it had: an agent that starts again and again without an answer must not keep it open.
    const found = await this.#layDown("");
    this.#isOpen = undefined;
    return isOpenIn(found, this.#plan.mirrorPort);
  }

  async open(ttlMs: number): Promise<void> {
    const { code } = await this.#nft(open(this.#plan, ttlMs));
    if (code !== 0) await this.#layDown(open(this.#plan, ttlMs));
    this.#isOpen = true;
  }

  async close(): Promise<void> {
    const { code } = await this.#nft(close(this.#plan));
    if (code !== 0) await this.#layDown(close(this.#plan));
    this.#isOpen = false;
  }

  async renew(ttlMs: number | undefined): Promise<boolean> {
    const change = ttlMs === undefined ? close(this.#plan) : open(this.#plan, ttlMs);
    // What is listed is how it was before the change.
    const found = await this.#nft(list(this.#plan) + change);
    const areRulesRight = found.code === 0 && rulesOf(found.stdout) === this.#rules;
    if (!areRulesRight) await this.#layDown(change);
    const wasRight = areRulesRight && this.#isAsLeft(found.stdout);
    this.#isOpen = ttlMs !== undefined;
    return !wasRight;
  }

  #isAsLeft(listing: string): boolean {
    return this.#isOpen === undefined || this.#isOpen === isOpenIn(listing, this.#plan.mirrorPort);
  }

  async remove(): Promise<void> {
    await this.#do(removeTable(this.#plan));
  }

  async leave(): Promise<void> {}

  async #layDown(change: string): Promise<string> {
    const script = layDown(this.#plan) + change + list(this.#plan);
    const first = await this.#nft(script);
    // A table that somebody has made quite another is made anew.
    const { stdout } = first.code === 0 ? first : await this.#do(removeTable(this.#plan) + script);
    this.#rules = rulesOf(stdout);
    return stdout;
  }

  async #do(script: string): Promise<CommandResult> {
    const result = await this.#nft(script);
    if (result.code !== 0) throw firewallError("nft", result);
    return result;
  }

  #nft(script: string): Promise<CommandResult> {
    return this.#run(["nft", "-f", "-"], script);
  }
}
