import { MalformedPacket } from "./malformed-packet.ts";

/** Reads a packet's fields in order. Never beyond its end: throws MalformedPacket, naming `what` the packet is. */
export class ByteReader {
  readonly #bytes: Buffer;
  readonly #what: string;
  #at: number;

  constructor(bytes: Buffer, what: string, from = 0) {
    this.#bytes = bytes;
    this.#what = what;
    this.#at = from;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  uint8(): number {
    return this.#bytes.readUInt8(this.#advance(1));
  }

  uint16(): number {
    return this.#bytes.readUInt16LE(this.#advance(2));
  }

  uint32(): number {
    return this.#bytes.readUInt32LE(this.#advance(4));
  }

  skip(count: number): void {
    this.#advance(count);
  }

  /** A view, not a copy. */
  take(count: number): Buffer {
    const start = this.#advance(count);
    return this.#bytes.subarray(start, start + count);
  }

  rest(): Buffer {
    return this.take(this.remaining);
  }

  /** An integer of 1, 3, 4 or 9 bytes; one that JavaScript cannot hold is longer than anything that may follow it. */
  lengthEncoded(): number {
    const first = this.uint8();
    if (first < 0xfb) return first;
    switch (first) {
      case 0xfc:
        return this.uint16();
      case 0xfd:
        return this.#bytes.readUIntLE(this.#advance(3), 3);
      case 0xfe: {
        const value = this.#bytes.readBigUInt64LE(this.#advance(8));
        if (value > Number.MAX_SAFE_INTEGER) throw this.#malformed("a number is too large");
        return Number(value);
      }
      default:
        throw this.#malformed("a length is missing");
    }
  }

  lengthEncodedBytes(): Buffer {
    return this.take(this.lengthEncoded());
  }

  /** Up to a zero byte, which is passed over. */
  zeroTerminated(): Buffer {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw this.#malformed("a text has no end");
    const text = this.take(end - this.#at);
    this.skip(1);
    return text;
  }

  /** Up to a zero byte, or to the end where there is none. */
  zeroTerminatedOrRest(): Buffer {
    return this.#bytes.indexOf(0, this.#at) < 0 ? this.rest() : this.zeroTerminated();
  }

  #advance(count: number): number {
    const start = this.#at;
    if (count > this.remaining) throw this.#malformed("it ends too early");
    this.#at += count;
    return start;
  }

  #malformed(reason: string): MalformedPacket {
    return new MalformedPacket(`malformed ${this.#what}: ${reason}`);
  }
}
