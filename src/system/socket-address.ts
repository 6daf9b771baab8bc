import { isIP } from "node:net";
import { ipv4Bytes, ipv6Bytes } from "../wire/ip-address.ts";
import { AF_INET, AF_INET6, AF_UNIX } from "./socket-numbers.ts";

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

/** struct sockaddr_un: family, then the path, or NUL and the name of an abstract socket. */
export function unixAddress(path: string): Buffer {
  const name = Buffer.from(path);
  const isAbstract = path.startsWith("@");
  const address = Buffer.alloc(2 + name.length + (isAbstract ? 0 : 1));
  address.writeUInt16LE(AF_UNIX, 0);
  name.copy(address, 2);
  if (isAbstract) address[2] = 0;
  return address;
}
