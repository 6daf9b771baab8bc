/**
 * What the two dialects of GTID share: how one position stands to another.
 * MariaDB's lists are in mariadb-gtid.ts, MySQL's sets in mysql-gtid.ts.
 */

/** `ahead`: the first has all of the second and more; `diverged`: each has what the other lacks. */
export type GtidOrder = "equal" | "ahead" | "behind" | "diverged";

export interface GtidComparison {
  readonly overall: GtidOrder;
  /** Per replication domain (MariaDB) or source UUID (MySQL), in text form, for those that occur in either position. */
  readonly parts: ReadonlyMap<string, GtidOrder>;
}

/** The outcome of reading a text that came from outside: bad text is expected, so it is a value and no exception. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string };

/** The order of the whole from the order of its parts: ahead in one and behind in another is diverged. */
export function compareParts(parts: ReadonlyMap<string, GtidOrder>): GtidComparison {
  let overall: GtidOrder = "equal";
  for (const order of parts.values()) {
    if (order === "equal" || order === overall) continue;
    overall = overall === "equal" ? order : "diverged";
  }
  return { overall, parts };
}
