import { type Family, familyOf } from "../../system/firewall/family.ts";

/** What a gate is, whichever firewall does it. Addresses and networks are IPv4 or IPv6, and valid. */
export interface GatePlan {
  /** Open while the server is healthy. */
  readonly mirrorPort: number;
  /** Where it leads to, on the same address. */
  readonly realPort: number;
  /** Remote clients it is open for; "all": every one. Clients on this host may always. */
  readonly sources: readonly string[] | "all";
  /** Peers that may use the real port directly, besides this host; undefined: everybody may. */
  readonly protectExcept: readonly string[] | undefined;
}

/** The addresses of a list that belong to a family. */
export function ofFamily(addresses: readonly string[], family: Family): readonly string[] {
  return addresses.filter((address) => familyOf(address) === family);
}
