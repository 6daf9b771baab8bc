import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { SCRAMBLE_BYTES } from "./greeting.ts";

/** First bytes of what a server sends while it asks for proof. */
export const AUTH_SWITCH = 0xfe;
export const AUTH_MORE_DATA = 0x01;

/** The server wants another plugin than the client has used, or the same one with another scramble. */
export interface AuthSwitch {
  readonly plugin: string;
  readonly scramble: Buffer;
}

/**
 * Throws MalformedPacket. A packet of one byte is the request of servers before MySQL 4.1 for their own weak proof, and reads as the
 * plugin that was named for it later.
 */
export function readAuthSwitch(payload: Buffer): AuthSwitch {
  if (payload.length === 1) return { plugin: "mysql_old_password", scramble: Buffer.alloc(0) };
  const reader = new ByteReader(payload, "request to switch the plugin", 1);
  const plugin = reader.zeroTerminatedOrRest().toString();
  const data = reader.rest();
  // 20 bytes and a zero; MariaDB's ed25519 sends 32 without one.
  const hasEnd = data.length === SCRAMBLE_BYTES + 1 && data[SCRAMBLE_BYTES] === 0;
  return { plugin, scramble: hasEnd ? data.subarray(0, SCRAMBLE_BYTES) : data };
}

export const writeAuthSwitch = ({ plugin, scramble }: AuthSwitch): Buffer =>
  new ByteWriter().uint8(AUTH_SWITCH).zeroTerminated(plugin).bytes(scramble).uint8(0).payload();

export const writeAuthMoreData = (data: Buffer): Buffer =>
  new ByteWriter().uint8(AUTH_MORE_DATA).bytes(data).payload();
