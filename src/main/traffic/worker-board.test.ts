import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BOARD_BYTES, ConnectionBoard } from "../../proxy/worker/connection-board.ts";
import { WorkerBoard } from "./worker-board.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-board-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** The board as a worker has it. */
function worker(board: WorkerBoard, row: number): ConnectionBoard {
  const memory = Bun.mmap(board.path, { shared: true });
  return new ConnectionBoard(new Int32Array(memory.buffer, memory.byteOffset, BOARD_BYTES / 4), row);
}

function begun(left: readonly { row: number }[]): WorkerBoard {
  const workers = left.map(({ row }) => ({ pid: 1, number: 1, row }));
  const board = new WorkerBoard(directory);
  board.recall(workers);
  board.column("services", "app");
  board.open(workers);
  return board;
}

test("whoever has a column keeps it, and nobody else gets it", () => {
  const board = begun([]);
  board.column("servers", "db1");
  const before = board.cells;
  board.column("services", "web");
  board.column("services", "app");
  const { services, servers } = board.cells;
  expect({ services, servers }).toMatchObject({ services: before.services, servers: before.servers });
  const all = [...Object.values(services), ...Object.values(servers)];
  expect(new Set(all).size).toBe(3);
});

test("sessions of workers that are left go on counting, in the column they have, until these are gone", () => {
  const first = begun([]);
  first.column("services", "web");
  const row = first.takeRow();
  worker(first, row).tally(first.cells.services["web"]).add(1);
  const second = begun([{ row }]);
  second.column("services", "new");
  second.column("services", "web");
  expect(second.cells.services["web"]).toBe(first.cells.services["web"]);
  const tally = worker(second, second.takeRow()).tally(second.cells.services["web"]);
  tally.add(1);
  expect(tally.total).toBe(2);
  second.freeRow(row);
  expect(tally.total).toBe(1);
});

test("where nobody is left, or what is left makes no sense, it begins anew", () => {
  const first = begun([]);
  const row = first.takeRow();
  worker(first, row).tally(first.cells.services["app"]).add(1);
  const second = begun([]);
  expect(worker(second, 5).tally(second.cells.services["app"]).total).toBe(0);
  writeFileSync(join(directory, "connections.json"), "{");
  const third = begun([{ row }]);
  expect(worker(third, 5).tally(third.cells.services["app"]).total).toBe(0);
  third.remove();
  expect(readdirSync(directory)).toEqual([]);
});

test("rows are given out lowest first; where all are taken there is none", () => {
  const board = begun([{ row: 1 }]);
  expect([board.takeRow(), board.takeRow()]).toEqual([0, 1]);
  while (board.takeRow() >= 0);
  board.freeRow(7);
  expect([board.takeRow(), board.takeRow()]).toEqual([7, -1]);
});
