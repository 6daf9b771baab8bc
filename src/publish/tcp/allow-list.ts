import { BlockList, isIP } from "node:net";
import { SluiceError } from "../../errors/sluice-error.ts";

/** The addresses a listener answers (`only_from`): single ones and CIDR networks, IPv4 and IPv6. */
export class AllowList {
  readonly #list = new BlockList();

  /** @throws SluiceError CONFIG_INVALID naming the text that is no address and no network */
  constructor(networks: readonly string[]) {
    for (const network of networks) this.#add(network.trim());
  }

  /** `address` as the socket reports it; an IPv4 client of a dual-stack listener (`::ffff:10.0.0.1`) is an IPv4 one. */
  allows(address: string | undefined): boolean {
    if (address === undefined) return false;
    const bare = unmap(address);
    const family = isIP(bare);
    return family !== 0 && this.#list.check(bare, family === 4 ? "ipv4" : "ipv6");
  }

  #add(network: string): void {
    const [text = "", prefixText, ...rest] = network.split("/");
    const address = unmap(text);
    const family = isIP(address);
    const bits = family === 4 ? 32 : 128;
    const prefix = prefixText === undefined ? bits : /^\d{1,3}$/.test(prefixText) ? Number(prefixText) : -1;
    if (family === 0 || prefix < 0 || prefix > bits || rest.length > 0) {
      throw new SluiceError(
        "CONFIG_INVALID",
        `only_from: ${network} is neither an address nor a network; write 10.0.0.7, 10.0.0.0/8 or fd00::/8`,
      );
    }
    this.#list.addSubnet(address, prefix, family === 4 ? "ipv4" : "ipv6");
  }
}

function unmap(address: string): string {
  const zoneless = address.split("%", 1)[0] ?? "";
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(zoneless)?.[1] ?? zoneless;
}
