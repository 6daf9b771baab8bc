/** How a session's settings change the meaning of a statement's bytes: the mode of classify(). */

/** sql_mode ANSI_QUOTES: "x" is a name. */
export const ANSI_QUOTES = 1 << 0;
/** sql_mode NO_BACKSLASH_ESCAPES: a backslash in a string is a backslash. */
export const NO_BACKSLASH_ESCAPES = 1 << 1;
/** sql_mode IGNORE_SPACE: COUNT (x) is the built-in function. A client may ask for it at login: CLIENT_IGNORE_SPACE. */
export const IGNORE_SPACE = 1 << 2;
/** sql_mode ORACLE: another grammar; nothing is taken for a read. */
export const ORACLE = 1 << 3;
/** A client character set in which the second byte of a character may be a backslash or a backtick. */
export const UNSAFE_CHARSET = 1 << 4;
/** The statement goes on beyond the bytes given. */
export const PARTIAL = 1 << 5;
/** The servers are MySQL, not MariaDB: whose built-in functions are known. */
export const MYSQL = 1 << 6;
/** The servers are MariaDB 11.8 or later, which has more of them. */
export const RECENT_MARIADB = 1 << 7;

const SQL_MODES: Readonly<Record<string, number>> = {
  ANSI_QUOTES,
  NO_BACKSLASH_ESCAPES,
  IGNORE_SPACE,
  ORACLE: ANSI_QUOTES | IGNORE_SPACE | ORACLE,
  // Modes that stand for several.
  ANSI: ANSI_QUOTES | IGNORE_SPACE,
  MYSQL323: 0,
  MYSQL40: 0,
  DB2: ANSI_QUOTES | IGNORE_SPACE,
  MAXDB: ANSI_QUOTES | IGNORE_SPACE,
  MSSQL: ANSI_QUOTES | IGNORE_SPACE,
  POSTGRESQL: ANSI_QUOTES | IGNORE_SPACE,
};

/** The mode bits of a value of sql_mode as the server shows it, e.g. `STRICT_TRANS_TABLES,ANSI_QUOTES`. */
export function modeOfSqlMode(value: string): number {
  let mode = 0;
  for (const name of value.split(",")) mode |= SQL_MODES[name.trim().toUpperCase()] ?? 0;
  return mode;
}

/** The mode bits of a server's version as its greeting has it: `10.11.6-MariaDB`, `5.5.5-10.6.18-MariaDB`, `8.4.2`. */
export function modeOfServer(version: string): number {
  if (!/mariadb/i.test(version)) return MYSQL;
  const [, major, minor] = /^(?:5\.5\.5-)?(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) * 100 + Number(minor) >= 1108 ? RECENT_MARIADB : 0;
}

/**
 * UNSAFE_CHARSET for a character_set_client (or a collation) whose characters may contain ASCII bytes, else 0. A name that is
 * not known is unsafe.
 */
export function modeOfCharacterSet(name: string): number {
  const characterSet = name.trim().toLowerCase().split("_", 1)[0] ?? "";
  return SAFE_CHARACTER_SETS.has(characterSet) ? 0 : UNSAFE_CHARSET;
}

// All bytes of their characters beyond ASCII are 0x80 and above. Not here: big5, cp932, gb18030, gbk, sjis; those of two and
// four bytes (ucs2, utf16, utf32) are no client character sets.
const SAFE_CHARACTER_SETS: ReadonlySet<string> = new Set(
  (
    "armscii8 ascii binary cp1250 cp1251 cp1256 cp1257 cp850 cp852 cp866 dec8 eucjpms euckr gb2312 geostd8 greek hebrew hp8 " +
    "keybcs2 koi8r koi8u latin1 latin2 latin5 latin7 macce macroman tis620 ujis utf8 utf8mb3 utf8mb4"
  ).split(" "),
);
