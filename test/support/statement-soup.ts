import fc from "fast-check";

/** Words of every kind that the classification knows, and some that it does not. */
const WORDS = (
  "SELECT FROM WHERE t a b AND OR IN AS WITH RECURSIVE c UNION ALL DISTINCT LIMIT VALUES TABLE SHOW TABLES WARNINGS EXPLAIN ANALYZE " +
  "DESC SET SESSION GLOBAL NAMES utf8 autocommit ON OFF sql_mode TRANSACTION READ ONLY USE PREPARE s EXECUTE DEALLOCATE BEGIN " +
  "START COMMIT ROLLBACK CHAIN XA INSERT REPLACE UPDATE DELETE CREATE TEMPORARY DROP CALL DO HANDLER OPEN LOCK KILL LOAD LOCAL " +
  "INFILE FOR SHARE INTO OUTFILE STATEMENT NEXT VALUE COLUMNS JSON_TABLE PROCEDURE ANALYSE NOT ATOMIC IF NULL"
).split(" ");
const CALLS =
  "COUNT( MAX( ABS( NOW( f( GET_LOCK( LAST_INSERT_ID( FOUND_ROWS( NEXTVAL( REPLACE( INSERT( db.f( `f`(".split(
    " ",
  );
const MARKS = [..."(),;=.*+-?", ":=", "<=>", "||", "->"];
const QUOTED = [
  "'x'",
  "'it''s'",
  "'a\\'b'",
  "'INTO OUTFILE'",
  '"y"',
  '"FOR UPDATE"',
  "`n`",
  "`a``b`",
  "''",
  "'; DROP TABLE t'",
];
const VALUES = [
  "1",
  "0",
  "1.5",
  "1e5",
  ".5",
  "0x41",
  "@a",
  "@`b`",
  "@@x",
  "@@session.sql_mode",
  "@@last_insert_id",
  "NULL",
];
const COMMENTS = [
  "/* c */",
  "/*! 1 */",
  "/*!40000 SQL_NO_CACHE */",
  "/*!99999 x */",
  "/*+ h */",
  "/* maxscale route to master */",
];

/** Tokens in any order, some of them sense. Joined by blanks they are lexed one by one. */
export const soup: fc.Arbitrary<readonly string[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...WORDS) },
    { weight: 2, arbitrary: fc.constantFrom(...CALLS) },
    { weight: 4, arbitrary: fc.constantFrom(...MARKS) },
    { weight: 2, arbitrary: fc.constantFrom(...QUOTED) },
    { weight: 3, arbitrary: fc.constantFrom(...VALUES) },
    { weight: 1, arbitrary: fc.constantFrom(...COMMENTS) },
  ),
  { maxLength: 14 },
);

const operand: fc.Arbitrary<string> = fc.constantFrom(
  "a",
  "t.b",
  "1",
  "'x'",
  "@a",
  "@@server_id",
  "MAX(a)",
  "COUNT(*)",
  "(SELECT 1)",
  "NOW()",
  "`c`",
  "CONCAT('a', \"b\")",
  "f(1)",
  "FOUND_ROWS()",
);
/** Queries that mean something, most of them reads. */
export const query: fc.Arbitrary<readonly string[]> = fc
  .tuple(
    fc.constantFrom(
      ["SELECT"],
      ["SELECT", "DISTINCT"],
      ["EXPLAIN", "SELECT"],
      ["WITH", "c", "AS", "(", "SELECT", "1", ")", "SELECT"],
      ["(", "SELECT"],
    ),
    fc.array(operand, { minLength: 1, maxLength: 3 }),
    fc.constantFrom(
      [],
      ["FROM", "t"],
      ["FROM", "t", "JOIN", "u", "USING", "(", "id", ")"],
      ["FROM", "db.t", "AS", "x"],
    ),
    fc.constantFrom(
      [],
      ["WHERE", "a", "=", "1"],
      ["WHERE", "a", "IN", "(", "1", ",", "2", ")"],
      ["LIMIT", "5"],
    ),
  )
  .map(([verb, columns, from, where]) => [
    ...verb,
    ...columns.flatMap((column, i) => (i === 0 ? [column] : [",", column])),
    ...from,
    ...where,
    ...(verb[0] === "(" ? [")"] : []),
  ]);

/** Bytes that a lexer may stumble over. */
export const rubbish: fc.Arbitrary<Buffer> = fc
  .array(
    fc.oneof(
      fc.constantFrom(..."'\"`\\/*!+#-@:;.(),= \n\t\0"),
      fc.constantFrom(
        "/*",
        "*/",
        "/*!",
        "/*!50000",
        "/*!99999",
        "/*M!",
        "--",
        "-- ",
        "@@",
        ":=",
        "0x",
        "1e",
        "SELECT ",
        "INTO ",
      ),
      fc.constantFrom("é", "日", "\u00a0"),
      fc.string({ maxLength: 3 }),
    ),
    { maxLength: 30 },
  )
  .chain((parts) =>
    fc.uint8Array({ maxLength: 4 }).map((tail) => Buffer.concat([Buffer.from(parts.join("")), tail])),
  );
