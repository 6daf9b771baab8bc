import { describe, expect, test } from "bun:test";
import mysql2 from "mysql2/promise";
import { type BalancedAddress, connectTo, DATABASE, PASSWORD, verified } from "./balanced-address.ts";

const ROWS = 5000;

export function driversPass(at: () => BalancedAddress): void {
  describe("the mariadb driver, with TLS to the server", () => {
    test("text, prepared, in batches and as a stream", async () => {
      const connection = await connectTo(at(), { ssl: verified(at()) });
      const [tls] = await connection.query<{ Value: string }[]>("SHOW STATUS LIKE 'Ssl_version'");
      expect(tls?.Value).toStartWith("TLSv1.");
      await connection.query("CREATE OR REPLACE TABLE by_mariadb (id INT PRIMARY KEY, t VARCHAR(100))");
      const rows = Array.from({ length: ROWS }, (_, i) => [i, `row ${i}`]);
      await connection.batch("INSERT INTO by_mariadb VALUES (?, ?)", rows);
      const found = await connection.execute<{ t: string }[]>("SELECT t FROM by_mariadb WHERE id = ?", [7]);
      expect(found[0]?.t).toBe("row 7");
      let sum = 0;
      for await (const row of connection.queryStream("SELECT id FROM by_mariadb")) sum += row.id;
      expect(sum).toBe((ROWS * (ROWS - 1)) / 2);
      await connection.end();
    });

    test("refuses a server whose certificate another authority signed", async () => {
      const failure = await connectTo(at(), { ssl: { rejectUnauthorized: true } }).catch((error) => error);
      expect(String(failure)).toMatch(/certificate|self.signed|verify|issuer/i);
    });
  });

  describe("the mysql2 driver, with TLS to the server", () => {
    test.each([[false], [true]])("text, prepared and transactions; compressed: %p", async (compress) => {
      const connection = await mysql2.createConnection({
        host: at().address,
        port: at().port,
        user: "app",
        password: PASSWORD,
        database: DATABASE,
        ssl: { ...verified(at()), verifyIdentity: false },
        compress,
      });
      const one = async (sql: string, values: readonly (string | number)[] = []): Promise<unknown> => {
        const [rows] = await connection.execute(sql, [...values]);
        return Array.isArray(rows) ? rows[0] : rows;
      };
      expect(await one("SHOW STATUS LIKE 'Ssl_version'")).toMatchObject({
        Value: expect.stringMatching(/TLSv1/),
      });
      await connection.query("CREATE OR REPLACE TABLE by_mysql2 (id INT PRIMARY KEY, t LONGTEXT)");
      await connection.beginTransaction();
      const text = "text ".repeat(100_000);
      await one("INSERT INTO by_mysql2 VALUES (?, ?)", [1, text]);
      await connection.commit();
      expect(await one("SELECT t FROM by_mysql2 WHERE id = ?", [1])).toEqual({ t: text });
      await connection.end();
    });
  });
}
