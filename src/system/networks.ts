import { BlockList, isIP } from "node:net";
import { plainAddress } from "../wire/ip-address.ts";

/** A set of addresses and CIDR networks, IPv4 and IPv6. */
export class Networks {
  readonly #list = new BlockList();

  /** @returns false: it is neither an address nor a network */
  add(network: string): boolean {
    const [text = "", prefixText, ...rest] = network.split("/");
    const address = plainAddress(text);
    const family = isIP(address);
    const bits = family === 4 ? 32 : 128;
    const prefix = prefixText === undefined ? bits : /^\d{1,3}$/.test(prefixText) ? Number(prefixText) : -1;
    if (family === 0 || prefix < 0 || prefix > bits || rest.length > 0) return false;
    this.#list.addSubnet(address, prefix, family === 4 ? "ipv4" : "ipv6");
    return true;
  }

  /** `address` as the socket reports it; an IPv4 client of a dual-stack listener (`::ffff:10.0.0.1`) is an IPv4 one. */
  has(address: string): boolean {
    const plain = plainAddress(address);
    const family = isIP(plain);
    return family !== 0 && this.#list.check(plain, family === 4 ? "ipv4" : "ipv6");
  }
}
