/** Builds a packet's fields in order. For login packets, not for the hot path. */
export class ByteWriter {
  readonly #parts: Buffer[] = [];

  uint8(value: number): this {
    return this.bytes(Buffer.of(value));
  }

  uint16(value: number): this {
    const field = Buffer.allocUnsafe(2);
    field.writeUInt16LE(value);
    return this.bytes(field);
  }

  uint32(value: number): this {
    const field = Buffer.allocUnsafe(4);
    field.writeUInt32LE(value);
    return this.bytes(field);
  }

  zeros(count: number): this {
    return this.bytes(Buffer.alloc(count));
  }

  /** Taken as they are, not copied until payload(). */
  bytes(bytes: Buffer): this {
    this.#parts.push(bytes);
    return this;
  }

  text(text: string): this {
    return this.bytes(Buffer.from(text));
  }

  zeroTerminated(text: string): this {
    return this.text(text).uint8(0);
  }

  lengthEncoded(value: number): this {
    if (value < 0xfb) return this.uint8(value);
    if (value <= 0xffff) return this.uint8(0xfc).uint16(value);
    if (value <= 0xffffff)
      return this.uint8(0xfd)
        .uint16(value & 0xffff)
        .uint8(value >>> 16);
    const field = Buffer.allocUnsafe(8);
    field.writeBigUInt64LE(BigInt(value));
    return this.uint8(0xfe).bytes(field);
  }

  lengthEncodedBytes(bytes: Buffer): this {
    return this.lengthEncoded(bytes.length).bytes(bytes);
  }

  payload(): Buffer {
    return Buffer.concat(this.#parts);
  }
}
