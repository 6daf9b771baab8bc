import fc from "fast-check";

/**
 * Statements that a MariaDB server accepts, most of them: what reads, what locks, writes or changes the session, and what looks
 * like the one and is the other. They are about the objects of GRAMMAR_SCHEMA.
 */
export const GRAMMAR_SCHEMA: readonly string[] = [
  "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, a INT, b VARCHAR(20), c TEXT, `into` INT, KEY (a)) ENGINE=InnoDB",
  "INSERT INTO t (a, b, c, `into`) VALUES (1, 'x', '[1]', 1), (2, 'y', '[2]', 2)",
  "CREATE SEQUENCE s",
  "CREATE TABLE d (id INT PRIMARY KEY DEFAULT NEXTVAL(s), a INT, b VARCHAR(20), c TEXT, `into` INT)",
  "INSERT INTO d (a) VALUES (1)",
  "CREATE FUNCTION sets() RETURNS INT BEGIN SET @hit = 1; RETURN 1; END",
  "CREATE FUNCTION writes(x INT) RETURNS INT BEGIN INSERT INTO t (a) VALUES (x); RETURN 1; END",
  // Their names are built-in functions; with a blank before the parenthesis, or qualified, they are these.
  "CREATE FUNCTION `count` (x INT) RETURNS INT BEGIN SET @hit = 1; RETURN 1; END",
  "CREATE FUNCTION `max` (x INT) RETURNS INT BEGIN SET @hit = 1; RETURN 1; END",
  "CREATE FUNCTION `abs` (x INT) RETURNS INT BEGIN SET @hit = 1; RETURN 1; END",
  "CREATE FUNCTION `columns` (x INT) RETURNS INT BEGIN SET @hit = 1; RETURN 1; END",
  "CREATE FUNCTION `json_table` (x INT) RETURNS INT BEGIN SET @hit = 1; RETURN 1; END",
  "CREATE FUNCTION `of` (x INT) RETURNS INT BEGIN SET @hit = 1; RETURN 1; END",
  "CREATE PROCEDURE p() BEGIN SET @hit = 1; SET time_zone = '+01:00'; END",
];

type Tokens = readonly string[];
const words = (text: string): Tokens => text.split(" ");
const just = (...texts: readonly string[]): fc.Arbitrary<Tokens> => fc.constantFrom(...texts.map(words));
const both = (...parts: readonly fc.Arbitrary<Tokens>[]): fc.Arbitrary<Tokens> =>
  fc.tuple(...parts).map((tokens) => tokens.flat());
const maybe = (part: fc.Arbitrary<Tokens>, weight = 1): fc.Arbitrary<Tokens> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant<Tokens>([]) }, { weight, arbitrary: part });
const list = (part: fc.Arbitrary<Tokens>, most = 3): fc.Arbitrary<Tokens> =>
  fc
    .array(part, { minLength: 1, maxLength: most })
    .map((parts) => parts.flatMap((each, i) => (i === 0 ? each : [",", ...each])));

