import type { MariaDb } from "../lab/maria-db.ts";

/** A client that keeps a table for itself; resolves, once it has it, to what makes it let go. */
export async function lockTable(server: MariaDb, table: string): Promise<() => Promise<void>> {
  const client = [
    "mariadb",
    "--no-defaults",
    "-uroot",
    `--socket=${server.socketPath}`,
    "--unbuffered",
    "-Ne",
  ];
  const sql = `LOCK TABLES ${table} WRITE; SELECT CONNECTION_ID(); DO SLEEP(600)`;
  const process = await server.host.spawn([...client, sql]);
  const [id] = await process.waitForOutput(/^\d+$/m);
  return async () => {
    await server.sql(`KILL ${id}`);
    await process.ended();
  };
}
