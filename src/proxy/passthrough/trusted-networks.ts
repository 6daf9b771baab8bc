import { BlockList, isIP } from "node:net";
import { plainAddress } from "../../wire/ip-address.ts";

/** The networks whose clients may say by the PROXY protocol whose connection they pass on. Empty: nobody may. */
export class TrustedNetworks {
  readonly #list = new BlockList();
  readonly isEmpty: boolean;

  /** @param networks addresses and CIDR networks, as the configuration has found them valid */
  constructor(networks: readonly string[]) {
    this.isEmpty = networks.length === 0;
    for (const network of networks) {
      const [address = "", prefix] = network.split("/", 2);
      const isV6 = isIP(address) === 6;
      this.#list.addSubnet(
        address,
        prefix === undefined ? (isV6 ? 128 : 32) : Number(prefix),
        isV6 ? "ipv6" : "ipv4",
      );
    }
  }

  /** `address` as the socket reports it; undefined for a unix socket, whose clients are on this host. */
  has(address: string | undefined): boolean {
    if (this.isEmpty || address === undefined) return false;
    const plain = plainAddress(address);
    return this.#list.check(plain, isIP(plain) === 6 ? "ipv6" : "ipv4");
  }
}
