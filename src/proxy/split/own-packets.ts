import { COMMAND } from "../../wire/command.ts";
import { framed } from "../../wire/packet.ts";

/** Commands of our own to servers, with their packet header. */

export const queryPacket = (text: string): Buffer => framed(0, Buffer.from(`\u0003${text}`));

export const initDbPacket = (database: string): Buffer => framed(0, Buffer.from(`\u0002${database}`));

export const PING_PACKET = framed(0, Buffer.from([COMMAND.PING]));
export const RESET_PACKET = framed(0, Buffer.from([COMMAND.RESET_CONNECTION]));
