import { Nft } from "../../../system/firewall/nft.ts";
import { rulesOf } from "../../../system/firewall/nft-rules.ts";
import type { RunCommand } from "../../../system/run-command.ts";
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
  readonly #nft: Nft;
  /** What nft prints of our own rules, right after we have made them. */
  #rules = "";
  /** How we have left the gate; undefined for one that was only found. */
  #isOpen: boolean | undefined;

  constructor(plan: GatePlan, run: RunCommand) {
    this.#plan = plan;
    this.#nft = new Nft(run);
  }

  async prepare(): Promise<boolean> {
    // An opening keeps the time it had: an agent that starts again and again without an answer must not keep it open.
    const found = await this.#layDown("");
    this.#isOpen = undefined;
    return isOpenIn(found, this.#plan.mirrorPort);
  }

  async open(ttlMs: number): Promise<void> {
    const { code } = await this.#nft.try(open(this.#plan, ttlMs));
    if (code !== 0) await this.#layDown(open(this.#plan, ttlMs));
    this.#isOpen = true;
  }

  async close(): Promise<void> {
    const { code } = await this.#nft.try(close(this.#plan));
    if (code !== 0) await this.#layDown(close(this.#plan));
    this.#isOpen = false;
  }

  async renew(ttlMs: number | undefined): Promise<boolean> {
    const change = ttlMs === undefined ? close(this.#plan) : open(this.#plan, ttlMs);
    // What is listed is how it was before the change.
    const found = await this.#nft.try(list(this.#plan) + change);
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
    await this.#nft.do(removeTable(this.#plan));
  }

  async leave(): Promise<void> {}

  async #layDown(change: string): Promise<string> {
    const script = layDown(this.#plan) + change + list(this.#plan);
    const listing =
      (await this.#nft.unlessRefused(script)) ??
      // A table that somebody has made quite another is made anew.
      (await this.#nft.do(removeTable(this.#plan) + script)).stdout;
    this.#rules = rulesOf(listing);
    return listing;
  }
}
