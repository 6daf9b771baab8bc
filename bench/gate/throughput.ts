import { type Connection, createConnection } from "mariadb";
import type { MariaDb } from "../../test/lab/maria-db.ts";
import { median } from "../health/load.ts";

const CLIENTS = 8;
const BLOCKS = 24;
const ROUNDS = 5;
const SLICE_MS = 50;
const ROWS = 1000;

/** What a block of rounds found; `rate` and `p99` are through the gate over directly. */
export interface Comparison {
  /** Queries per second; more is better. */
  readonly rate: number;
  /** The 99th percentile of a query's time; less is better. */
  readonly p99: number;
  /** Directly, for the scale of things. */
  readonly directPerSecond: number;
  readonly directP99Ms: number;
}

/** One of the two ways to the server. */
interface Path {
  readonly clients: readonly Connection[];
  /** How long each query took, ms. */
  readonly times: number[];
}

/**
 * Point selects over connections that stay open for a block. A round is directly, gated, gated, directly, in slices so short
 * that whatever else the machine does slows down both; and new connections for each block, as some are luckier than others with
 * their cores for as long as they live. Resolves to the medians of the blocks.
 */
export async function compareThroughput(server: MariaDb, mirrorPort: number): Promise<Comparison> {
  await server.sql(`CREATE DATABASE bench; CREATE TABLE bench.t (id INT PRIMARY KEY, v VARCHAR(100) NOT NULL);
    INSERT INTO bench.t SELECT seq, REPEAT('x', 100) FROM bench.seq_1_to_${ROWS};
    CREATE USER app@'%' IDENTIFIED BY 'app'; GRANT SELECT ON bench.* TO app@'%'`);
  const blocks: Comparison[] = [];
  await block(server, mirrorPort); // warm
  for (let i = 0; i < BLOCKS; i++) blocks.push(await block(server, mirrorPort));
  const middle = (key: keyof Comparison): number => median(blocks.map((found) => found[key]));
  return {
    rate: middle("rate"),
    p99: middle("p99"),
    directPerSecond: middle("directPerSecond"),
    directP99Ms: middle("directP99Ms"),
  };
}

async function block(server: MariaDb, mirrorPort: number): Promise<Comparison> {
  const [direct, gated] = [await dial(server, server.port), await dial(server, mirrorPort)];
  const rates = { direct: 0, gated: 0 };
  for (let i = 0; i < ROUNDS; i++) {
    for (const way of ["direct", "gated", "gated", "direct"] as const)
      rates[way] += (await slice(way === "direct" ? direct : gated)) / (2 * ROUNDS);
  }
  for (const client of [...direct.clients, ...gated.clients]) await client.end();
  return {
    rate: rates.gated / rates.direct,
    p99: p99(gated.times) / p99(direct.times),
    directPerSecond: rates.direct,
    directP99Ms: p99(direct.times),
  };
}

async function dial(server: MariaDb, port: number): Promise<Path> {
  const account = { host: server.address, port, user: "app", password: "app" };
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => createConnection(account)));
  return { clients, times: [] };
}

/** Resolves to the queries per second. */
async function slice({ clients, times }: Path): Promise<number> {
  const begun = performance.now();
  const before = times.length;
  await Promise.all(
    clients.map(async (client) => {
      for (let now = begun; now < begun + SLICE_MS; ) {
        await client.query(`SELECT v FROM bench.t WHERE id = ${1 + (times.length % ROWS)}`);
        const done = performance.now();
        times.push(done - now);
        now = done;
      }
    }),
  );
  return ((times.length - before) / (performance.now() - begun)) * 1000;
}

function p99(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Number.NaN;
}