const literal = just(
  "1", "0", "1.5", "1.", ".5", "1e5", "0x41", "0b01", "NULL", "TRUE", "'x'", "'it''s'", "'a\\'b'", "'\\\\'", '"q"', '"say \\"hi\\""',
  "'INTO'", "'*/'", "'/*'", "'--'", "x'41'", "_utf8mb4'x'", "N'x'", "DATE '2024-01-01'", "''", '""',
); // biome-ignore format: a list
const column = just("a", "b", "`b`", "`into`", "id", "c", "a", "`a`");
const pure = just(
  "COUNT( * )", "MAX( a )", "SUM( DISTINCT a )", "CONCAT( 'a' , \"b\" )", "CONCAT ( b , c )", "IF( a , 1 , 2 )", "NOW()", "RAND()", "UUID()",
  "REPLACE( b , 'x' , 'y' )", "INSERT( b , 1 , 1 , 'z' )", "LEFT( b , 1 )", "CAST( a AS CHAR( 10 ) )", "TRIM( LEADING 'x' FROM b )",
  "SUBSTRING( b FROM 1 FOR 1 )", "COALESCE( a , b )", "JSON_EXTRACT( c , '$[0]' )", "DATE_ADD( NOW() , INTERVAL ( 1 ) DAY )", "VERSION()",
  "DATABASE()", "USER()", "CURRENT_USER", "ROW_NUMBER() OVER ( ORDER BY a )", "GROUP_CONCAT( b SEPARATOR ',' )", "abs( - 1 )", "ABS ( 2 )",
  "MD5( 'x' )", "@@server_id", "@@session.sql_mode", "@@global.max_connections", "@v", "@`v`", "CONVERT( b USING utf8mb4 )", "NVL( a , 1 )",
); // biome-ignore format: a list
const effective = just(
  "sets()", "sets ()", "shop.sets()", "shop . sets ()", "`sets`()", "writes( 1 )", "`shop`.`writes`( 1 )", "count ( 1 )", "count/**/( 1 )", "count /* x */ ( 1 )", "max ( 1 )", "shop.abs( 1 )",
  "`count`( 1 )", "columns( 1 )", "json_table( 1 )", "of( 1 )", "NEXTVAL( s )", "SETVAL( s , 100 )", "NEXT VALUE FOR s", "GET_LOCK( 'l' , 0 )",
  "LAST_INSERT_ID( 7 )", "LAST_INSERT_ID()", "@v := 1", "@`v` := 2", "( @w := a )", "@w:=@w+1", "UUID_SHORT()", "RELEASE_ALL_LOCKS()",
); // biome-ignore format: a list
const sources = just(
  "t", "t AS x", "shop.t", "`t`", "t USE INDEX ( a )", "t JOIN ( SELECT 1 AS n ) y ON ( n = 1 )", "( SELECT 1 AS a , 2 AS b , 3 AS id , 4 AS c , 5 AS `into` ) x", "t , ( SELECT 3 ) y",
  "t , JSON_TABLE( '[1,2]' , '$[*]' COLUMNS ( j INT PATH '$' ) ) AS x", "d",
); // biome-ignore format: a list
const lock = just("FOR UPDATE", "LOCK IN SHARE MODE", "FOR UPDATE NOWAIT", "FOR UPDATE SKIP LOCKED");
const into = just(
  "INTO @v",
  "INTO @v , @w",
  "INTO OUTFILE '/nowhere/x'",
  "INTO DUMPFILE '/nowhere/x'",
  "INTO@v",
);

