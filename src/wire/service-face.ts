import { CACHING_SHA2_PASSWORD } from "./auth/caching-sha2-password.ts";
import { NATIVE_PASSWORD } from "./auth/native-password.ts";
import { CLIENT, MARIADB_CLIENT, withFlags, withoutFlags } from "./capability.ts";
import type { Greeting } from "./greeting.ts";

/** What a service shows of itself in its greeting: no more than every one of its servers can do. */
export type ServiceFace = Pick<
  Greeting,
  "serverVersion" | "capabilities" | "mariadbCapabilities" | "characterSet" | "plugin"
>;

/**
 * What MariaDB since 10.2 and MySQL since 5.7 can do, and sessions here carry: no compression, no query attributes, no results without
 * their columns (they would change what every packet looks like), no progress reports.
 */
const COMMON = [
  CLIENT.LONG_PASSWORD,
  CLIENT.FOUND_ROWS,
  CLIENT.LONG_FLAG,
  CLIENT.CONNECT_WITH_DB,
  CLIENT.ODBC,
  CLIENT.LOCAL_FILES,
  CLIENT.IGNORE_SPACE,
  CLIENT.PROTOCOL_41,
  CLIENT.INTERACTIVE,
  CLIENT.IGNORE_SIGPIPE,
  CLIENT.TRANSACTIONS,
  CLIENT.RESERVED,
  CLIENT.SECURE_CONNECTION,
  CLIENT.MULTI_STATEMENTS,
  CLIENT.MULTI_RESULTS,
  CLIENT.PS_MULTI_RESULTS,
  CLIENT.PLUGIN_AUTH,
  CLIENT.CONNECT_ATTRS,
  CLIENT.PLUGIN_AUTH_LENENC_DATA,
  CLIENT.CAN_HANDLE_EXPIRED_PASSWORDS,
  CLIENT.SESSION_TRACK,
  CLIENT.DEPRECATE_EOF,
].reduce(withFlags);

/** utf8mb4_general_ci and utf8mb4_0900_ai_ci; clients choose their own at login. */
const MARIADB_COLLATION = 45;
const MYSQL_COLLATION = 255;

/** From MariaDB 10 on, without this in front replicas and connectors of old took the version for MySQL 1. Connectors take it off. */
const MARIADB_PREFIX = "5.5.5-";

/**
 * @param versions of all servers of the service, as `SELECT VERSION()` tells them; none: nothing is known yet
 * @param shown the version that clients are to be shown; undefined: that of the first server
 */
export function faceOf(versions: readonly string[], shown?: string): ServiceFace {
  const isMariadb = versions.every((version) => /mariadb/i.test(version));
  const [first = "10.11.0-MariaDB"] = versions;
  const needsPrefix = /^10\.\d+\.\d+.*mariadb/i.test(first);
  const serverVersion = shown ?? (needsPrefix ? `${MARIADB_PREFIX}${first}` : first);
  if (!isMariadb) {
    const plugin = versions.every((version) => numberOf(version) >= 8_000_000)
      ? CACHING_SHA2_PASSWORD
      : NATIVE_PASSWORD;
    return {
      serverVersion,
      capabilities: COMMON,
      mariadbCapabilities: 0,
      characterSet: MYSQL_COLLATION,
      plugin,
    };
  }
  const oldest = Math.min(Number.POSITIVE_INFINITY, ...versions.map(numberOf));
  return {
    serverVersion,
    capabilities: withoutFlags(COMMON, CLIENT.LONG_PASSWORD),
    mariadbCapabilities: mariadbCapabilities(versions.length === 0 ? 0 : oldest),
    characterSet: MARIADB_COLLATION,
    plugin: NATIVE_PASSWORD,
  };
}

function mariadbCapabilities(oldest: number): number {
  let flags = 0;
  if (oldest >= 10_002_000) flags |= MARIADB_CLIENT.STMT_BULK_OPERATIONS;
  if (oldest >= 10_005_002) flags |= MARIADB_CLIENT.EXTENDED_METADATA;
  if (oldest >= 11_005_001) flags |= MARIADB_CLIENT.BULK_UNIT_RESULTS;
  return flags;
}

/** `10.11.6-MariaDB` is 10011006. */
function numberOf(version: string): number {
  const [, major = 0, minor = 0, patch = 0] = (/(\d+)\.(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  return major * 1_000_000 + minor * 1000 + patch;
}
