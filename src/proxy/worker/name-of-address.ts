import { lookup, reverse } from "node:dns/promises";

/** The name of an address, if that name leads back to it: anybody may claim a name in the zone of their own addresses. */
export async function nameOfAddress(address: string): Promise<string | undefined> {
  try {
    const [name] = await reverse(address);
    if (name === undefined) return undefined;
    const found = await lookup(name, { all: true });
    return found.some((one) => one.address === address) ? name : undefined;
  } catch {
    return undefined;
  }
}
