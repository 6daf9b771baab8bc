import { type Connection, createConnection } from "mariadb";
import type { MariaDb } from "../../test/lab/maria-db.ts";
import { median } from "../health/load.ts";

const CLIENTS = 8;
const BLOCKS = 30;
const SLICE_MS = 50;
const ROWS = 1000;

/** Over directly: queries per second (more is better), and the 99th percentile of a query's time (less is better). */
export interface Ratios {
  readonly rate: number;
  readonly p99: number;
}

export interface Comparison {
  readonly gated: Ratios;
  /** Other connections that are as direct: how far from 1 this machine's noise takes such a figure. */
  readonly control: Ratios;
  readonly directPerSecond: number;
  readonly directP99Ms: number;
}

/** One of the ways to the server. */
interface Path {
  readonly clients: readonly Connection[];
  /** How long each query took, ms. */
  readonly times: number[];
  /** For how long there were queries, ms. */
  spentMs: number;
}

/**
 * Point selects over connections that stay open for a block. A block has every order of the ways once, in slices so short that
 * whatever else the machine does slows down each, and none comes twice in a row; new connections for each block, as some are luckier than others
 * with their cores for as long as they live. Resolves to the medians of the blocks.
 */
export async function compareThroughput(server: MariaDb, mirrorPort: number): Promise<Comparison> {
  await server.sql(`CREATE DATABASE bench; CREATE TABLE bench.t (id INT PRIMARY KEY, v VARCHAR(100) NOT NULL);
    INSERT INTO bench.t SELECT seq, REPEAT('x', 100) FROM bench.seq_1_to_${ROWS};
    CREATE USER app@'%' IDENTIFIED BY 'app'; GRANT SELECT ON bench.* TO app@'%'`);
  const blocks: Comparison[] = [];
  await block(server, mirrorPort); // warm
  for (let i = 0; i < BLOCKS; i++) blocks.push(await block(server, mirrorPort));
  const middle = (pick: (found: Comparison) => number): number => median(blocks.map(pick));
  return {
    gated: { rate: middle(({ gated }) => gated.rate), p99: middle(({ gated }) => gated.p99) },
    control: { rate: middle(({ control }) => control.rate), p99: middle(({ control }) => control.p99) },
    directPerSecond: middle((found) => found.directPerSecond),
    directP99Ms: middle((found) => found.directP99Ms),
  };
}

async function block(server: MariaDb, mirrorPort: number): Promise<Comparison> {
  const direct = await dial(server, server.port);
  const gated = await dial(server, mirrorPort);
  const control = await dial(server, server.port);
  const rounds = [
    [direct, gated, control],
    [direct, control, gated],
    [control, gated, direct],
    [gated, direct, control],
    [gated, control, direct],
    [control, direct, gated],
  ];
  for (const path of rounds.flat()) await slice(path);
  for (const { clients } of [direct, gated, control]) {
    for (const client of clients) await client.end();
  }
  const over = (path: Path): Ratios => ({ rate: rate(path) / rate(direct), p99: p99(path) / p99(direct) });
  return {
    gated: over(gated),
    control: over(control),
    directPerSecond: rate(direct),
    directP99Ms: p99(direct),
  };
}

async function dial(server: MariaDb, port: number): Promise<Path> {
  const account = { host: server.address, port, user: "app", password: "app" };
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => createConnection(account)));
  return { clients, times: [], spentMs: 0 };
}

async function slice(path: Path): Promise<void> {
  const { clients, times } = path;
  const begun = performance.now();
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
  path.spentMs += performance.now() - begun;
}

const rate = ({ times, spentMs }: Path): number => (times.length / spentMs) * 1000;

function p99({ times }: Path): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Number.NaN;
}
