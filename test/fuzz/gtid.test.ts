import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { GtidOrder } from "../../src/topology/gtid.ts";
import {
  compareMariadbGtids,
  formatMariadbGtids,
  type MariadbGtidList,
  parseMariadbGtids,
} from "../../src/topology/mariadb-gtid.ts";
import {
  compareMysqlGtids,
  formatMysqlGtids,
  type MysqlGtidSet,
  parseMysqlGtids,
} from "../../src/topology/mysql-gtid.ts";

const OPPOSITE: Record<GtidOrder, GtidOrder> = {
  equal: "equal",
  ahead: "behind",
  behind: "ahead",
  diverged: "diverged",
};

const u32 = fc.oneof(fc.nat(3), fc.integer({ min: 0, max: 0xffff_ffff }));
const sequence = fc.oneof(
  fc.bigInt({ min: 0n, max: 9n }),
  fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }),
);
const mariadbList: fc.Arbitrary<MariadbGtidList> = fc
  .uniqueArray(fc.record({ domain: u32, server: u32, sequence }), { selector: (gtid) => gtid.domain })
  .map((gtids) => new Map(gtids.sort((a, b) => a.domain - b.domain).map((gtid) => [gtid.domain, gtid])));

/** A set as the numbers in it, so that the intervals can be checked against plain set arithmetic. */
const numbers = fc.dictionary(
  fc.constantFrom("a", "b").map((digit) => `${digit.repeat(8)}-${"0000-".repeat(3)}${digit.repeat(12)}`),
  fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1 }),
);
type Numbers = Record<string, number[]>;
const textOf = (sets: Numbers) =>
  Object.entries(sets)
    .map(([uuid, members]) => `${uuid}:${members.join(":")}`)
    .join(",");
function readMysql(text: string): MysqlGtidSet {
  const parsed = parseMysqlGtids(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.value;
}
function isSubset(inner: Numbers, outer: Numbers): boolean {
  return Object.entries(inner).every(([uuid, members]) => members.every((n) => outer[uuid]?.includes(n)));
}

describe("GTIDs, whatever the text", () => {
  test("no text throws", () => {
    const looksLike = fc.stringMatching(/^[0-9a-f:,\- \n]{0,60}$/);
    fc.assert(
      fc.property(fc.oneof(fc.string(), looksLike), (text) => {
        parseMariadbGtids(text);
        parseMysqlGtids(text);
      }),
    );
  });

  test("a MariaDB list survives printing and reading", () => {
    fc.assert(
      fc.property(mariadbList, (list) => {
        expect(parseMariadbGtids(formatMariadbGtids(list))).toEqual({ ok: true, value: list });
      }),
    );
  });

  test("MariaDB lists compare the same from either side, and as equal to themselves", () => {
    fc.assert(
      fc.property(mariadbList, mariadbList, (a, b) => {
        expect(compareMariadbGtids(a, a).overall).toBe("equal");
        expect(compareMariadbGtids(b, a).overall).toBe(OPPOSITE[compareMariadbGtids(a, b).overall]);
      }),
    );
  });

  test("a MySQL set survives printing and reading", () => {
    fc.assert(
      fc.property(numbers, (sets) => {
        const set = readMysql(textOf(sets));
        expect(readMysql(formatMysqlGtids(set))).toEqual(set);
      }),
    );
  });

  test("MySQL sets compare as sets of numbers do", () => {
    fc.assert(
      fc.property(numbers, numbers, (a, b) => {
        const { overall } = compareMysqlGtids(readMysql(textOf(a)), readMysql(textOf(b)));
        const [aHasB, bHasA] = [isSubset(b, a), isSubset(a, b)];
        const expected = aHasB ? (bHasA ? "equal" : "ahead") : bHasA ? "behind" : "diverged";
        expect(overall).toBe(expected);
      }),
    );
  });
});
