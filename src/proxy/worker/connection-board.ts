import { LocalTally, type Tally } from "../passthrough/tally.ts";

/** Which column of the board is whose; the control process gives them out. */
export interface Cells {
  readonly services: Readonly<Record<string, number>>;
  readonly servers: Readonly<Record<string, number>>;
}

/** Enough for every worker there is, and for those of before that finish their sessions. */
export const BOARD_ROWS = 255;
const BOARD_COLUMNS = 1024;
/** A line of its own before the rows; its first number is how many of them were ever used. */
const HEADER = BOARD_COLUMNS;
export const BOARD_BYTES = (HEADER + BOARD_ROWS * BOARD_COLUMNS) * Int32Array.BYTES_PER_ELEMENT;

/**
 * The sessions of all workers, in memory that they share: a row for each worker, a column for each service and server. A worker
 * writes its own row only and reads whole columns, so limits and least connections hold over all of them, without a lock, and a
 * worker that is killed leaves nothing behind once its row has been wiped.
 */
export class ConnectionBoard {
  readonly #cells: Int32Array;
  readonly #row: number;

  /** @param memory BOARD_BYTES, shared @param row below BOARD_ROWS; any other counts for itself alone */
  constructor(memory: Int32Array, row: number) {
    this.#cells = memory;
    this.#row = row;
    if (row < 0 || row >= BOARD_ROWS) return;
    wipeRow(memory, row);
    for (let used = memory[0] ?? 0; used <= row; ) used = Atomics.compareExchange(memory, 0, used, row + 1);
  }

  /** The tally of a column; of this worker alone where there is no column or row left. */
  tally(column: number | undefined): Tally {
    const hasPlace =
      column !== undefined && column < BOARD_COLUMNS && this.#row >= 0 && this.#row < BOARD_ROWS;
    return hasPlace ? new BoardTally(this.#cells, placeOf(this.#row, column), column) : new LocalTally();
  }
}

/** What a worker that is gone has counted. */
export function wipeRow(memory: Int32Array, row: number): void {
  memory.fill(0, placeOf(row, 0), placeOf(row + 1, 0));
}

const placeOf = (row: number, column: number): number => HEADER + row * BOARD_COLUMNS + column;

class BoardTally implements Tally {
  readonly #cells: Int32Array;
  readonly #own: number;
  readonly #column: number;

  constructor(cells: Int32Array, own: number, column: number) {
    this.#cells = cells;
    this.#own = own;
    this.#column = column;
  }

  get total(): number {
    const rows = Atomics.load(this.#cells, 0);
    let total = 0;
    for (let row = 0; row < rows; row++) total += Atomics.load(this.#cells, placeOf(row, this.#column));
    return total;
  }

  add(by: 1 | -1): void {
    Atomics.add(this.#cells, this.#own, by);
  }
}
