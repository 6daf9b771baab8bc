import type { GtidState } from "./facts.ts";
import type { GtidOrder } from "./gtid.ts";
import { compareMariadbGtids, parseMariadbGtids } from "./mariadb-gtid.ts";
import { compareMysqlGtids, parseMysqlGtids } from "./mysql-gtid.ts";

/**
 * How one server's transactions stand to another's; undefined where that cannot be told: no GTIDs, two flavours,
 * or a text that is no position.
 */
export function compareGtidStates(a: GtidState, b: GtidState): GtidOrder | undefined {
  if (a.executed !== undefined && b.executed !== undefined) {
    const [left, right] = [parseMysqlGtids(a.executed), parseMysqlGtids(b.executed)];
    return left.ok && right.ok ? compareMysqlGtids(left.value, right.value).overall : undefined;
  }
  if (a.currentPos === undefined || b.currentPos === undefined) return undefined;
  const [left, right] = [parseMariadbGtids(a.currentPos), parseMariadbGtids(b.currentPos)];
  return left.ok && right.ok ? compareMariadbGtids(left.value, right.value).overall : undefined;
}
