import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { CLIENT, hasFlag } from "./capability.ts";
import { COMMAND } from "./command.ts";

/** COM_CHANGE_USER: a login anew on a connection that has one. */
export interface ChangeUserRequest {
  readonly user: string;
  readonly authResponse: Buffer;
  readonly database: string | undefined;
  /** 0: the client does not say. */
  readonly characterSet: number;
  readonly plugin: string;
  readonly attributes: Buffer;
}

/** @param payload with the command's byte; @param capabilities of the connection. Throws MalformedPacket. */
export function readChangeUser(payload: Buffer, capabilities: number): ChangeUserRequest {
  const has = (flag: number): boolean => hasFlag(capabilities, flag);
  const reader = new ByteReader(payload, "COM_CHANGE_USER", 1);
  const user = reader.zeroTerminated().toString();
  const authResponse = has(CLIENT.SECURE_CONNECTION) ? reader.take(reader.uint8()) : reader.zeroTerminated();
  const database = reader.remaining > 0 ? reader.zeroTerminatedOrRest().toString() : "";
  const characterSet = reader.remaining >= 2 ? reader.uint16() : 0;
  const plugin =
    has(CLIENT.PLUGIN_AUTH) && reader.remaining > 0 ? reader.zeroTerminatedOrRest().toString() : "";
  const attributes =
    has(CLIENT.CONNECT_ATTRS) && reader.remaining > 0 ? reader.lengthEncodedBytes() : Buffer.alloc(0);
  return {
    user,
    authResponse,
    database: database === "" ? undefined : database,
    characterSet,
    plugin,
    attributes,
  };
}

/** The payload with the command's byte, for a connection of these capabilities; they have SECURE_CONNECTION. */
export function writeChangeUser(request: ChangeUserRequest, capabilities: number): Buffer {
  const writer = new ByteWriter()
    .uint8(COMMAND.CHANGE_USER)
    .zeroTerminated(request.user)
    .uint8(request.authResponse.length)
    .bytes(request.authResponse)
    .zeroTerminated(request.database ?? "")
    .uint16(request.characterSet);
  if (hasFlag(capabilities, CLIENT.PLUGIN_AUTH)) writer.zeroTerminated(request.plugin);
  if (hasFlag(capabilities, CLIENT.CONNECT_ATTRS)) writer.lengthEncodedBytes(request.attributes);
  return writer.payload();
}
