/**
 * A sentence made safe for one line of a protocol: what is not printable ASCII (server messages, names from outside)
 * becomes `?` or a space, and it is cut to `maxLength` characters.
 */
export function safeLine(text: string, maxLength: number): string {
  const line = text
    .replace(/\s+/g, " ")
    .replace(/[^\x20-\x7e]/gu, "?")
    .trim();
  return line.length <= maxLength ? line : `${line.slice(0, maxLength - 3).trimEnd()}...`;
}
