import { expect, test } from "bun:test";
import { classify } from "./classify.ts";
import {
  ANSI_QUOTES,
  MIXED,
  MYSQL,
  modeOfServers,
  RECENT_MARIADB,
  UNSAFE_CHARSET,
  withCharacterSet,
  withServers,
  withSqlMode,
} from "./lexer-mode.ts";
import { READ, ROUTES } from "./statement-flags.ts";

test.each<[readonly string[], number]>([
  [[], MIXED],
  [["8.4.2", "9.1.0"], MYSQL],
  [["10.11.6-MariaDB", "5.5.5-10.6.18-MariaDB"], 0],
  [["11.8.2-MariaDB", "12.0.1-MariaDB"], RECENT_MARIADB],
  [["11.8.2-MariaDB", "10.11.6-MariaDB"], 0],
  [["10.11.6-MariaDB", "8.4.2"], MIXED],
  [["8.4.2", "11.8.2-MariaDB"], MIXED],
])("servers %p", (versions, mode) => {
  expect(modeOfServers(versions)).toBe(mode);
});

test("each part of a mode changes by itself", () => {
  let mode = withServers(0, MYSQL);
  mode = withSqlMode(mode, "STRICT_TRANS_TABLES,ANSI_QUOTES");
  mode = withCharacterSet(mode, "gbk");
  expect(mode).toBe(MYSQL | ANSI_QUOTES | UNSAFE_CHARSET);
  expect(withSqlMode(mode, "")).toBe(MYSQL | UNSAFE_CHARSET);
  expect(withCharacterSet(mode, "utf8mb4")).toBe(MYSQL | ANSI_QUOTES);
  expect(withServers(mode, MIXED)).toBe(MIXED | ANSI_QUOTES | UNSAFE_CHARSET);
});

test.each([
  ["SELECT BIN_TO_UUID(id) FROM t", [false, true, false]],
  ["SELECT DECODE_ORACLE(a, 1, 2) FROM t", [true, false, false]],
  ["SELECT CONCAT(a, b) FROM t", [true, true, true]],
])("%s is a read where the function is built in: MariaDB, MySQL, both", (sql, isRead) => {
  const bytes = Buffer.from(sql);
  const seen = [0, MYSQL, MIXED].map((mode) => (classify(bytes, 0, bytes.length, mode) & ROUTES) === READ);
  expect(seen).toEqual(isRead);
});
