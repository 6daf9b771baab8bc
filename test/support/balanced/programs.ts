import { beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../../eventually.ts";
import { HaProxy } from "../../lab/ha-proxy.ts";
import type { RunResult } from "../../lab/run.ts";
import { type BalancedAddress, mysql } from "./balanced-address.ts";

const THREADS = 6;
const ROWS = 1000;

export function programsPass(at: () => BalancedAddress): void {
  describe("sysbench", () => {
    beforeAll(async () => {
      const { servers } = at();
      // Whichever server it meets must have followed.
      const onAll = async (query: string, count: number): Promise<void> => {
        for (const server of servers)
          await eventually(async () => (await server.sql<{ count: number }>(query))[0]?.count === count, {
            what: `${count} on ${server.host.name}: ${query}`,
          });
      };
      const count = (what: string, condition: string): string =>
        `SELECT COUNT(*) AS count FROM ${what} WHERE ${condition}`;
      const isThere = count("information_schema.schemata", "schema_name = 'sbtest'");
      await servers[0]?.sql("DROP DATABASE IF EXISTS sbtest");
      await onAll(isThere, 0);
      await servers[0]?.sql("CREATE DATABASE sbtest");
      await onAll(isThere, 1);
      await sysbench(at(), "prepare");
      await onAll(count("sbtest.sbtest1", "TRUE"), ROWS);
      // It comes last.
      await onAll(
        count("information_schema.statistics", "table_schema = 'sbtest' AND index_name = 'k_1'"),
        1,
      );
    }, 60_000);

    test.each([
      ["prepared", "auto"],
      ["not prepared", "disable"],
    ])("oltp_read_write, statements %s", async (_, mode) => {
      const counts = async (): Promise<readonly number[]> =>
        await Promise.all(at().servers.map(async (server) => Number(await server.status("Com_update"))));
      const before = await counts();
      const { stdout } = await sysbench(at(), "run", `--db-ps-mode=${mode}`, "--time=2");
      expect(stdout).toMatch(/transactions: +[1-9]/);
      expect(stdout).toMatch(/reconnects: +0 /);
      // Every server did some of it.
      const after = await counts();
      for (const [i, count] of after.entries()) expect(count).toBeGreaterThan(before[i] ?? 0);
    });
  });

  describe("mysql, the command line", () => {
    test("in plain text", async () => {
      const { stdout } = await mysql(at(), "SELECT 6 * 7, CURRENT_USER()");
      expect(stdout).toBe("42\tapp@%\n");
    });

    test("with TLS that ends at the server: its certificate is checked", async () => {
      const { stdout } = await mysql(
        at(),
        "SHOW STATUS LIKE 'Ssl_version'",
        `--ssl-ca=${at().authority}`,
        "--ssl-verify-server-cert",
      );
      expect(stdout).toMatch(/^Ssl_version\tTLSv1\.[23]\n$/);
    });

    test("compressed", async () => {
      const { stdout } = await mysql(
        at(),
        "SHOW STATUS LIKE 'Compression'; SELECT LENGTH(REPEAT('sluice', 1000000)), REPEAT('x', 1000000)",
        "--compress",
      );
      expect(stdout.slice(0, 40)).toStartWith("Compression\tON\n6000000\txxxx");
      expect(stdout).toHaveLength("Compression\tON\n6000000\t".length + 1_000_000 + 1);
    });

    test("LOAD DATA LOCAL", async () => {
      const lines = Array.from({ length: 50_000 }, (_, i) => `${i}\trow ${i} of the client's own file\n`);
      at().client.write("/run/rows.tsv", lines.join(""));
      const { stdout } = await mysql(
        at(),
        `CREATE OR REPLACE TABLE loaded (id INT PRIMARY KEY, t TEXT);
         LOAD DATA LOCAL INFILE '/run/rows.tsv' INTO TABLE loaded;
         SELECT COUNT(*), SUM(id), SUM(LENGTH(t)) FROM loaded`,
        "--local-infile=1",
      );
      const letters = lines.reduce((sum, line) => sum + (line.split("\t")[1]?.trim().length ?? 0), 0);
      expect(stdout).toBe(`50000\t${(50_000 * 49_999) / 2}\t${letters}\n`);
    });
  });

  test("HAProxy in front: mysql-check, post-41 and pre-41, is up while a server is, down when none is", async () => {
    const { client, address, port } = at();
    const backend = (name: string, how: string): string =>
      `backend ${name}\n mode tcp\n option mysql-check user haproxy ${how}\n server s ${address}:${port} check inter 200ms fall 1 rise 1\n`;
    const front = await HaProxy.start(client, `${backend("new", "post-41")}${backend("old", "pre-41")}`);
    const says = async (status: string): Promise<void> => {
      for (const name of ["new", "old"])
        await eventually(async () => (await front.statsOf(name, "s"))["status"] === status, {
          within: 20_000,
          what: `${name} ${status}`,
        });
    };
    try {
      await says("UP");
      await at().setServers("out");
      await says("DOWN");
      await at().setServers("in");
      await says("UP");
    } finally {
      await front.stop();
    }
  }, 60_000);
}

/** A node of a cluster may undo a transaction that met another node's: that is the application's to repeat. */
const CONFLICTS = "--mysql-ignore-errors=1213,1205,1020";

async function sysbench(
  { client, address, port }: BalancedAddress,
  command: string,
  ...more: readonly string[]
): Promise<RunResult> {
  const server = [`--mysql-host=${address}`, `--mysql-port=${port}`, "--mysql-user=sbtest", CONFLICTS];
  const size = ["--tables=1", `--table-size=${ROWS}`, `--threads=${THREADS}`];
  return await client.run(["sysbench", "oltp_read_write", ...server, ...size, ...more, command], {
    timeoutMs: 50_000,
  });
}
