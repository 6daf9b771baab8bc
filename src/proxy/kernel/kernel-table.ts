/**
 * All services of this host as one table for `nft -f`. One script is one transaction: all of it comes into force, or nothing.
 * Pure.
 *
 *   remote (prerouting) ─┐                              ┌─▶ leave  (postrouting): counts, masquerades
 *   local  (output) ─────┴─▶ balance_a or _b: dnat ─────┴─▶ arrive (input), where the server is on this host: counts
 *                               └─ nobody to lead to ─▶ refuse (input): reset at once
 *
 * A change is made in the chain that nobody uses at the moment, and then put into force by a second script that only turns to that
 * chain. In one script, a packet that is on its way through the old rules can find their maps gone, and be refused.
 */
import type { Address } from "../../system/firewall/conntrack.ts";
import { FAMILIES, type Family, familyOf } from "../../system/firewall/family.ts";
import type { KernelService, KernelTarget } from "./kernel-service.ts";
import { slotsOf } from "./slots.ts";

/** A private table, which nobody else has a reason to touch. */
const TABLE = "inet sluice_balance";

/** What else the rules depend on. */
export interface KernelHost {
  /** Clients may come from 127.0.0.0/8, because this host lets such packets out (route_localnet). */
  readonly routesLoopback: boolean;
}

/** Which of the two chains. */
export type Side = "a" | "b";

/** Makes the table where there is none, and in it, on the side that is not in use, what `activate` needs. */
export function prepare(services: readonly KernelService[], side: Side): string {
  return lines([
    `add table ${TABLE}`,
    // A service is open while its ports are in the set; an element goes by itself when its time is over.
    `add set ${TABLE} open { type inet_service; flags timeout; }`,
    ...services.flatMap(({ listeners }) => listeners.flatMap(counterSets)),
    ...services.flatMap(countedElements),
    ...chain(balanceChain(side), undefined, services.flatMap(balancing)),
  ]);
}

/**
 * Turns to a side that has been prepared. Base chains and sets are never deleted: where a chain is deleted and made anew, even
 * in one transaction, connections are refused for some milliseconds.
 */
export function activate(services: readonly KernelService[], side: Side, host: KernelHost): string {
  // Only what is meant for this host: a router must not catch what passes through it.
  const turn = `fib daddr type local jump ${balanceChain(side)}`;
  return lines([
    ...chain("remote", "type nat hook prerouting priority dstnat", [turn]),
    // prerouting never sees what this host sends to itself.
    ...chain("local", "type nat hook output priority -100", [...leftAlone(host), turn]),
    ...chain("leave", "type nat hook postrouting priority srcnat", services.flatMap(leaving)),
    ...chain("arrive", "type nat hook input priority 100", services.flatMap(arriving)),
    ...chain("refuse", "type filter hook input priority -10", refusals(services)),
    ...opening(services),
  ]);
}

/** Empties a side that is not in use; not right after it was, for packets may be on their way through it. */
export const clear = (side: Side): string => `flush chain ${TABLE} ${balanceChain(side)}\n`;

const balanceChain = (side: Side): string => `balance_${side}`;

/** Gives every service its time again. */
export function renew(services: readonly KernelService[]): string {
  return lines(opening(services));
}

export const listTable = `list table ${TABLE}\n`;

/** Also where there is none. */
export const removeTable = `add table ${TABLE}\ndelete table ${TABLE}\n`;

/** @param hook undefined: other chains jump to it */
function chain(name: string, hook: string | undefined, rules: readonly string[]): readonly string[] {
  const place = `${TABLE} ${name}`;
  return [
    hook === undefined ? `add chain ${place}` : `add chain ${place} { ${hook}; policy accept; }`,
    `flush chain ${place}`,
    ...rules.map((rule) => `add rule ${place} ${rule}`),
  ];
}

/** A client that uses such a loopback address would otherwise wait for ever. */
function leftAlone({ routesLoopback }: KernelHost): readonly string[] {
  const addresses = routesLoopback ? ["ip6 daddr ::1"] : ["ip daddr 127.0.0.0/8", "ip6 daddr ::1"];
  return addresses.map((match) => `${match} return`);
}

function balancing(service: KernelService): readonly string[] {
  return service.listeners.flatMap((listener) =>
    FAMILIES.flatMap((family) => {
      const targets = ofFamily(service.targets, family);
      if (targets.length === 0 || !isReachedBy(listener, family)) return [];
      const where = [`meta nfproto ipv${family}`, ...addressed(listener), `tcp dport ${listener.port}`];
      // What is no first packet belongs to a connection that was cut: it is to be reset, and by nobody but this host.
      const isFirst = "tcp flags & (fin | syn | rst | ack) == syn";
      const isOpen = "tcp dport @open";
      return [[...where, isOpen, isFirst, translation(service, targets, family)].join(" ")];
    }),
  );
}

