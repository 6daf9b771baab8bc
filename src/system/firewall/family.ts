import { isIPv6 } from "node:net";

export type Family = 4 | 6;
export const FAMILIES: readonly Family[] = [4, 6];

/** The family of an address or a network. */
export function familyOf(address: string): Family {
  return isIPv6(address.split("/")[0] ?? "") ? 6 : 4;
}
