/**
 * test/support/balanced/: what real clients do with several servers behind one address, as tests that any balancer has to pass.
 *
 *   balancedClientsPass(at) ─┬─ programs: sysbench, mysql, HAProxy's mysql-check
 *                            ├─ drivers: mariadb, mysql2
 *                            └─ protocol: large packets, compression, files, change of user, KILL QUERY, a result of 1 GB
 */
import { readFileSync } from "node:fs";
import { type Connection, type ConnectionConfig, createConnection } from "mariadb";
import type { Host } from "../../lab/host.ts";
import type { MariaDb } from "../../lab/maria-db.ts";
import type { RunResult } from "../../lab/run.ts";

/** An address with servers behind it, and who asks them. */
export interface BalancedAddress {
  /** Where the programs run that are clients. */
  readonly client: Host;
  /** As the client and the test know it; the servers' certificate is for this name and this address. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** They hold the same data: what is written to one is soon found on all. */
  readonly servers: readonly MariaDb[];
  /** PEM file of whoever signed their certificate. */
  readonly authority: string;
  /** Takes all servers out of use, or lets them all back in; resolves when that has been told. */
  setServers(state: "out" | "in"): Promise<void>;
  /** Memory of the processes that carry the bytes, MB; undefined where none does. */
  residentMb?(): number;
}

export const PASSWORD = "Not in argv 1!";
export const DATABASE = "app";
/** What the large packets need of the servers. */
export const MAX_PACKET_BYTES = 256 << 20;

/** Accounts and an empty database; on one of the servers. */
export const ACCOUNTS = `
  CREATE USER app@'%' IDENTIFIED BY '${PASSWORD}'; GRANT ALL ON *.* TO app@'%';
  CREATE USER other@'%' IDENTIFIED BY '${PASSWORD}'; GRANT SELECT ON ${DATABASE}.* TO other@'%';
  CREATE USER sbtest@'%'; GRANT ALL ON sbtest.* TO sbtest@'%';
  CREATE USER haproxy@'%';
  CREATE DATABASE ${DATABASE}`;

/** A connection of the mariadb driver; the caller ends it. */
export async function connectTo(at: BalancedAddress, more: ConnectionConfig = {}): Promise<Connection> {
  const { address: host, port } = at;
  const account = { host, port, user: "app", password: PASSWORD, database: DATABASE };
  const connection = await createConnection({ ...account, connectTimeout: 10_000, ...more });
  connection.on("error", () => {}); // the next statement fails, too
  return connection;
}

/** Options of a driver for TLS with the server's identity checked. */
export const verified = ({ authority }: BalancedAddress): { ca: string; rejectUnauthorized: boolean } => ({
  ca: readFileSync(authority, "utf8"),
  rejectUnauthorized: true,
});

/** The command-line client with statements on its standard input; it prints bare columns. */
export async function mysql(
  at: BalancedAddress,
  statements: string,
  ...options: readonly string[]
): Promise<RunResult> {
  return await at.client.run(
    ["mysql", `--host=${at.name}`, `--port=${at.port}`, "--user=app", "-N", "-B", ...options, DATABASE],
    { env: { MYSQL_PWD: PASSWORD }, stdin: statements, timeoutMs: 30_000 },
  );
}
