/** What `nft list table` prints of a gate. Pure. */

const ELEMENTS = /elements = \{([^}]*)\}/;

/** Whether the mirror port is in the set of open ports. */
export function isOpenIn(listing: string, mirrorPort: number): boolean {
  const elements = ELEMENTS.exec(listing)?.[1]?.split(",") ?? [];
  return elements.some((element) => element.trim().split(/\s/)[0] === String(mirrorPort));
}
