/** `mask` is repeated where it is the shorter one. */
export function exclusiveOr(bytes: Buffer, mask: Buffer): Buffer {
  const result = Buffer.from(bytes);
  for (let i = 0; i < result.length; i++) result[i] = (result[i] ?? 0) ^ (mask[i % mask.length] ?? 0);
  return result;
}
