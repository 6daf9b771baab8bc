const ELEMENTS = /elements = \{[^}]*\}/g;

/** What `nft list table` prints, without what changes by itself (elements of sets), to be compared with what it was. Pure. */
export function rulesOf(listing: string): string {
  return listing
    .replace(ELEMENTS, "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join("\n");
}
