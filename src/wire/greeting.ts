import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { CLIENT, hasFlag, withFlags } from "./capability.ts";
import { MalformedPacket } from "./malformed-packet.ts";

const PROTOCOL_10 = 10;
export const SCRAMBLE_BYTES = 20;

/** What a server says first. */
export interface Greeting {
  readonly serverVersion: string;
  readonly connectionId: number;
  /** 20 bytes, none of them zero. */
  readonly scramble: Buffer;
  readonly capabilities: number;
  /** 0 where `capabilities` has LONG_PASSWORD: then the server is none of MariaDB's, or not of 10.2 or later. */
  readonly mariadbCapabilities: number;
  readonly characterSet: number;
  readonly statusFlags: number;
  /** The authentication plugin that the scramble is for; empty: the server does not say. */
  readonly plugin: string;
}

/** Throws MalformedPacket, also for a server that is older than MySQL 4.1. */
export function readGreeting(payload: Buffer): Greeting {
  const reader = new ByteReader(payload, "greeting");
  const protocol = reader.uint8();
  if (protocol !== PROTOCOL_10)
    throw new MalformedPacket(`malformed greeting: protocol ${protocol}, and not ${PROTOCOL_10}`);
  const serverVersion = reader.zeroTerminated().toString();
  const connectionId = reader.uint32();
  const scrambleHead = reader.take(8);
  reader.skip(1);
  const low = reader.uint16();
  const characterSet = reader.uint8();
  const statusFlags = reader.uint16();
  const capabilities = withFlags(low, reader.uint16() << 16);
  if (!hasFlag(capabilities, CLIENT.PROTOCOL_41) || !hasFlag(capabilities, CLIENT.SECURE_CONNECTION))
    throw new MalformedPacket("malformed greeting: a server from before MySQL 4.1");
  const scrambleLength = reader.uint8();
  reader.skip(6);
  const extended = reader.uint32();
  const tail = reader.take(Math.max(12, scrambleLength - 9));
  if (reader.remaining > 0) reader.skip(1);
  return {
    serverVersion,
    connectionId,
    scramble: Buffer.concat([scrambleHead, tail.subarray(0, SCRAMBLE_BYTES - 8)]),
    capabilities,
    mariadbCapabilities: hasFlag(capabilities, CLIENT.LONG_PASSWORD) ? 0 : extended,
    characterSet,
    statusFlags,
    plugin: hasFlag(capabilities, CLIENT.PLUGIN_AUTH) ? reader.zeroTerminatedOrRest().toString() : "",
  };
}

export function writeGreeting(greeting: Greeting): Buffer {
  const { scramble, capabilities } = greeting;
  const isMariadb = !hasFlag(capabilities, CLIENT.LONG_PASSWORD);
  return new ByteWriter()
    .uint8(PROTOCOL_10)
    .zeroTerminated(greeting.serverVersion)
    .uint32(greeting.connectionId)
    .bytes(scramble.subarray(0, 8))
    .uint8(0)
    .uint16(capabilities & 0xffff)
    .uint8(greeting.characterSet)
    .uint16(greeting.statusFlags)
    .uint16(capabilities >>> 16)
    .uint8(SCRAMBLE_BYTES + 1)
    .zeros(6)
    .uint32(isMariadb ? greeting.mariadbCapabilities : 0)
    .bytes(scramble.subarray(8, SCRAMBLE_BYTES))
    .uint8(0)
    .zeroTerminated(greeting.plugin)
    .payload();
}

/** From random bytes: a scramble has no zero byte, which would end it, and no `$`, which MySQL avoids as well. */
export function scrambleFrom(random: Buffer): Buffer {
  const scramble = Buffer.from(random.subarray(0, SCRAMBLE_BYTES));
  for (let i = 0; i < SCRAMBLE_BYTES; i++) {
    const seven = (scramble[i] ?? 0) & 0x7f;
    scramble[i] = seven === 0 || seven === 0x24 ? seven + 1 : seven;
  }
  return scramble;
}
