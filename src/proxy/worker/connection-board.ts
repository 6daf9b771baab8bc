import { LocalTally, type Tally } from "../passthrough/tally.ts";

/** Which column of the board is whose; the control process gives them out. */
export interface Cells {
  readonly services: Readonly<Record<string, number>>;
  readonly servers: Readonly<Record<string, number>>;
}

export const BOARD_ROWS = 64;
const BOARD_COLUMNS = 1024;
export const BOARD_BYTES = BOARD_ROWS * BOARD_COLUMNS * Int32Array.BYTES_PER_ELEMENT;

/**
 * The sessions of all workers, in memory that they share: a row for each worker, a column for each service and server. A worker
 * writes its own row only and reads whole columns, so limits and least connections hold over all of them, without a lock, and a
 * worker that is killed leaves nothing behind once its successor has wiped its row.
 */
export class ConnectionBoard {
  readonly #cells: Int32Array;
  readonly #row: number;

  /** @param memory BOARD_BYTES, shared */
  constructor(memory: Int32Array, row: number) {
    this.#cells = memory;
    this.#row = row;
    memory.fill(0, row * BOARD_COLUMNS, (row + 1) * BOARD_COLUMNS);
  }

  /** The tally of a column; of this worker alone where there is no column left. */
  tally(column: number | undefined): Tally {
    if (column === undefined || column >= BOARD_COLUMNS) return new LocalTally();
    return new BoardTally(this.#cells, this.#row * BOARD_COLUMNS + column, column);
  }
}

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
    let total = 0;
    for (let row = 0; row < BOARD_ROWS; row++)
      total += Atomics.load(this.#cells, row * BOARD_COLUMNS + this.#column);
    return total;
  }

  add(by: 1 | -1): void {
    Atomics.add(this.#cells, this.#own, by);
  }
}
