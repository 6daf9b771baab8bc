/** The gate as text for `nft -f`. One script is one transaction: all of it comes into force, or nothing. Pure. */
import { familyOf } from "../../../system/firewall/family.ts";
import type { GatePlan } from "../gate-plan.ts";

/** A private table, which nobody else has a reason to touch; one for each gate of this host. */
function tableOf({ mirrorPort }: GatePlan): string {
  return `inet sluice_gate_${mirrorPort}`;
}

/**
 * Makes the table, or makes the rules of one that is there what they should be. The set is left alone, and with it an
 * opening; and so are the chains: where a table is deleted and made anew, even in one transaction, connections are refused
 * for some milliseconds.
 */
export function layDown(plan: GatePlan): string {
  const table = tableOf(plan);
  return lines([
    `add table ${table}`,
    // A port that is in the set is open; an element goes by itself when its time is over.
    `add set ${table} open { type inet_service; flags timeout; }`,
    ...chain(plan, "remote", "type nat hook prerouting priority dstnat", remoteRules(plan)),
    // prerouting never sees what this host sends to itself.
    ...chain(plan, "local", "type nat hook output priority -100", [`oifname "lo" ${redirect(plan)}`]),
    ...chain(plan, "real_port", "type filter hook input priority -10", protection(plan)),
  ]);
}

function chain(plan: GatePlan, name: string, hook: string, rules: readonly string[]): readonly string[] {
  const place = `${tableOf(plan)} ${name}`;
  return [
    `add chain ${place} { ${hook}; policy accept; }`,
    `flush chain ${place}`,
    ...rules.map((rule) => `add rule ${place} ${rule}`),
  ];
}

/** Opens, or renews: adding an element that is there would leave its time as it was. */
export function open(plan: GatePlan, ttlMs: number): string {
  return lines([...takeAway(plan), `add element ${tableOf(plan)} open { ${element(plan, ttlMs)} }`]);
}

export function close(plan: GatePlan): string {
  return lines(takeAway(plan));
}

export function list(plan: GatePlan): string {
  return `list table ${tableOf(plan)}\n`;
}

/** Also where there is none. */
export function removeTable(plan: GatePlan): string {
  return lines([`add table ${tableOf(plan)}`, `delete table ${tableOf(plan)}`]);
}

function takeAway(plan: GatePlan): readonly string[] {
  const port = `${tableOf(plan)} open { ${plan.mirrorPort} }`;
  return [`add element ${port}`, `delete element ${port}`];
}

const element = ({ mirrorPort }: GatePlan, ttlMs: number): string =>
  `${mirrorPort} timeout ${Math.ceil(ttlMs)}ms`;

/** dnat and not redirect: the address stays, so a server that listens on one address only is found. */
const redirect = ({ realPort }: GatePlan): string => `tcp dport @open dnat to :${realPort}`;

/** Only what is meant for this host: a router must not catch what passes through it. */
function remoteRules(plan: GatePlan): readonly string[] {
  const rule = `fib daddr type local ${redirect(plan)}`;
  if (plan.sources === "all") return [rule];
  return plan.sources.map((source) => `${from(source)} ${rule}`);
}

function protection({ mirrorPort, realPort, protectExcept }: GatePlan): readonly string[] {
  if (protectExcept === undefined) return [];
  return [
    `tcp dport != ${realPort} accept`,
    `meta l4proto tcp ct status dnat ct original proto-dst ${mirrorPort} accept`,
    'iifname "lo" accept',
    ...protectExcept.map((peer) => `${from(peer)} accept`),
    `tcp dport ${realPort} ct state new reject with tcp reset`,
  ];
}

const from = (source: string): string => `${familyOf(source) === 6 ? "ip6" : "ip"} saddr ${source}`;

const lines = (parts: readonly string[]): string => `${parts.join("\n")}\n`;
