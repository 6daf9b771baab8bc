import { isIP } from "node:net";
import { ipv4Bytes, ipv6Bytes } from "../wire/ip-address.ts";

const AF_UNIX = 1;
const AF_INET = 2;
export const AF_INET6 = 10;

/** struct sockaddr_in or sockaddr_in6 of an IP address. */
export function socketAddress(
  address: string,
  port: number,
): { readonly family: number; readonly bytes: Buffer } {
  const isV6 = isIP(address) === 6;
  const family = isV6 ? AF_INET6 : AF_INET;
  const bytes = Buffer.alloc(isV6 ? 28 : 16);
  bytes.writeUInt16LE(family, 0);
  bytes.writeUInt16BE(port, 2);
  if (isV6) ipv6Bytes(address).copy(bytes, 8);
  else ipv4Bytes(address).copy(bytes, 4);
  return { family, bytes };
}

/** struct sockaddr_un. */
export const unixAddress = (path: string): Buffer =>
  Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(path), Buffer.from([0])]);