function translation({ balance }: KernelService, targets: readonly KernelTarget[], family: Family): string {
  const dnat = family === 4 ? "dnat ip to" : "dnat ip6 to";
  const slots = slotsOf(balance, targets);
  const [first] = slots;
  if (first !== undefined && slots.every((slot) => slot === first))
    return `${dnat} ${family === 4 ? first.address : `[${first.address}]`}:${first.port}`;
  const draw = {
    single: "numgen inc",
    "round-robin": "numgen inc",
    random: "numgen random",
    // The seed is fixed, so that a client finds its server again after a restart.
    source: `jhash ${ip(family)} saddr`,
  }[balance];
  const seed = balance === "source" ? " seed 0x51a1ce" : "";
  return `${dnat} ${draw} mod ${slots.length}${seed} map { ${runs(slots).join(", ")} }`;
}

/** Neighbours that lead to the same server as one range. */
function runs(slots: readonly KernelTarget[]): readonly string[] {
  const starts = slots.flatMap((slot, i) => (slot === slots[i - 1] ? [] : [i]));
  return starts.map((start, i) => {
    const end = (starts[i + 1] ?? slots.length) - 1;
    const { address = "", port = 0 } = slots[start] ?? {};
    return `${start === end ? start : `${start}-${end}`} : ${address} . ${port}`;
  });
}

/** Counting first: what is masqueraded sees no further rule. */
function leaving(service: KernelService): readonly string[] {
  return eachWay(service).flatMap(({ family, port, targets }) => {
    const known = `${cameBy(port)} ${isCounted(family, port)}`;
    if (service.masquerade) return [`${known} masquerade`];
    // A server that is its own client would be told to answer itself; a loopback address is worth nothing elsewhere.
    const own = targets.map(({ address }) => address);
    const clients = [...new Set(own), ...(family === 4 ? ["127.0.0.0/8"] : [])];
    return [known, `${cameBy(port)} ${ip(family)} saddr { ${clients.join(", ")} } masquerade`];
  });
}

function arriving(service: KernelService): readonly string[] {
  return eachWay(service).map(({ family, port }) => `${cameBy(port)} ${isCounted(family, port)}`);
}

const cameBy = (port: number): string => `meta l4proto tcp ct status dnat ct original proto-dst ${port}`;

/** Looking it up counts it: nat chains see the first packet of a connection only. */
const isCounted = (family: Family, port: number): string =>
  `${ip(family)} daddr . tcp dport @${counterSet(family, port)}`;

/** Named by the port that clients connect to. */
const counterSet = (family: Family, port: number): string => `to${family}_${port}`;

function counterSets({ port }: Address): readonly string[] {
  return FAMILIES.map(
    (family) =>
      `add set ${TABLE} ${counterSet(family, port)} { type ipv${family}_addr . inet_service; counter; }`,
  );
}

/** What is there already keeps its count. */
function countedElements(service: KernelService): readonly string[] {
  return eachWay(service).map(({ family, port, targets }) => {
    const elements = targets.map((target) => `${target.address} . ${target.port}`);
    return `add element ${TABLE} ${counterSet(family, port)} { ${elements.join(", ")} }`;
  });
}

/** Each port of a service with the servers of a family, where there are some. */
function eachWay({ listeners, targets }: KernelService) {
  const ports = [...new Set(listeners.map(({ port }) => port))];
  return ports.flatMap((port) =>
    FAMILIES.map((family) => ({ family, port, targets: ofFamily(targets, family) })).filter(
      (way) => way.targets.length > 0,
    ),
  );
}

/** Before any chain of the host that would drop it silently. */
function refusals(services: readonly KernelService[]): readonly string[] {
  const listeners = services.flatMap((service) => service.listeners);
  return [
    "ct status dnat accept",
    ...listeners.map((listener) =>
      [
        ...onlyFamily(listener),
        ...addressed(listener),
        `tcp dport ${listener.port} reject with tcp reset`,
      ].join(" "),
    ),
  ];
}

function opening(services: readonly KernelService[]): readonly string[] {
  const elements = new Map<number, string>();
  for (const { listeners, ttlMs } of services)
    for (const { port } of listeners)
      elements.set(port, ttlMs === 0 ? `${port}` : `${port} timeout ${Math.ceil(ttlMs)}ms`);
  // Adding an element that is there would leave its time as it was.
  const emptied = `flush set ${TABLE} open`;
  return elements.size === 0
    ? [emptied]
    : [emptied, `add element ${TABLE} open { ${[...elements.values()].join(", ")} }`];
}

const isReachedBy = ({ address }: Address, family: Family): boolean =>
  address === "::" || familyOf(address) === family;

const addressed = ({ address }: Address): readonly string[] =>
  address === "::" || address === "0.0.0.0"
    ? []
    : [`${familyOf(address) === 6 ? "ip6" : "ip"} daddr ${address}`];

const ip = (family: Family): "ip" | "ip6" => (family === 4 ? "ip" : "ip6");

const onlyFamily = ({ address }: Address): readonly string[] =>
  address === "0.0.0.0" ? ["meta nfproto ipv4"] : [];

const ofFamily = (targets: readonly KernelTarget[], wanted: Family): readonly KernelTarget[] =>
  targets.filter(({ address }) => familyOf(address) === wanted);

const lines = (parts: readonly string[]): string => `${parts.join("\n")}\n`;
