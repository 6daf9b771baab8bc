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
  /** The side that this program has turned to last. */
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
    // In one script with the change, nft would list what the change makes of it.
    const listing = await this.#list();
    const isRight = this.#rulesIn(listing) === this.#rules && this.#isOpenAsLeft(listing);
    if (isRight) await this.#tidy();
    else await this.#layDown();
    return { listing, isRepaired: !isRight };
  }

  async #tidy(): Promise<void> {
    const mayExpire = this.#services.some(({ ttlMs }) => ttlMs > 0);
    const change =
      (mayExpire ? renew(this.#services) : "") + (this.#hasOld ? clear(otherThan(this.#side)) : "");
    if (change !== "") await this.#nft.do(change);
    this.#hasOld = false;
  }

  async remove(): Promise<void> {
    this.#wish = "";
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
    // Asked each time: a command that took too long may have been carried out.
    const present = activeSide(await this.#list());
    const side = otherThan(present);
    if (await this.#tryTurn(side)) {
      // The very first rules have no others beside them that could be cleared.
      this.#hasOld = present !== undefined;
    } else {
      // A table that somebody has made quite another is made anew.
      await this.#nft.do(removeTable + prepare(this.#services, side));
      await this.#nft.do(activate(this.#services, side, this.#host));
      this.#hasOld = false;
    }
    this.#side = side;
    this.#rules = this.#rulesIn(await this.#list());
  }

  /** Empty where there is no table. */
  async #list(): Promise<string> {
    return (await this.#nft.unlessRefused(listTable)) ?? "";
  }

  #rulesIn(listing: string): string {
    return rulesOf(withoutSide(listing, otherThan(this.#side)));
  }

  /** False: nft has refused it, as it does where the table is not as this program makes it. */
  async #tryTurn(side: Side): Promise<boolean> {
    if ((await this.#nft.unlessRefused(prepare(this.#services, side))) === undefined) return false;
    return (await this.#nft.unlessRefused(activate(this.#services, side, this.#host))) !== undefined;
  }
}

const otherThan = (side: Side | undefined): Side => (side === "a" ? "b" : "a");
