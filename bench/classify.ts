// scripts/bench.sh classify [seconds]: statements classified each second on one core, for the mix that sysbench and web applications send.
import { classify } from "../src/sql/classify.ts";
import { bound, conclusion, report, section } from "./report.ts";

const SECONDS = Number(process.argv[2] ?? 2);
const AT_LEAST = 1_000_000;

/** By how often each comes; sysbench oltp_read_write's proportions for its own. */
const MIX: readonly (readonly [times: number, statement: string])[] = [
  [10, "SELECT c FROM sbtest1 WHERE id=50147"],
  [1, "SELECT c FROM sbtest1 WHERE id BETWEEN 49830 AND 49929"],
  [1, "SELECT SUM(k) FROM sbtest1 WHERE id BETWEEN 50023 AND 50122"],
  [1, "SELECT c FROM sbtest1 WHERE id BETWEEN 50013 AND 50112 ORDER BY c"],
  [1, "SELECT DISTINCT c FROM sbtest1 WHERE id BETWEEN 50254 AND 50353 ORDER BY c"],
  [1, "UPDATE sbtest1 SET k=k+1 WHERE id=50098"],
  [1, `UPDATE sbtest1 SET c='${"68487932199-".repeat(10)}' WHERE id=49845`],
  [1, "DELETE FROM sbtest1 WHERE id=50263"],
  [
    1,
    `INSERT INTO sbtest1 (id, k, c, pad) VALUES (50263, 50141, '${"18034632456-".repeat(10)}', '${"66187902-".repeat(6)}')`,
  ],
  [1, "BEGIN"],
  [1, "COMMIT"],
  [2, "SET NAMES utf8mb4"],
  [1, "SET autocommit=0"],
  [
    2,
    "SELECT `u`.`id`, `u`.`name`, `u`.`email`, COUNT(`o`.`id`) AS `orders` FROM `users` AS `u` LEFT JOIN `orders` AS `o` ON `o`.`user_id` = `u`.`id` WHERE `u`.`tenant` = 'acme' AND `u`.`deleted_at` IS NULL GROUP BY `u`.`id` ORDER BY `orders` DESC LIMIT 20",
  ],
  [1, "/* app:shop,action:index */ SELECT * FROM products WHERE id IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)"],
];

const mix = MIX.flatMap(([times, statement]) => new Array<Buffer>(times).fill(Buffer.from(statement)));
const bytes = mix.reduce((sum, statement) => sum + statement.length, 0) / mix.length;

/** Seconds of this process's own: another one on the same core does not count. */
const ownSeconds = (): number => process.cpuUsage().user / 1e6;

function perSecond(statements: readonly Buffer[], seconds: number): number {
  const from = ownSeconds();
  let count = 0;
  let kept = 0;
  for (; ownSeconds() - from < seconds; count += 100 * statements.length)
    for (let round = 0; round < 100; round++)
      for (const statement of statements) kept ^= classify(statement, 0, statement.length, 0);
  if (kept === 1) console.log(); // so that nothing is left out as useless
  return count / (ownSeconds() - from);
}

perSecond(mix, 0.5);
section(`Statements classified on one core (${bytes.toFixed(0)} bytes on average)`);
bound("the mix", perSecond(mix, SECONDS), ">=", AT_LEAST, "each second");
for (const text of ["SELECT c FROM sbtest1 WHERE id=50147", "COMMIT"])
  report(text, perSecond([Buffer.from(text)], SECONDS / 4), "each second");
const large = Buffer.from(
  `INSERT INTO t VALUES ${"(1, 'abcdefghijklmnopqrstuvwxyz'),".repeat(490_000)}(2, 'x')`,
);
report("INSERT of 16 MB", perSecond([large], SECONDS / 4), "each second");
process.exitCode = conclusion();
