import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { CLIENT, hasFlag } from "./capability.ts";
import { MalformedPacket } from "./malformed-packet.ts";

/** Capabilities, largest packet, character set, and room for MariaDB's capabilities: all that a request for TLS has. */
const HEAD_BYTES = 32;

/** What a client says first (the protocol's HandshakeResponse41). */
export interface LoginRequest {
  readonly capabilities: number;
  readonly mariadbCapabilities: number;
  readonly maxPacket: number;
  /** Collation number. */
  readonly characterSet: number;
  readonly user: string;
  readonly authResponse: Buffer;
  /** undefined: none; the empty name is none, too. */
  readonly database: string | undefined;
  /** Empty: the client does not say, and means mysql_native_password. */
  readonly plugin: string;
  /** Names and values, each length-encoded, without the length of the whole; empty: none. */
  readonly attributes: Buffer;
}

export type LoginHead = Pick<
  LoginRequest,
  "capabilities" | "mariadbCapabilities" | "maxPacket" | "characterSet"
>;

/** A client that wants TLS sends no more than the head of its login, and the whole of it once it is encrypted. */
export const isTlsRequest = (payload: Buffer): boolean =>
  payload.length === HEAD_BYTES && hasFlag(payload.readUInt32LE(0), CLIENT.SSL);

/** Throws MalformedPacket, also for the short form from before MySQL 4.1. */
export function readLoginHead(payload: Buffer): LoginHead {
  return headOf(new ByteReader(payload, "login"));
}

/** Throws MalformedPacket. */
export function readLoginRequest(payload: Buffer): LoginRequest {
  const reader = new ByteReader(payload, "login");
  const head = headOf(reader);
  const { capabilities } = head;
  const has = (flag: number): boolean => hasFlag(capabilities, flag);
  const user = reader.zeroTerminated().toString();
  const authResponse = readAuthResponse(reader, capabilities);
  // Clients may leave out what comes last even though they have said that it is there.
  const database =
    has(CLIENT.CONNECT_WITH_DB) && reader.remaining > 0 ? reader.zeroTerminatedOrRest().toString() : "";
  const plugin =
    has(CLIENT.PLUGIN_AUTH) && reader.remaining > 0 ? reader.zeroTerminatedOrRest().toString() : "";
  const attributes = has(CLIENT.CONNECT_ATTRS) && reader.remaining > 0 ? reader.lengthEncodedBytes() : EMPTY;
  return {
    ...head,
    user,
    authResponse,
    database: database === "" ? undefined : database,
    plugin,
    attributes,
  };
}

/** The `capabilities` decide which fields are there. */
export function writeLoginRequest(request: LoginRequest): Buffer {
  const { capabilities, authResponse } = request;
  const has = (flag: number): boolean => hasFlag(capabilities, flag);
  const writer = writeHead(request).zeroTerminated(request.user);
  if (has(CLIENT.PLUGIN_AUTH_LENENC_DATA)) writer.lengthEncodedBytes(authResponse);
  else writer.uint8(authResponse.length).bytes(authResponse);
  if (has(CLIENT.CONNECT_WITH_DB)) writer.zeroTerminated(request.database ?? "");
  if (has(CLIENT.PLUGIN_AUTH)) writer.zeroTerminated(request.plugin);
  if (has(CLIENT.CONNECT_ATTRS)) writer.lengthEncodedBytes(request.attributes);
  return writer.payload();
}

export const writeTlsRequest = (head: LoginHead): Buffer => writeHead(head).payload();

function headOf(reader: ByteReader): LoginHead {
  const capabilities = reader.uint32();
  if (!hasFlag(capabilities, CLIENT.PROTOCOL_41))
    throw new MalformedPacket("malformed login: a client from before MySQL 4.1");
  const maxPacket = reader.uint32();
  const characterSet = reader.uint8();
  reader.skip(19);
  const extended = reader.uint32();
  const mariadbCapabilities = hasFlag(capabilities, CLIENT.LONG_PASSWORD) ? 0 : extended;
  return { capabilities, mariadbCapabilities, maxPacket, characterSet };
}

function writeHead(head: LoginHead): ByteWriter {
  const { capabilities } = head;
  const extended = hasFlag(capabilities, CLIENT.LONG_PASSWORD) ? 0 : head.mariadbCapabilities;
  return new ByteWriter()
    .uint32(capabilities)
    .uint32(head.maxPacket)
    .uint8(head.characterSet)
    .zeros(19)
    .uint32(extended);
}

function readAuthResponse(reader: ByteReader, capabilities: number): Buffer {
  if (hasFlag(capabilities, CLIENT.PLUGIN_AUTH_LENENC_DATA)) return reader.lengthEncodedBytes();
  if (hasFlag(capabilities, CLIENT.SECURE_CONNECTION)) return reader.take(reader.uint8());
  return reader.zeroTerminated();
}

const EMPTY = Buffer.alloc(0);
