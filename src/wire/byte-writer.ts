const FIRST_BYTES = 256;

/** Builds a packet's fields in order. For login packets, not for the hot path. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #length = 0;

  uint8(value: number): this {
    const at = this.#grow(1);
    this.#bytes[at] = value;
    return this;
  }

  uint16(value: number): this {
    const at = this.#grow(2);
    this.#bytes.writeUInt16LE(value, at);
    return this;
  }

  uint32(value: number): this {
    const at = this.#grow(4);
    this.#bytes.writeUInt32LE(value, at);
    return this;
  }

  zeros(count: number): this {
    const at = this.#grow(count);
    this.#bytes.fill(0, at, at + count);
    return this;
  }

  bytes(bytes: Buffer): this {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  text(text: string): this {
    const length = Buffer.byteLength(text);
    const at = this.#grow(length);
    this.#bytes.write(text, at, length);
    return this;
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
    this.uint8(0xfe);
    const at = this.#grow(8);
    this.#bytes.writeBigUInt64LE(BigInt(value), at);
    return this;
  }

  lengthEncodedBytes(bytes: Buffer): this {
    return this.lengthEncoded(bytes.length).bytes(bytes);
  }

  /** A view of what was written; the writer is not used after it. */
  payload(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Makes room for so many bytes; returns where they go. */
  #grow(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#length));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    return at;
  }
}
