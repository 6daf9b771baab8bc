import type { Host } from "../../test/lab/host.ts";
import type { MariaDb } from "../../test/lab/maria-db.ts";
import { type Contender, MONITOR } from "./contenders.ts";

/** What sysbench does again and again. */
export interface Load {
  readonly name: string;
  readonly threads: number;
  /** A script of sysbench's own, or a file on the host of the clients. */
  readonly script: string;
}

const ROWS = 10_000;
const WIDE_SCRIPT = "/run/wide-row.lua";
const CONNECT_SCRIPT = "/run/connect.lua";
const ASK_SCRIPT = "/run/ask.lua";

export const LOADS = {
  points8: { name: "point select, 8 threads", threads: 8, script: "oltp_point_select" },
  points64: { name: "point select, 64 threads", threads: 64, script: "oltp_point_select" },
  wide8: { name: "rows of 200 kB, 8 threads", threads: 8, script: WIDE_SCRIPT },
  writes8: { name: "oltp_read_write, 8 threads", threads: 8, script: "oltp_read_write" },
  writes64: { name: "oltp_read_write, 64 threads", threads: 64, script: "oltp_read_write" },
  ask8: { name: "connect, one query, quit, 8 threads", threads: 8, script: ASK_SCRIPT },
  connect8: { name: "connect, log in, quit, 8 threads", threads: 8, script: CONNECT_SCRIPT },
} as const satisfies Record<string, Load>;

/** Accounts, tables and scripts. */
export async function prepareLoads(clients: Host, server: MariaDb): Promise<void> {
  await server.sql(`CREATE USER sbtest@'%'; GRANT ALL ON sbtest.* TO sbtest@'%'; CREATE DATABASE sbtest;
    CREATE USER ${MONITOR.user}@'%' IDENTIFIED BY '${MONITOR.password}'; GRANT SLAVE MONITOR ON *.* TO ${MONITOR.user}@'%';
    CREATE TABLE sbtest.wide (id INT PRIMARY KEY, data LONGBLOB);
    INSERT INTO sbtest.wide VALUES (1, REPEAT('x', 200000))`);
  clients.write(
    WIDE_SCRIPT,
    `function thread_init() connection = sysbench.sql.driver():connect() end
function event() connection:query("SELECT data FROM wide WHERE id = 1") end
function thread_done() connection:disconnect() end
`,
  );
  clients.write(
    CONNECT_SCRIPT,
    `function thread_init() driver = sysbench.sql.driver() end
function event() driver:connect():disconnect() end
`,
  );
  clients.write(
    ASK_SCRIPT,
    `function thread_init() driver = sysbench.sql.driver() end
function event()
  local connection = driver:connect()
  connection:query("SELECT 1")
  connection:disconnect()
end
`,
  );
  const direct = { name: "direct", address: server.address, port: server.port, pids: [] };
  await sysbench(clients, direct, ["--threads=1", "oltp_point_select", "prepare"], 60_000);
}

/** How often it did it, and how often a second. */
export async function runLoad(
  clients: Host,
  contender: Contender,
  { threads, script }: Load,
  seconds: number,
): Promise<{ count: number; perSecond: number }> {
  const how = [`--threads=${threads}`, `--time=${seconds}`, "--db-ps-mode=disable"];
  const out = await sysbench(clients, contender, [...how, script, "run"], (seconds + 30) * 1000);
  const number = (pattern: RegExp): number => Number(pattern.exec(out)?.[1] ?? Number.NaN);
  const count = number(/total number of events: +(\d+)/);
  return { count, perSecond: count / number(/total time: +([\d.]+)s/) };
}

export async function sysbench(
  clients: Host,
  { address, port, options = [], folder = "/" }: Contender,
  more: readonly string[],
  timeoutMs: number,
): Promise<string> {
  const server = [`--mysql-host=${address}`, `--mysql-port=${port}`, "--mysql-user=sbtest"];
  const argv = [
    "env",
    "-C",
    folder,
    "sysbench",
    ...server,
    ...options,
    "--tables=1",
    `--table-size=${ROWS}`,
    ...more,
  ];
  return (await clients.run(argv, { timeoutMs })).stdout;
}
