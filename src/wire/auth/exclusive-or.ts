/** `mask` is repeated where it is the shorter one. */
export function exclusiveOr(bytes: Buffer, mask: Buffer): Buffer {
  const result = Buffer.from(bytes);
  for (const [i, byte] of bytes.entries()) result[i] = byte ^ (mask[i % mask.length] ?? 0);
  return result;
}
