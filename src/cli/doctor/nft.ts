import { type Finding, isOk, isSkipped, isWarning } from "./finding.ts";
import { covers, FIREWALL, letIn } from "./port-rule.ts";

interface InTable {
  readonly family: string;
  readonly table: string;
}

interface NftChain extends InTable {
  readonly name: string;
  readonly hook?: string;
  readonly policy?: string;
}

interface NftRule extends InTable {
  readonly chain: string;
  readonly expr: readonly Expression[];
}

interface NftSet extends InTable {
  readonly name: string;
  readonly elem?: readonly unknown[];
}

interface NftObject {
  readonly chain?: NftChain;
  readonly rule?: NftRule;
  readonly set?: NftSet;
}

type Expression = Readonly<Record<string, unknown>>;

/** `text`: `nft -j list ruleset`. A chain that iptables manages is left to judgeIptables. */
export function judgeNft(text: string, port: number): Finding {
  const ruleset = parseRuleset(text);
  if (ruleset === undefined) return isSkipped(FIREWALL, "what nft prints could not be read");
  const chains = ruleset.flatMap(({ chain }) =>
    chain?.hook === "input" && chain.name !== "INPUT" ? [chain] : [],
  );
  if (chains.length === 0) return isOk(FIREWALL, "nft has no rules for what comes in");
  for (const chain of chains) {
    const fault = faultOf(chain, ruleset, port);
    if (fault === undefined) continue;
    return isWarning(
      FIREWALL,
      `nft, chain ${chain.family} ${chain.table} ${chain.name}: ${fault}`,
      letIn(port),
    );
  }
  return isOk(FIREWALL, `nft does not turn port ${port} away`);
}

/** What a chain has against the port. Rules of chains that it may jump to count as its own. */
function faultOf(chain: NftChain, ruleset: readonly NftObject[], port: number): string | undefined {
  const isOwn = ({ family, table }: InTable): boolean => family === chain.family && table === chain.table;
  const rules = ruleset.flatMap(({ rule }) => (rule !== undefined && isOwn(rule) ? [rule] : []));
  const sets = new Map(
    ruleset.flatMap(({ set }) => (set !== undefined && isOwn(set) ? [[`@${set.name}`, set] as const] : [])),
  );
  const ofPort = rules.filter(({ expr }) => expr.some((part) => matchesPort(part, port, sets)));
  const first = ofPort.find(
    ({ expr }) => expr.some(isAccept) || expr.filter((part) => "match" in part).length === 1,
  );
  if (first?.expr.some(isRefusal)) return `it turns port ${port} away`;
  const dropsRest =
    chain.policy === "drop" || rules.some((rule) => rule.chain === chain.name && refusesAll(rule));
  return dropsRest && ofPort.length === 0
    ? `it drops what it has no rule for, and has none for port ${port}`
    : undefined;
}

function parseRuleset(text: string): readonly NftObject[] | undefined {
  try {
    return (JSON.parse(text) as { readonly nftables?: readonly NftObject[] }).nftables;
  } catch {
    return undefined;
  }
}

const isAccept = (part: Expression): boolean => "accept" in part;
const isRefusal = (part: Expression): boolean => "drop" in part || "reject" in part;

function refusesAll({ expr }: NftRule): boolean {
  return expr.some(isRefusal) && expr.every((part) => isRefusal(part) || "counter" in part || "log" in part);
}

function matchesPort({ match }: Expression, port: number, sets: ReadonlyMap<string, NftSet>): boolean {
  const { left, right } = (match ?? {}) as {
    readonly left?: { readonly payload?: { readonly field?: unknown } };
    readonly right?: unknown;
  };
  return left?.payload?.field === "dport" && holdsPort(right, port, sets);
}

/** A number, a range, a set with both in it, or the name of one. */
function holdsPort(value: unknown, port: number, sets: ReadonlyMap<string, NftSet>): boolean {
  if (typeof value === "number") return value === port;
  if (typeof value === "string") return holdsPort({ set: sets.get(value)?.elem ?? [] }, port, sets);
  const { set, range, elem } = (value ?? {}) as Expression;
  if (Array.isArray(range)) return covers(range, port);
  if (Array.isArray(set)) return set.some((element) => holdsPort(element, port, sets));
  return elem !== undefined && holdsPort((elem as { readonly val?: unknown }).val, port, sets);
}
