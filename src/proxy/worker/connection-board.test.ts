import { expect, test } from "bun:test";
import { type Tally, takePlace } from "../passthrough/tally.ts";
import { BOARD_BYTES, BOARD_ROWS, ConnectionBoard, wipeRow } from "./connection-board.ts";

const memory = () => new Int32Array(BOARD_BYTES / 4);

test("everybody counts on their own, and sees what all have together", () => {
  const shared = memory();
  const [one, two] = [new ConnectionBoard(shared, 0), new ConnectionBoard(shared, 1)];
  one.tally(5).add(1);
  one.tally(5).add(1);
  two.tally(5).add(1);
  two.tally(6).add(1);
  expect(one.tally(5).total).toBe(3);
  two.tally(5).add(-1);
  expect([one.tally(5).total, one.tally(6).total, one.tally(7).total]).toEqual([2, 1, 0]);
});

test("a limit holds over all", () => {
  const shared = memory();
  const tallies = [0, 1, 2].map((row) => new ConnectionBoard(shared, row).tally(0));
  const taken = Array.from({ length: 30 }, (_, i) => takePlace(tallies[i % 3] as Tally, 10));
  expect(taken.filter(Boolean)).toHaveLength(10);
  tallies[1]?.add(-1);
  expect(takePlace(tallies[2] as Tally, 10)).toBe(true);
  expect(takePlace(tallies[2] as Tally, 10)).toBe(false);
});

test("a successor wipes what its predecessor left, and nothing else", () => {
  const shared = memory();
  new ConnectionBoard(shared, 0).tally(0).add(1);
  new ConnectionBoard(shared, 1).tally(0).add(1);
  expect(new ConnectionBoard(shared, 0).tally(0).total).toBe(1);
});

test("whoever joins later, in a row far below, counts as well, and is forgotten when its row is wiped", () => {
  const shared = memory();
  const first = new ConnectionBoard(shared, 0).tally(7);
  const last = new ConnectionBoard(shared, BOARD_ROWS - 1).tally(7);
  first.add(1);
  last.add(1);
  expect([first.total, last.total]).toEqual([2, 2]);
  wipeRow(shared, BOARD_ROWS - 1);
  expect(first.total).toBe(1);
});

test("where there is no column or row, a count of one's own", () => {
  const places = [
    [63, undefined],
    [63, 1024],
    [-1, 5],
    [BOARD_ROWS, 5],
  ] as const;
  for (const [row, column] of places) {
    const board = new ConnectionBoard(memory(), row);
    const tally = board.tally(column);
    tally.add(1);
    expect([tally.total, board.tally(column).total]).toEqual([1, 0]);
  }
});