const { query } = fc.letrec<{ expression: Tokens; query: Tokens; select: Tokens }>((tie) => {
  const expression = fc.oneof(
    { depthSize: "small" },
    { weight: 5, arbitrary: column },
    { weight: 4, arbitrary: literal },
    { weight: 4, arbitrary: pure },
    { weight: 1, arbitrary: effective },
    {
      weight: 1,
      arbitrary: both(
        tie("expression"),
        just("+", "=", "AND", "OR", "-", "<=>", "||", "LIKE", "DIV", "XOR"),
        tie("expression"),
      ),
    },
    { weight: 1, arbitrary: both(just("("), tie("select"), just("LIMIT 1 )")) },
    { weight: 1, arbitrary: both(just("( "), tie("expression"), just(")")) },
    {
      weight: 1,
      arbitrary: both(just("CASE WHEN"), tie("expression"), just("THEN"), tie("expression"), just("END")),
    },
    { weight: 1, arbitrary: both(just("EXISTS ("), tie("select"), just(")")) },
    { weight: 1, arbitrary: both(just("a IN ("), list(tie("expression")), just(")")) },
  );
  const select = both(
    just(
      "SELECT",
      "SELECT",
      "SELECT DISTINCT",
      "SELECT SQL_NO_CACHE",
      "SELECT ALL",
      "SELECT SQL_CALC_FOUND_ROWS",
    ),
    list(both(tie("expression"), maybe(just("AS n", "n", "`into`", "AS 'n'")))),
    maybe(into, 1).chain((target) => fc.integer({ min: 0, max: 30 }).map((n) => (n === 0 ? target : []))),
    fc.oneof(
      { weight: 1, arbitrary: fc.constant<Tokens>([]) },
      { weight: 4, arbitrary: both(just("FROM"), sources, maybe(both(just("WHERE"), tie("expression")))) },
    ),
    maybe(just("ORDER BY 1", "LIMIT 1", "GROUP BY 1", "ORDER BY 1 LIMIT 2 OFFSET 0")),
  );
  const query = both(
    maybe(
      just(
        "WITH c AS ( SELECT 1 AS a )",
        "WITH c ( a ) AS ( SELECT 2 )",
        "WITH RECURSIVE c ( a , b ) AS ( SELECT 1 , sets() )",
      ),
    ),
    fc.oneof(
      { weight: 6, arbitrary: tie("select") },
      {
        weight: 1,
        arbitrary: both(
          just("("),
          just("SELECT"),
          tie("expression"),
          just("FROM t ) UNION ( SELECT"),
          tie("expression"),
          just("FROM d )"),
        ),
      },
      { weight: 1, arbitrary: both(just("("), tie("select"), just(")")) },
      { weight: 1, arbitrary: both(just("VALUES ("), list(tie("expression")), just(")")) },
    ),
    fc.oneof(
      { weight: 12, arbitrary: fc.constant<Tokens>([]) },
      { weight: 1, arbitrary: lock },
      { weight: 1, arbitrary: into },
    ),
  );
  return {
    expression: expression as fc.Arbitrary<Tokens>,
    query: query as fc.Arbitrary<Tokens>,
    select: select as fc.Arbitrary<Tokens>,
  };
});

const value = fc.oneof(
  { weight: 3, arbitrary: literal },
  { weight: 2, arbitrary: pure },
  { weight: 1, arbitrary: effective },
);
const assignment = fc.oneof(
  both(just("@v =", "@w :=", "@`v` ="), value),
  just(
    "time_zone = '+02:00'",
    "SESSION time_zone = DEFAULT",
    "sql_mode = ''",
    "@@session.sql_mode = 'ANSI_QUOTES'",
    "autocommit = 0",
    "autocommit = ON",
    "NAMES utf8mb4",
    "@@sql_select_limit = 5",
    "SESSION TRANSACTION READ ONLY",
  ),
  both(just("max_statement_time =", "@@session.lock_wait_timeout ="), value),
);

