import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type { Connection } from "mariadb";
import { eventually } from "../../eventually.ts";
import { hostOf } from "../host-of.ts";
import {
  type BalancedAddress,
  connectTo,
  DATABASE,
  MAX_PACKET_BYTES,
  PASSWORD,
  verified,
} from "./balanced-address.ts";

const LARGE_BYTES = 64 << 20;
const ROWS_OF_A_GIGABYTE = 1024;
/** A row is an MD5 in hexadecimal so often: 1 MiB. */
const REPEATED = 32_768;
/** Far less than what passes through. */
const MAX_GROWTH_MB = 150;

export function protocolPasses(at: () => BalancedAddress): void {
  describe("packets of 64 MB, both ways", () => {
    test.each([
      ["plain", () => ({})],
      ["compressed", () => ({ compress: true })],
      ["under TLS", () => ({ ssl: verified(at()) })],
    ])(
      "%s",
      async (_, more) => {
        const connection = await connectTo(at(), { maxAllowedPacket: MAX_PACKET_BYTES, ...more() });
        const sent = Buffer.alloc(LARGE_BYTES, createHash("sha512").update("a pattern").digest());
        const [row] = await connection.execute<{ back: Buffer }[]>("SELECT ? AS back", [sent]);
        expect(row?.back.equals(sent)).toBe(true);
        await connection.end();
      },
      60_000,
    );
  });

  test("compression is what the client has asked for", async () => {
    const connection = await connectTo(at(), { compress: true });
    const [row] = await connection.query<{ Value: string }[]>("SHOW STATUS LIKE 'Compression'");
    expect(row?.Value).toBe("ON");
    await connection.end();
  });

  test("LOAD DATA LOCAL from a driver", async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `${i}\n`).join("");
    const connection = await connectTo(at(), {
      permitLocalInfile: true,
      infileStreamFactory: () => Readable.from([Buffer.from(lines)]),
    });
    await connection.query("CREATE OR REPLACE TABLE streamed (id INT PRIMARY KEY)");
    await connection.query("LOAD DATA LOCAL INFILE 'rows' INTO TABLE streamed");
    const [row] = await connection.query<{ count: bigint }[]>("SELECT COUNT(*) AS count FROM streamed");
    expect(Number(row?.count)).toBe(20_000);
    await connection.end();
  });

  test("COM_CHANGE_USER, to another account and back", async () => {
    const connection = await connectTo(at());
    const user = async (): Promise<string> =>
      (await connection.query<{ user: string }[]>("SELECT CURRENT_USER() AS user"))[0]?.user ?? "";
    await connection.query("SET @mine = 1");
    await connection.changeUser({ user: "other", password: PASSWORD, database: DATABASE });
    expect(await user()).toBe("other@%");
    await connection.changeUser({ user: "app", password: PASSWORD, database: DATABASE });
    expect(await user()).toBe("app@%");
    await connection.end();
  });

  test("KILL QUERY from another connection to the same server", async () => {
    const slow = await connectTo(at());
    const server = await hostOf(slow);
    const killer = await sameServer(at(), server);
    const [row] = await slow.query<{ id: bigint }[]>("SELECT CONNECTION_ID() AS id");
    const sleeping = slow.query<{ slept: number }[]>("SELECT SLEEP(60) AS slept").then(
      ([found]) => found?.slept,
      (error: { errno?: number }) => error.errno,
    );
    await eventually(async () => {
      const list = await killer.query<{ Id: number | bigint; Info: string | null }[]>("SHOW PROCESSLIST");
      return list.some(({ Id, Info }) => `${Id}` === `${row?.id}` && Info?.includes("SLEEP"));
    });
    await killer.query(`KILL QUERY ${row?.id}`);
    expect([1, 1317]).toContain((await sleeping) ?? 0); // SLEEP() says 1 itself where it can
    expect(await hostOf(slow)).toBe(server);
    await Promise.all([slow.end(), killer.end()]);
  }, 30_000);

  test("a result of 1 GB: every byte, and memory stays where it was", async () => {
    const { client, name, port } = at();
    const query = `SELECT REPEAT(MD5(seq), ${REPEATED}) FROM ${DATABASE}.seq_1_to_${ROWS_OF_A_GIGABYTE}`;
    const command = `mysql --host=${name} --port=${port} --user=app -N --batch --raw --quick -e "$0" ${DATABASE} | md5sum`;
    const before = at().residentMb?.() ?? 0;
    let most = before;
    const watch = setInterval(() => {
      most = Math.max(most, at().residentMb?.() ?? 0);
    }, 100);
    const { stdout } = await client
      .run(["bash", "-c", command, query], { env: { MYSQL_PWD: PASSWORD }, timeoutMs: 100_000 })
      .finally(() => clearInterval(watch));
    const expected = createHash("md5");
    for (let seq = 1; seq <= ROWS_OF_A_GIGABYTE; seq++)
      expected.update(`${createHash("md5").update(`${seq}`).digest("hex").repeat(REPEATED)}\n`);
    expect(stdout.split(" ")[0]).toBe(expected.digest("hex"));
    expect(most - before).toBeLessThan(MAX_GROWTH_MB);
  }, 120_000);
}

/** A connection to that very server; those to others are held meanwhile, so that the next one goes elsewhere. */
async function sameServer(at: BalancedAddress, server: string): Promise<Connection> {
  const others: Connection[] = [];
  try {
    return await eventually(async () => {
      const connection = await connectTo(at);
      if ((await hostOf(connection)) === server) return connection;
      others.push(connection);
      return undefined;
    });
  } finally {
    await Promise.all(others.map((connection) => connection.end()));
  }
}
