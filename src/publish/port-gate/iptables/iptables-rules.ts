/**
 * The gate in chains of its own, as text for `iptables-restore --noflush` and as arguments for iptables. Whoever else has
 * rules there keeps them: of the chains that are not ours only one rule is, the jump. Pure.
 */
import type { Family } from "../../../system/firewall/family.ts";
import { type GatePlan, ofFamily } from "../gate-plan.ts";

export interface Jump {
  readonly table: "nat" | "filter";
  /** A chain of the kernel's. */
  readonly from: string;
  readonly match: readonly string[];
  readonly to: string;
}

const remoteChain = ({ mirrorPort }: GatePlan): string => `SLUICE-REMOTE-${mirrorPort}`;
const localChain = ({ mirrorPort }: GatePlan): string => `SLUICE-LOCAL-${mirrorPort}`;
const protectChain = ({ mirrorPort }: GatePlan): string => `SLUICE-REAL-${mirrorPort}`;

// Said of every jump: the kernel tracks connections only while some rule asks for it, and the established ones through a
// closed gate need that until they end.
const NEW = ["-m", "conntrack", "--ctstate", "NEW"];

/** Where the kernel's chains lead into ours. */
export function jumps(plan: GatePlan): readonly Jump[] {
  const { realPort, protectExcept } = plan;
  return [
    { table: "nat", from: "PREROUTING", match: NEW, to: remoteChain(plan) },
    { table: "nat", from: "OUTPUT", match: ["-o", "lo", ...NEW], to: localChain(plan) },
    ...(protectExcept === undefined
      ? []
      : [
          {
            table: "filter",
            from: "INPUT",
            match: ["-p", "tcp", "-m", "tcp", "--dport", String(realPort)],
            to: protectChain(plan),
          } as const,
        ]),
  ];
}

/** The arguments that check, insert or delete a jump. */
export function jumpArguments(action: "-C" | "-I" | "-D", jump: Jump): readonly string[] {
  return ["-t", jump.table, action, jump.from, ...jump.match, "-j", jump.to];
}

/** The chains that lead to the real port: empty while the gate is closed. @param owner undefined: closed */
export function redirects(plan: GatePlan, family: Family, owner: string | undefined): string {
  const rules = owner === undefined ? [] : openings(plan, family, owner);
  return table("nat", [remoteChain(plan), localChain(plan)], rules);
}

/** The rules that open, without `-A`. The owner is in each of them: whoever takes over writes its own. */
export function openings(plan: GatePlan, family: Family, owner: string): readonly string[] {
  const { mirrorPort, realPort, sources } = plan;
  const to = `-p tcp -m tcp --dport ${mirrorPort} -m comment --comment ${owner} -j DNAT --to-destination :${realPort}`;
  const from = sources === "all" ? [""] : ofFamily(sources, family).map((source) => `-s ${source} `);
  return [
    ...from.map((match) => `${remoteChain(plan)} ${match}-m addrtype --dst-type LOCAL ${to}`),
    `${localChain(plan)} ${to}`,
  ];
}

/** The chain that turns direct connections away; empty text where nothing is protected. */
export function protection(plan: GatePlan, family: Family): string {
  const { mirrorPort, protectExcept } = plan;
  if (protectExcept === undefined) return "";
  const chain = protectChain(plan);
  return table(
    "filter",
    [chain],
    [
      `${chain} -p tcp -m conntrack --ctstate DNAT --ctorigdstport ${mirrorPort} -j RETURN`,
      `${chain} -i lo -j RETURN`,
      ...ofFamily(protectExcept, family).map((peer) => `${chain} -s ${peer} -j RETURN`),
      `${chain} -p tcp -m conntrack --ctstate NEW -j REJECT --reject-with tcp-reset`,
    ],
  );
}

/** Chains of ours, by table, to be emptied and deleted. */
export function ownChains(plan: GatePlan): readonly (readonly [table: "nat" | "filter", chain: string])[] {
  return [
    ["nat", remoteChain(plan)],
    ["nat", localChain(plan)],
    ["filter", protectChain(plan)],
  ];
}

/** The lines of `iptables -S` that speak of this gate. */
export function ownLines(listing: string, plan: GatePlan): readonly string[] {
  const chains = ownChains(plan).map(([, chain]) => chain);
  return listing.split("\n").filter((line) => chains.some((chain) => line.split(" ").includes(chain)));
}

/** Whether a listing has an opening of this gate, whoever made it. */
export function isOpenIn(listing: string, plan: GatePlan): boolean {
  return ownLines(listing, plan).some((line) => line.startsWith("-A") && line.includes(" -j DNAT "));
}

/**
 * Whether a listing has every rule that was laid down. A listing that somebody disturbed must not become the measure of what
 * is right. Chains and targets are compared, as every version of iptables words the rest of a rule in its own way.
 * @param owner undefined: closed
 */
export function isWhole(listing: string, plan: GatePlan, family: Family, owner: string | undefined): boolean {
  const found = steps(listing);
  const laid = steps(redirects(plan, family, owner) + protection(plan, family));
  const inChain = (all: readonly Step[], chain: string): string =>
    all.flatMap(({ from, to }) => (from === chain ? [to] : [])).join();
  return (
    ownChains(plan).every(([, chain]) => inChain(found, chain) === inChain(laid, chain)) &&
    jumps(plan).every((jump) => found.some(({ from, to }) => from === jump.from && to === jump.to))
  );
}

type Step = Pick<Jump, "from" | "to">;

/** Where the rules of a text lead, in their order. */
function steps(text: string): readonly Step[] {
  return [...text.matchAll(/^-A (\S+)(?: .*)? -j (\S+)/gm)].map(([, from = "", to = ""]) => ({ from, to }));
}

/** Declaring a chain that is there empties it; all of a table comes into force at once. */
function table(name: string, chains: readonly string[], rules: readonly string[]): string {
  const parts = [
    `*${name}`,
    ...chains.map((chain) => `:${chain} - [0:0]`),
    ...rules.map((rule) => `-A ${rule}`),
    "COMMIT",
  ];
  return `${parts.join("\n")}\n`;
}
