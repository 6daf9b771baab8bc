import { matchesPattern } from "./sql-pattern.ts";

/** Where a client comes from, in the forms that an account's host may have. */
export interface ClientHost {
  /** IPv4 or IPv6; undefined: over a unix socket. */
  readonly address: string | undefined;
  /** `localhost` over a unix socket; what the address resolves to, where somebody has looked. */
  readonly name: string | undefined;
}

/** Whether a client from there is meant by the host of an account or of a grant; the empty one is anywhere. */
export function matchesHost(pattern: string, { address, name }: ClientHost): boolean {
  if (pattern === "" || pattern === "%") return true;
  const network = networkOf(pattern);
  if (network !== undefined) {
    const client = address === undefined ? undefined : ipv4Number(address);
    return client !== undefined && (client & network.mask) >>> 0 === network.address;
  }
  const folded = pattern.toLowerCase();
  return (
    (address !== undefined && matchesPattern(folded, address.toLowerCase())) ||
    (name !== undefined && matchesPattern(folded, name.toLowerCase()))
  );
}

/** Whether a client's name could matter: the pattern is neither an address, nor the start of one, nor anywhere. */
export const isHostName = (pattern: string): boolean =>
  networkOf(pattern) === undefined && !/^[\d.%_\\]*$/.test(pattern) && !pattern.includes(":");

/**
 * Orders hosts from the most specific to the least, as MariaDB does since 10.2.23 and MySQL in all but a few ties: by how many hosts a
 * pattern may stand for. What has no wildcard comes first, an address with a netmask among it; % comes last.
 */
export function compareHosts(a: string, b: string): number {
  const widthOfA = widthOf(a);
  const widthOfB = widthOf(b);
  for (const [i, part] of widthOfA.entries()) {
    const difference = part - (widthOfB[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Orders what compareHosts() takes for the same: a host before a network, a small network before a large one. */
export const compareNetworks = (a: string, b: string): number => sizeOf(a) - sizeOf(b);

const sizeOf = (host: string): number => ~(networkOf(host)?.mask ?? -1) >>> 0;

const MAX_HOST_LETTERS = 255;
const MOST_WILDCARDS = 31;

/** The larger number that comes first, the more hosts; of a width with %, the letters that it leaves open count most. */
function widthOf(host: string): readonly number[] {
  const pattern = (host === "" ? "%" : host).replace(/%+/g, "%");
  let letters = 0;
  let singles = 0;
  let many = 0;
  let prefix = 0;
  for (let i = 0; i < pattern.length; i++) {
    const letter = pattern[i];
    if (letter === "%" || letter === "_") {
      if (many === 0 && singles === 0) prefix = letters;
      if (letter === "%") many++;
      else singles++;
    } else {
      if (letter === "\\" && i + 1 < pattern.length) i++;
      letters++;
    }
  }
  many = Math.min(many, MOST_WILDCARDS);
  singles = Math.min(singles, MOST_WILDCARDS);
  const open = many > 0 ? Math.max(0, MAX_HOST_LETTERS - letters - singles) : 0;
  return open > singles ? [2 * open + 1, many, singles, prefix] : [2 * singles, open, many, prefix];
}

interface Network {
  readonly address: number;
  readonly mask: number;
}

/** `10.0.0.0/255.255.0.0`, and MySQL's `10.0.0.0/16`. A netmask that leaves bits of the address out matches nobody, as on the server. */
function networkOf(pattern: string): Network | undefined {
  const [host = "", mask, more] = pattern.split("/");
  if (mask === undefined || more !== undefined) return undefined;
  const address = ipv4Number(host);
  const bits = /^\d{1,2}$/.test(mask) ? maskOfBits(Number(mask)) : ipv4Number(mask);
  return address === undefined || bits === undefined ? undefined : { address, mask: bits };
}

const maskOfBits = (bits: number): number | undefined => {
  if (bits > 32) return undefined;
  return bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0;
};

function ipv4Number(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((number, part) => number * 256 + part, 0);
}
