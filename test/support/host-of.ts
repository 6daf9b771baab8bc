import type { Connection } from "mariadb";

/** The name of the host that answers on a connection, which in the lab is the server's. */
export async function hostOf(connection: Connection): Promise<string> {
  const [row] = await connection.query<{ name: string }[]>("SELECT @@hostname AS name");
  return row?.name ?? "";
}