const other = just(
  "SHOW TABLES", "SHOW FULL COLUMNS FROM t", "SHOW VARIABLES LIKE 'a%'", "SHOW STATUS", "SHOW CREATE TABLE t", "SHOW WARNINGS", "SHOW COUNT(*) WARNINGS",
  "SHOW GRANTS", "SHOW INDEX FROM t", "SHOW TABLES WHERE sets()", "SHOW COLUMNS FROM t WHERE NEXTVAL( s )", "SHOW PROCESSLIST", "SHOW MASTER STATUS", "DESC t", "EXPLAIN t a",
  "EXPLAIN SELECT sets()", "EXPLAIN EXTENDED SELECT * FROM t WHERE a = 1", "EXPLAIN UPDATE t SET a = 1", "ANALYZE SELECT * FROM t", "ANALYZE FORMAT=JSON SELECT sets()",
  "ANALYZE UPDATE t SET a = 1", "ANALYZE TABLE t", "HELP 'select'", "USE shop", "USE mysql", "DO sets()", "DO 1", "CALL p()", "CALL p", "INSERT INTO t ( a ) VALUES ( 1 )", "INSERT INTO t SET a = 1 RETURNING id",
  "UPDATE t SET a = a + 1", "DELETE FROM t WHERE id = 1000", "DELETE FROM t WHERE id = 5 RETURNING a", "REPLACE INTO t ( id , a ) VALUES ( 1 , 1 )", "CREATE TEMPORARY TABLE tmp ( a INT )",
  "CREATE OR REPLACE TEMPORARY TABLE tmp AS SELECT 1", "HANDLER t OPEN", "PREPARE x FROM 'SELECT 1'", "PREPARE x FROM CONCAT( 'SELECT ' , sets() )", "EXECUTE IMMEDIATE 'SELECT sets()'", "BEGIN", "START TRANSACTION", "START TRANSACTION READ ONLY",
  "START TRANSACTION WITH CONSISTENT SNAPSHOT", "SAVEPOINT x", "LOCK TABLES t READ", "XA START 'x'", "BEGIN NOT ATOMIC SET @v = 1 ; END", "IF 1 THEN SET @v = 1 ; END IF", "SET STATEMENT max_statement_time = 5 FOR SELECT 1",
  "SET STATEMENT max_statement_time = 5 FOR SELECT sets()", "SET STATEMENT max_statement_time = sets() FOR SELECT 1", "SET TRANSACTION READ ONLY", "GET DIAGNOSTICS @v = NUMBER", "CHECKSUM TABLE t", "TABLE t", "SELECT FOUND_ROWS()", "SELECT ROW_COUNT()",
  "SELECT DEFAULT( id ) FROM d", "SELECT id FROM d WHERE a = DEFAULT( id )", "", ";", "COMMIT", "ROLLBACK",
); // biome-ignore format: a list

/** What stands between two words. */
const gap = fc.oneof(
  { weight: 12, arbitrary: fc.constant(" ") },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "\n",
      "\t",
      "\r\n",
      "  ",
      "/**/",
      "/* it's */",
      " # x'\n",
      ' -- y"\n',
      " --\n",
      "/* ; */",
      "\f",
      "\v",
    ),
  },
);
/** A part of the statement within a comment that all, some or no servers execute. */
const wrapping = fc.constantFrom(
  "/*! ",
  "/*!40000 ",
  "/*!50001 ",
  "/*!50700 ",
  "/*!80000 ",
  "/*!99999 ",
  "/*M! ",
  "/*M!100000 ",
  "/*M!120000 ",
  "/*!100100 ",
  "/*!",
);

/** A statement's text: its tokens, in any case, with anything between them, and at times a part in an executable comment. */
export const statement: fc.Arbitrary<string> = fc
  .oneof(
    { weight: 12, arbitrary: query },
    {
      weight: 2,
      arbitrary: both(just("EXPLAIN", "ANALYZE", "SET STATEMENT max_statement_time = 5 FOR"), query),
    },
    { weight: 4, arbitrary: both(just("SET"), list(assignment)) },
    { weight: 5, arbitrary: other },
    { weight: 1, arbitrary: both(query, just(";"), fc.oneof(query, other)) },
  )
  .chain((tokens) =>
    fc
      .tuple(
        fc.array(gap, { minLength: 1, maxLength: 8 }),
        fc.oneof(
          { weight: 3, arbitrary: fc.constant(undefined) },
          { weight: 1, arbitrary: fc.tuple(wrapping, fc.nat(), fc.nat(8)) },
        ),
        fc.constantFrom("as is", "lower", "as is"),
      )
      .map(([gaps, wrapped, letters]) => {
        const parts = [...tokens];
        if (wrapped !== undefined && parts.length > 0) {
          const [open, place, length] = wrapped;
          const from = place % parts.length;
          const to = Math.min(parts.length, from + 1 + length);
          parts.splice(from, to - from, `${open}${parts.slice(from, to).join(" ")} */`);
        }
        const text = parts
          .map((part, i) => (i === 0 ? part : (gaps[i % gaps.length] ?? " ") + part))
          .join("");
        return letters === "lower" ? text.toLowerCase() : text;
      }),
  );
