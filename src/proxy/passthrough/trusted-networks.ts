import { Networks } from "../../system/networks.ts";

/** The networks whose clients may say by the PROXY protocol whose connection they pass on. Empty: nobody may. */
export class TrustedNetworks {
  readonly #networks = new Networks();
  readonly isEmpty: boolean;

  /** @param networks addresses and CIDR networks, as the configuration has found them valid */
  constructor(networks: readonly string[]) {
    this.isEmpty = networks.length === 0;
    for (const network of networks) this.#networks.add(network);
  }

  /** `address` as the socket reports it; undefined for a unix socket, whose clients are on this host. */
  has(address: string | undefined): boolean {
    return address !== undefined && this.#networks.has(address);
  }
}
