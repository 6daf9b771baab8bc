import { MalformedPacket } from "./malformed-packet.ts";

export const HEADER_BYTES = 4;
/** A payload of this length goes on in the next packet. */
const MAX_PAYLOAD_BYTES = 0xffffff;

export interface Packet {
  /** 0 to 255, counting up by one through an exchange. */
  readonly sequence: number;
  /** A view of the bytes that were fed. */
  readonly payload: Buffer;
}

/** A payload with its header. Throws where it does not fit into one packet: nothing that is written here ever comes near. */
export function framed(sequence: number, payload: Buffer): Buffer {
  if (payload.length >= MAX_PAYLOAD_BYTES) throw new RangeError(`a packet of ${payload.length} bytes`);
  const packet = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  packet.writeUIntLE(payload.length, 0, 3);
  packet[3] = sequence & 0xff;
  payload.copy(packet, HEADER_BYTES);
  return packet;
}

/** Finds packets in a stream of bytes, for as long as a login lasts: they are small then, and larger ones are refused. */
export class PacketReader {
  readonly #maxPayloadBytes: number;
  #bytes: Buffer = EMPTY;

  constructor(maxPayloadBytes: number) {
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /** Bytes that are not part of a packet that next() has returned. */
  get unread(): number {
    return this.#bytes.length;
  }

  takeLeftover(): Buffer {
    const leftover = this.#bytes;
    this.#bytes = EMPTY;
    return leftover;
  }

  feed(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
  }

  /** The next whole packet; undefined: not all of it is here. Throws MalformedPacket where it is larger than allowed. */
  next(): Packet | undefined {
    const bytes = this.#bytes;
    if (bytes.length < HEADER_BYTES) return undefined;
    const length = bytes.readUIntLE(0, 3);
    if (length > this.#maxPayloadBytes)
      throw new MalformedPacket(
        `a packet of ${length} bytes where ${this.#maxPayloadBytes} are the most: not the MySQL protocol, or not this part of it`,
      );
    const end = HEADER_BYTES + length;
    if (bytes.length < end) return undefined;
    this.#bytes = bytes.subarray(end);
    return { sequence: bytes.readUInt8(3), payload: bytes.subarray(HEADER_BYTES, end) };
  }
}

const EMPTY = Buffer.alloc(0);
