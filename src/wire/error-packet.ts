/**
 * wire/: the MySQL protocol's bytes: packets read and written, logins answered. Pure: bytes in, bytes or values out; of the
 * runtime it uses Buffer and node:crypto's arithmetic, and randomness is handed in.
 *
 *   chunks ─▶ PacketReader ─▶ payload ─▶ readGreeting, readLoginRequest, readOk, … ─▶ frozen values
 *   values ─▶ writeGreeting, writeOk, …  ─▶ payload ─▶ framed() ─▶ bytes
 *
 * Every reader checks bounds, and throws MalformedPacket and nothing else.
 */
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { framed } from "./packet.ts";

/** What is known of an error: its number and sentence; see docs/balancing.md for those that Sluice itself sends. */
export interface WireError {
  readonly errno: number;
  readonly sentence: string;
  /** Five letters or digits; missing: the one that belongs to the number. */
  readonly sqlState?: string;
}

/** The server's own: all its places are taken. */
export const TOO_MANY_CONNECTIONS = 1040;
/**
 * No server can be reached. The client library's own number for it (2003) would say that best, but MariaDB's takes any number of its own
 * range from a server for a malformed packet (3.3.19), and drops the sentence; so this is the servers' number for what has none.
 */
export const CANNOT_CONNECT = 1105;

export const ERR = 0xff;

// MYSQL_ERRMSG_SIZE: client libraries cut off what is longer.
const MAX_SENTENCE_BYTES = 511;

// As the servers' own tables of errors have them; HY000 stands for all others.
const SQL_STATES: Readonly<Record<number, string>> = {
  1040: "08004",
  1042: "08S01",
  1043: "08S01",
  1044: "42000",
  1045: "28000",
  1046: "3D000",
  1047: "08S01",
  1049: "42000",
  1053: "08S01",
  1152: "08S01",
  1153: "08S01",
  1156: "08S01",
  1158: "08S01",
  1159: "08S01",
  1203: "42000",
  1226: "42000",
  1227: "42000",
  1251: "08004",
  1698: "28000",
};

const sqlStateOf = ({ errno, sqlState }: WireError): string => sqlState ?? SQL_STATES[errno] ?? "HY000";

/**
 * An ERR packet in the place of the server's greeting. Nothing has been agreed on with the client by then, so it carries no
 * SQLSTATE, just as the server's own errors at this point.
 */
export function errorBeforeGreeting({ errno, sentence }: WireError): Buffer {
  return framed(0, new ByteWriter().uint8(ERR).uint16(errno).bytes(cut(sentence)).payload());
}

/** The payload of an ERR packet after the greeting. */
export function writeError(error: WireError): Buffer {
  return new ByteWriter()
    .uint8(ERR)
    .uint16(error.errno)
    .text(`#${sqlStateOf(error)}`)
    .bytes(cut(error.sentence))
    .payload();
}

/** Of an ERR packet's payload, with a SQLSTATE or without. Throws MalformedPacket. */
export function readError(payload: Buffer): WireError {
  const reader = new ByteReader(payload, "ERR packet", 1);
  const errno = reader.uint16();
  const text = reader.rest();
  if (text[0] !== HASH || text.length < 6) return { errno, sentence: text.toString() };
  return { errno, sentence: text.toString("utf8", 6), sqlState: text.toString("latin1", 1, 6) };
}

const HASH = 0x23;
const cut = (sentence: string): Buffer => Buffer.from(sentence).subarray(0, MAX_SENTENCE_BYTES);
