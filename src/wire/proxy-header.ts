/** The header of the PROXY protocol (versions 1 and 2), by which a proxy tells whose connection it passes on. */

import { ipv4Bytes, ipv6Bytes, plainAddress, socketText } from "./ip-address.ts";

export interface Route {
  readonly source: Peer;
  readonly destination: Peer;
}

/** An IPv4 or IPv6 address, as sockets report it. */
export interface Peer {
  readonly address: string;
  readonly port: number;
}

export type HeaderReading =
  /** `source` undefined: the proxy speaks for itself, or does not tell. */
  | { readonly kind: "header"; readonly bytes: number; readonly source: Peer | undefined }
  /** So far it may become one. */
  | { readonly kind: "incomplete" }
  | { readonly kind: "none" }
  | { readonly kind: "broken" };

const V1_START = Buffer.from("PROXY ");
const V1_MAX_BYTES = 107;
const V2_START = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);
const V2_HEAD_BYTES = 16;
/** Room for addresses and the extensions of any known proxy. */
const V2_MAX_BYTES = V2_HEAD_BYTES + 2048;
const V2_LOCAL = 0x20;
const V2_PROXY = 0x21;
const TCP4 = 0x11;
const TCP6 = 0x21;

export function writeProxyHeader(version: "v1" | "v2", route: Route | undefined): Buffer {
  if (route === undefined)
    return version === "v1" ? Buffer.from("PROXY UNKNOWN\r\n") : v2Head(V2_LOCAL, 0, 0);
  const source = unmapped(route.source);
  const destination = unmapped(route.destination);
  // Both addresses are of one family in the header; of a dual-stack pair the IPv4 one is written as an IPv6 one.
  const isV4 = !source.address.includes(":") && !destination.address.includes(":");
  return version === "v1" ? writeV1(source, destination, isV4) : writeV2(source, destination, isV4);
}

/** Looks at the first bytes of a connection; never reads beyond what a header may have. */
export function readProxyHeader(bytes: Buffer): HeaderReading {
  if (startsLike(bytes, V2_START))
    return bytes.length < V2_HEAD_BYTES ? { kind: "incomplete" } : readV2(bytes);
  if (startsLike(bytes, V1_START))
    return bytes.length < V1_START.length ? { kind: "incomplete" } : readV1(bytes);
  return { kind: "none" };
}

function startsLike(bytes: Buffer, start: Buffer): boolean {
  const count = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, count, 0, count) === 0;
}

function readV1(bytes: Buffer): HeaderReading {
  const end = bytes.subarray(0, V1_MAX_BYTES).indexOf("\r\n");
  if (end < 0) return { kind: bytes.length < V1_MAX_BYTES ? "incomplete" : "broken" };
  const [, family, address = "", , port] = bytes.toString("latin1", 0, end).split(" ");
  if (family === "UNKNOWN") return { kind: "header", bytes: end + 2, source: undefined };
  const number = Number(port);
  const isAddress = family === "TCP4" ? isV4Text(address) : family === "TCP6" && isV6Text(address);
  if (!isAddress || !Number.isInteger(number) || number < 0 || number > 65_535) return { kind: "broken" };
  return { kind: "header", bytes: end + 2, source: { address: socketText(address), port: number } };
}

function readV2(bytes: Buffer): HeaderReading {
  const command = bytes[12];
  const length = V2_HEAD_BYTES + bytes.readUInt16BE(14);
  if ((command !== V2_LOCAL && command !== V2_PROXY) || length > V2_MAX_BYTES) return { kind: "broken" };
  if (bytes.length < length) return { kind: "incomplete" };
  if (command === V2_LOCAL) return { kind: "header", bytes: length, source: undefined };
  const family = bytes[13];
  if (family === TCP4 && length >= V2_HEAD_BYTES + 12) {
    const source = { address: [...bytes.subarray(16, 20)].join("."), port: bytes.readUInt16BE(24) };
    return { kind: "header", bytes: length, source };
  }
  if (family === TCP6 && length >= V2_HEAD_BYTES + 36) {
    const source = { address: socketText(v6Text(bytes.subarray(16, 32))), port: bytes.readUInt16BE(48) };
    return { kind: "header", bytes: length, source };
  }
  // A family we do not know (unix sockets): valid, and says nothing to us.
  return { kind: family === TCP4 || family === TCP6 ? "broken" : "header", bytes: length, source: undefined };
}

function writeV1(source: Peer, destination: Peer, isV4: boolean): Buffer {
  const form = ({ address }: Peer): string => (isV4 || address.includes(":") ? address : `::ffff:${address}`);
  const words = [
    "PROXY",
    isV4 ? "TCP4" : "TCP6",
    form(source),
    form(destination),
    source.port,
    destination.port,
  ];
  return Buffer.from(`${words.join(" ")}\r\n`);
}

function writeV2(source: Peer, destination: Peer, isV4: boolean): Buffer {
  const form = isV4 ? ipv4Bytes : ipv6Bytes;
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(source.port, 0);
  ports.writeUInt16BE(destination.port, 2);
  const body = Buffer.concat([form(source.address), form(destination.address), ports]);
  return Buffer.concat([v2Head(V2_PROXY, isV4 ? TCP4 : TCP6, body.length), body]);
}

function v2Head(command: number, family: number, bodyBytes: number): Buffer {
  const head = Buffer.alloc(V2_HEAD_BYTES);
  V2_START.copy(head);
  head[12] = command;
  head[13] = family;
  head.writeUInt16BE(bodyBytes, 14);
  return head;
}

const unmapped = ({ address, port }: Peer): Peer => ({ address: plainAddress(address), port });

const v6Text = (bytes: Buffer): string =>
  Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16)).join(":");

const isV4Text = (text: string): boolean =>
  /^(\d{1,3}\.){3}\d{1,3}$/.test(text) && text.split(".").every((part) => Number(part) < 256);

function isV6Text(text: string): boolean {
  const plain = plainAddress(text);
  if (isV4Text(plain)) return text.includes(":");
  const halves = plain.split("::");
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  const isWhole = halves.length === 1 ? groups.length === 8 : halves.length === 2 && groups.length < 8;
  return isWhole && groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group));
}
