import { compareParts, type GtidComparison, type GtidOrder, type Parsed } from "./gtid.ts";

/** One transaction: `domain-server-sequence`, e.g. `0-1-100`. */
interface MariadbGtid {
  readonly domain: number;
  readonly server: number;
  readonly sequence: bigint;
}

/** A position: the last transaction of each replication domain, by domain, in ascending order. */
export type MariadbGtidList = ReadonlyMap<number, MariadbGtid>;

const U32_MAX = 0xffff_ffff;
const U64_MAX = 0xffff_ffff_ffff_ffffn;

/** Reads `gtid_current_pos` and its like: `0-1-100,1-2-50`, in any order; empty text is the empty position. */
export function parseMariadbGtids(text: string): Parsed<MariadbGtidList> {
  const gtids: MariadbGtid[] = [];
  const seen = new Set<number>();
  if (text.trim() !== "") {
    for (const item of text.split(",")) {
      const gtid = parseOne(item.trim());
      if (gtid === undefined) return problem(`"${item.trim()}" is no GTID; it should look like 0-1-100`);
      if (seen.has(gtid.domain)) return problem(`domain ${gtid.domain} occurs twice in "${text.trim()}"`);
      seen.add(gtid.domain);
      gtids.push(gtid);
    }
  }
  gtids.sort((a, b) => a.domain - b.domain);
  return { ok: true, value: new Map(gtids.map((gtid) => [gtid.domain, gtid])) };
}

function parseOne(text: string): MariadbGtid | undefined {
  const match = /^(\d{1,10})-(\d{1,10})-(\d{1,20})$/.exec(text);
  if (match === null) return undefined;
  const [domain, server, sequence] = [Number(match[1]), Number(match[2]), BigInt(match[3] ?? "")];
  if (domain > U32_MAX || server > U32_MAX || sequence > U64_MAX) return undefined;
  return { domain, server, sequence };
}

export function formatMariadbGtids(list: MariadbGtidList): string {
  return [...list.values()].map((gtid) => `${gtid.domain}-${gtid.server}-${gtid.sequence}`).join(",");
}

/**
 * How `a` stands to `b`. Within a domain the sequence number decides; the same number from two servers means that both
 * wrote: diverged. A list names only the last transaction, so an older divergence does not show here.
 */
export function compareMariadbGtids(a: MariadbGtidList, b: MariadbGtidList): GtidComparison {
  const domains = [...new Set([...a.keys(), ...b.keys()])].sort((x, y) => x - y);
  return compareParts(
    new Map(domains.map((domain) => [String(domain), orderOf(a.get(domain), b.get(domain))])),
  );
}

function orderOf(a: MariadbGtid | undefined, b: MariadbGtid | undefined): GtidOrder {
  if (a === undefined) return "behind";
  if (b === undefined) return "ahead";
  if (a.sequence !== b.sequence) return a.sequence > b.sequence ? "ahead" : "behind";
  return a.server === b.server ? "equal" : "diverged";
}

const problem = (words: string): Parsed<never> => ({ ok: false, problem: words });
