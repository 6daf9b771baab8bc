/** Without the zone of a link-local address; an IPv4 client of a dual-stack socket is an IPv4 one. */
export function plainAddress(address: string): string {
  const zoneless = address.split("%", 1)[0] ?? "";
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(zoneless)?.[1] ?? zoneless;
}

export const ipv4Bytes = (address: string): Buffer => Buffer.from(address.split(".").map(Number));

/** 16 bytes; an IPv4 address is mapped. */
export function ipv6Bytes(address: string): Buffer {
  const plain = plainAddress(address);
  if (!plain.includes(":"))
    return Buffer.concat([Buffer.alloc(10), Buffer.from([255, 255]), ipv4Bytes(plain)]);
  const [head = "", tail] = plain.split("::", 2);
  const before = groups(head);
  const after = groups(tail ?? "");
  const all = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
  const bytes = Buffer.alloc(16);
  for (const [i, group] of all.entries()) bytes.writeUInt16BE(group, 2 * i);
  return bytes;
}

const groups = (text: string): number[] =>
  text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));

/** As a socket would report it: the one way to write it, and an IPv4 address that is mapped as what it is. */
export function socketText(address: string): string {
  const bytes = ipv6Bytes(address);
  const isMapped = bytes.subarray(0, 12).equals(MAPPED);
  return isMapped ? [...bytes.subarray(12)].join(".") : ipv6Text(address);
}

const MAPPED = Buffer.concat([Buffer.alloc(10), Buffer.from([255, 255])]);

/** RFC 5952: the one way to write an IPv6 address; also where it was written in another. */
export function ipv6Text(address: string): string {
  const bytes = ipv6Bytes(address);
  const parts = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16));
  const zeroes = [...parts.join(":").matchAll(/\b0(?::0)+\b/g)].map(([run]) => run);
  const [longest] = zeroes.sort((a, b) => b.length - a.length);
  if (longest === undefined) return parts.join(":");
  const [head = "", tail = ""] = splitOnce(parts.join(":"), longest);
  return `${head.replace(/:$/, "")}::${tail.replace(/^:/, "")}`;
}

function splitOnce(text: string, separator: string): readonly [string, string] {
  const at = text.search(new RegExp(`\\b${separator}\\b`));
  return [text.slice(0, at), text.slice(at + separator.length)];
}
