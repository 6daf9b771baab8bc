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
