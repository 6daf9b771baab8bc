import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { SluiceError } from "../errors/sluice-error.ts";
import { FAMILIES, type Family, familyOf } from "./firewall/family.ts";

/** What the kernel of this host lets pass: sysctls, and its own addresses. */
export interface Forwarding {
  readonly forwards: Readonly<Record<Family, boolean>>;
  /** Whether packets from and to 127.0.0.0/8 may leave the loopback interface (route_localnet). */
  readonly routesLoopback: boolean;
  readonly ownAddresses: ReadonlySet<string>;
  /** How long the kernel remembers a connection that carries nothing. */
  readonly idleLimitSeconds: number;
  /** How many connections the kernel can remember. */
  readonly mostConnections: number;
}

const PLACES: Readonly<Record<Family, string>> = {
  4: "net/ipv4/ip_forward",
  6: "net/ipv6/conf/all/forwarding",
};
const ROUTE_LOCALNET = "net/ipv4/conf/all/route_localnet";

export function readForwarding(): Forwarding {
  const interfaces = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return {
    forwards: { 4: setting(PLACES[4]) > 0, 6: setting(PLACES[6]) > 0 },
    routesLoopback: setting(ROUTE_LOCALNET) > 0,
    ownAddresses: new Set(interfaces.map(({ address }) => address)),
    idleLimitSeconds: setting("net/netfilter/nf_conntrack_tcp_timeout_established"),
    mostConnections: setting("net/netfilter/nf_conntrack_max"),
  };
}

/**
 * Throws FORWARDING_OFF, with the sysctl that is missing, where clients of a listener could not be led to the servers.
 * @param listeners IP addresses where clients connect to
 * @param servers IP addresses where they are led to
 */
export function requireForwarding(
  listeners: readonly string[],
  servers: readonly string[],
  { forwards, routesLoopback, ownAddresses }: Forwarding,
): void {
  const remote = servers.filter((address) => !ownAddresses.has(address));
  for (const family of FAMILIES) {
    const isMeant = (address: string): boolean => familyOf(address) === family || address === "::";
    const elsewhere = remote.find((address) => familyOf(address) === family);
    if (elsewhere === undefined) continue;
    const from = listeners.filter(isMeant);
    if (from.some((address) => !isLoopback(address)) && !forwards[family])
      throw new SluiceError(
        "FORWARDING_OFF",
        `this host does not pass IPv${family} packets on to ${elsewhere}: ${remedy(PLACES[family])}`,
      );
    if (from.some(isLoopback) && !routesLoopback)
      throw new SluiceError(
        "FORWARDING_OFF",
        `this host lets no packet of a loopback address out to ${elsewhere}: ${remedy(ROUTE_LOCALNET)}, or give the listener another address`,
      );
  }
}

const remedy = (path: string): string =>
  `sysctl -w ${path.replaceAll("/", ".")}=1, and put it into /etc/sysctl.d/`;

const isLoopback = (address: string): boolean => address.startsWith("127.");

/** @param path below /proc/sys; what is not there is 0 */
function setting(path: string): number {
  try {
    return Number(readFileSync(`/proc/sys/${path}`, "utf8"));
  } catch {
    return 0;
  }
}
