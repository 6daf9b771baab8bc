/**
 * wire/: the MySQL protocol's bytes: packets read and written. Pure; imports nothing.
 */

/** What is known of an error: its number and sentence; see docs/balancing.md for those that Sluice itself sends. */
export interface WireError {
  readonly errno: number;
  readonly sentence: string;
}

/** The server's own: all its places are taken. */
export const TOO_MANY_CONNECTIONS = 1040;
/** The client library's own for a server that cannot be reached; a client so says what it would have said of the server itself. */
export const CANNOT_CONNECT = 2003;

// MYSQL_ERRMSG_SIZE: client libraries cut off what is longer.
const MAX_SENTENCE_BYTES = 511;
const HEADER_BYTES = 4;
const ERR = 0xff;

/**
 * An ERR packet in the place of the server's greeting. Nothing has been agreed on with the client by then, so it carries no
 * SQLSTATE, just as the server's own errors at this point.
 */
export function errorBeforeGreeting({ errno, sentence }: WireError): Buffer {
  const text = Buffer.from(sentence).subarray(0, MAX_SENTENCE_BYTES);
  const packet = Buffer.allocUnsafe(HEADER_BYTES + 3 + text.length);
  packet.writeUIntLE(3 + text.length, 0, 3);
  packet[3] = 0;
  packet[4] = ERR;
  packet.writeUInt16LE(errno, 5);
  text.copy(packet, 7);
  return packet;
}
