/**
 * Capability flags: what both sides of a connection may use of the protocol, agreed on at login. The server offers in its
 * greeting, the client answers with what it takes; that holds for the life of the connection.
 */
export const CLIENT = Object.freeze({
  /** Of MySQL servers and clients only; where it is missing, MariaDB's extended flags are present. */
  LONG_PASSWORD: 1,
  FOUND_ROWS: 1 << 1,
  LONG_FLAG: 1 << 2,
  CONNECT_WITH_DB: 1 << 3,
  NO_SCHEMA: 1 << 4,
  COMPRESS: 1 << 5,
  ODBC: 1 << 6,
  LOCAL_FILES: 1 << 7,
  IGNORE_SPACE: 1 << 8,
  PROTOCOL_41: 1 << 9,
  INTERACTIVE: 1 << 10,
  SSL: 1 << 11,
  IGNORE_SIGPIPE: 1 << 12,
  TRANSACTIONS: 1 << 13,
  RESERVED: 1 << 14,
  SECURE_CONNECTION: 1 << 15,
  MULTI_STATEMENTS: 1 << 16,
  MULTI_RESULTS: 1 << 17,
  PS_MULTI_RESULTS: 1 << 18,
  PLUGIN_AUTH: 1 << 19,
  CONNECT_ATTRS: 1 << 20,
  PLUGIN_AUTH_LENENC_DATA: 1 << 21,
  CAN_HANDLE_EXPIRED_PASSWORDS: 1 << 22,
  SESSION_TRACK: 1 << 23,
  DEPRECATE_EOF: 1 << 24,
  OPTIONAL_RESULTSET_METADATA: 1 << 25,
  ZSTD_COMPRESSION: 1 << 26,
  QUERY_ATTRIBUTES: 1 << 27,
  MULTI_FACTOR_AUTHENTICATION: 1 << 28,
  CAPABILITY_EXTENSION: 1 << 29,
  SSL_VERIFY_SERVER_CERT: 1 << 30,
  REMEMBER_OPTIONS: 2 ** 31,
});

/** MariaDB's own, in fields of their own; only between two that both leave out CLIENT.LONG_PASSWORD. */
export const MARIADB_CLIENT = Object.freeze({
  PROGRESS: 1,
  COM_MULTI: 1 << 1,
  STMT_BULK_OPERATIONS: 1 << 2,
  EXTENDED_METADATA: 1 << 3,
  CACHE_METADATA: 1 << 4,
  BULK_UNIT_RESULTS: 1 << 5,
});

/** Flags are unsigned 32-bit numbers; JavaScript's bit operators make signed ones. */
export const withFlags = (flags: number, more: number): number => (flags | more) >>> 0;
export const withoutFlags = (flags: number, fewer: number): number => (flags & ~fewer) >>> 0;
export const commonFlags = (a: number, b: number): number => (a & b) >>> 0;
export const hasFlag = (flags: number, flag: number): boolean => (flags & flag) !== 0;
