import type { KernelService } from "../../../proxy/kernel/kernel-service.ts";
import {
  activate,
  clear,
  type KernelHost,
  listTable,
  prepare,
  removeTable,
  renew,
  type Side,
} from "../../../proxy/kernel/kernel-table.ts";
import { activeSide, openPorts, withoutSide } from "../../../proxy/kernel/table-listing.ts";
import { Nft } from "../../../system/firewall/nft.ts";
import { rulesOf } from "../../../system/firewall/nft-rules.ts";
import type { RunCommand } from "../../../system/run-command.ts";

/** The table of nftables in which the services are. Its methods throw FIREWALL_MISSING, FIREWALL_DENIED or FIREWALL_FAILED. */
export class NftTable {
  readonly #nft: Nft;
  #services: readonly KernelService[] = [];
  #host: KernelHost = { routesLoopback: false };
  /** What was asked for last, and what nft printed of it. */
  #wish = "";
  #rules = "";
  /** The side that is in use; undefined: not known. */
  #side: Side | undefined;
  /** The other side still has the rules of before. */
  #hasOld = false;

  constructor(run: RunCommand) {
    this.#nft = new Nft(run);
  }

  /** Can it be done here at all? */
  async check(): Promise<void> {
    await this.#nft.do("list tables\n");
  }

  /**
   * Makes the rules those of the services; a table that is there is taken over.
   * @returns whether anything differed
   */
  async put(services: readonly KernelService[], host: KernelHost): Promise<boolean> {
    const wish = JSON.stringify([services, host]);
    if (wish === this.#wish) return false;
    this.#wish = "";
    this.#services = services;
    this.#host = host;
    await this.#layDown();
    this.#wish = wish;
    return true;
  }

  /**
   * Gives the services their time again, and puts right what somebody else has changed.
   * @returns what nft lists, and whether there was anything to put right
   */
  async tend(): Promise<{ readonly listing: string; readonly isRepaired: boolean }> {
    const mayExpire = this.#services.some(({ ttlMs }) => ttlMs > 0);
    // What is listed is how it was before the renewal.
    const change =
      (mayExpire ? renew(this.#services) : "") + (this.#hasOld ? clear(otherThan(this.#side)) : "");
    const found = await this.#nft.try(listTable + change);
    const isRight =
      found.code === 0 && this.#rulesIn(found.stdout) === this.#rules && this.#isOpenAsLeft(found.stdout);
    this.#hasOld = false;
    if (isRight) return { listing: found.stdout, isRepaired: false };
    this.#side = undefined;
    await this.#layDown();
    return { listing: found.stdout, isRepaired: true };
  }

  async remove(): Promise<void> {
    this.#wish = "";
    this.#side = undefined;
    await this.#nft.do(removeTable);
  }

  /** A service whose time was over, because this program was held up, is simply opened again. */
  #isOpenAsLeft(listing: string): boolean {
    const open = new Set(openPorts(listing));
    return this.#services
      .filter(({ ttlMs }) => ttlMs === 0)
      .every(({ listeners }) => listeners.every(({ port }) => open.has(port)));
  }

  async #layDown(): Promise<void> {
    this.#side ??= activeSide((await this.#nft.try(listTable)).stdout);
    const side = otherThan(this.#side);
    // The very first rules have no others beside them that could be cleared.
    this.#hasOld = this.#side !== undefined;
    if (!(await this.#tryTurn(side))) {
      // A table that somebody has made quite another is made anew.
      await this.#nft.do(removeTable + prepare(this.#services, side));
      await this.#nft.do(activate(this.#services, side, this.#host));
      this.#hasOld = false;
    }
    this.#side = side;
    this.#rules = this.#rulesIn((await this.#nft.do(listTable)).stdout);
  }

  #rulesIn(listing: string): string {
    return rulesOf(withoutSide(listing, otherThan(this.#side)));
  }

  async #tryTurn(side: Side): Promise<boolean> {
    const prepared = await this.#nft.try(prepare(this.#services, side));
    return (
      prepared.code === 0 && (await this.#nft.try(activate(this.#services, side, this.#host))).code === 0
    );
  }
}

const otherThan = (side: Side | undefined): Side => (side === "a" ? "b" : "a");
