import { compareParts, type GtidComparison, type GtidOrder, type Parsed } from "./gtid.ts";

/** Both ends included. */
interface GtidInterval {
  readonly first: bigint;
  readonly last: bigint;
}

/**
 * MySQL's `gtid_executed`: the transactions of each source as ascending intervals that neither touch nor overlap.
 * The key is the source's UUID in lower case, or `uuid:tag` for tagged transactions (MySQL 8.3 and later).
 */
export type MysqlGtidSet = ReadonlyMap<string, readonly GtidInterval[]>;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TAG = /^[a-z_][a-z0-9_]{0,31}$/;
const INTERVAL = /^(\d{1,19})(?:-(\d{1,19}))?$/;
const MAX_NUMBER = 0x7fff_ffff_ffff_fffen;

/** Reads `uuid:1-5:7,uuid:tag:1`, with the line breaks that the server puts in; empty text is the empty set. */
export function parseMysqlGtids(text: string): Parsed<MysqlGtidSet> {
  const found = new Map<string, GtidInterval[]>();
  const items = text.split(",").map((item) => item.replace(/\s+/g, "").toLowerCase());
  for (const item of items) {
    if (item === "") continue;
    const problem = readSource(item, found);
    if (problem !== undefined) return { ok: false, problem };
  }
  const keys = [...found.keys()].sort();
  return { ok: true, value: new Map(keys.map((key) => [key, merged(found.get(key) ?? [])])) };
}

/** Adds one source's intervals, `uuid(:tag|:interval)+`, to `found`; answers what is wrong with it, if anything is. */
function readSource(item: string, found: Map<string, GtidInterval[]>): string | undefined {
  const [uuid = "", ...parts] = item.split(":");
  if (!UUID.test(uuid)) return `"${uuid}" is no server UUID`;
  let key = uuid;
  let isOpen = true;
  for (const part of parts) {
    const interval = parseInterval(part);
    if (interval !== undefined) {
      const intervals = found.get(key);
      if (intervals === undefined) found.set(key, [interval]);
      else intervals.push(interval);
      isOpen = false;
    } else if (TAG.test(part)) {
      key = `${uuid}:${part}`;
      isOpen = true;
    } else {
      return `"${part}" is no interval; it should look like 5 or 1-5`;
    }
  }
  return isOpen ? `"${item}" names no transaction` : undefined;
}

function parseInterval(text: string): GtidInterval | undefined {
  const match = INTERVAL.exec(text);
  if (match === null) return undefined;
  const first = BigInt(match[1] ?? "");
  const last = match[2] === undefined ? first : BigInt(match[2]);
  return first >= 1n && first <= last && last <= MAX_NUMBER ? { first, last } : undefined;
}

/** Ascending, with what touches or overlaps made one. */
function merged(intervals: readonly GtidInterval[]): readonly GtidInterval[] {
  const result: GtidInterval[] = [];
  for (const next of intervals.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))) {
    const last = result.at(-1);
    if (last === undefined || next.first > last.last + 1n) result.push(next);
    else if (next.last > last.last) result[result.length - 1] = { first: last.first, last: next.last };
  }
  return result;
}

/** As the server prints it, on one line: `uuid:1-5:7:tag:1,uuid:1`. */
export function formatMysqlGtids(set: MysqlGtidSet): string {
  const byUuid = new Map<string, string>();
  for (const [key, intervals] of set) {
    const [uuid = "", tag] = key.split(":");
    const numbers = intervals.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`));
    const part = [...(tag === undefined ? [] : [tag]), ...numbers].join(":");
    byUuid.set(uuid, `${byUuid.get(uuid) ?? uuid}:${part}`);
  }
  return [...byUuid.values()].join(",");
}

/** How `a` stands to `b`, source by source: which one holds the other's transactions. */
export function compareMysqlGtids(a: MysqlGtidSet, b: MysqlGtidSet): GtidComparison {
  const sources = [...new Set([...a.keys(), ...b.keys()])].sort();
  return compareParts(new Map(sources.map((key) => [key, orderOf(a.get(key) ?? [], b.get(key) ?? [])])));
}

function orderOf(a: readonly GtidInterval[], b: readonly GtidInterval[]): GtidOrder {
  const hasAll = contains(a, b);
  const isContained = contains(b, a);
  if (hasAll) return isContained ? "equal" : "ahead";
  return isContained ? "behind" : "diverged";
}

/** True if every interval of `inner` lies within one of `outer`; both are merged and ascending. */
function contains(outer: readonly GtidInterval[], inner: readonly GtidInterval[]): boolean {
  let at = 0;
  for (const { first, last } of inner) {
    for (let o = outer[at]; o !== undefined && o.last < first; o = outer[at]) at += 1;
    const o = outer[at];
    if (o === undefined || o.first > first || o.last < last) return false;
  }
  return true;
}
