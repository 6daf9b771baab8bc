import { SluiceError } from "../../errors/sluice-error.ts";
import { Networks } from "../../system/networks.ts";

/** The addresses a listener answers (`only_from`): single ones and CIDR networks, IPv4 and IPv6. */
export class AllowList {
  readonly #networks = new Networks();

  /** @throws SluiceError CONFIG_INVALID naming the text that is no address and no network */
  constructor(networks: readonly string[]) {
    for (const network of networks) {
      if (this.#networks.add(network.trim())) continue;
      throw new SluiceError(
        "CONFIG_INVALID",
        `only_from: ${network.trim()} is neither an address nor a network; write 10.0.0.7, 10.0.0.0/8 or fd00::/8`,
      );
    }
  }

  /** `address` as the socket reports it. */
  allows(address: string | undefined): boolean {
    return address !== undefined && this.#networks.has(address);
  }
}
