import { type Connection, createConnection } from "mariadb";
import { deadline } from "./deadline.ts";

export type Row = Readonly<Record<string, string | number | boolean | Date | null>>;

/**
 * One statement (or several, then the result is a list of results) as root through the unix socket, on a connection of its own.
 * BIGINT and DECIMAL come as numbers.
 */
export async function sqlThroughSocket<R = Row>(
  socketPath: string,
  text: string,
  withinMs: number,
  sessionVariables: Readonly<Record<string, number>>,
): Promise<R[]> {
  let connection: Connection | undefined;
  let isLate = false;
  const work = async (): Promise<R[]> => {
    const opened = await createConnection({
      socketPath,
      user: "root",
      connectTimeout: withinMs,
      multipleStatements: true,
      bigIntAsNumber: true,
      insertIdAsNumber: true,
      decimalAsNumber: true,
      sessionVariables: { ...sessionVariables },
    });
    connection = opened;
    opened.on("error", () => {}); // a server killed meanwhile is told by the query's own failure
    try {
      if (isLate) return [];
      const result = await opened.query<R[] | object>(text);
      return Array.isArray(result) ? Array.from(result) : []; // a plain array, without the column metadata
    } finally {
      if (isLate) opened.destroy();
      else await opened.end();
    }
  };
  return await deadline(work(), withinMs, `SQL "${text.slice(0, 100)}" through ${socketPath}`, () => {
    isLate = true;
    connection?.destroy();
  });
}
