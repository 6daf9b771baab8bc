import {
  closeSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { BOARD_BYTES, BOARD_ROWS, type Cells, wipeRow } from "../../proxy/worker/connection-board.ts";
import type { LeftWorker } from "./workers-left.ts";

type Kind = keyof Cells;

/**
 * Who counts where on the connection board. Two files in the runtime directory, which outlive the control process as long as a worker
 * of before does, so that its sessions go on counting for the limits:
 *
 *   connections.map    the board itself, mapped by all workers: a row for each
 *   connections.json   which column is whose
 */
export class WorkerBoard {
  readonly #directory: string;
  readonly #columns: Record<Kind, Map<string, number>> = { services: new Map(), servers: new Map() };
  readonly #rows = new Set<number>();
  #memory: Int32Array | undefined;
  #isRecalled = false;
  #isSaved = false;

  constructor(directory: string) {
    this.#directory = directory;
  }

  get path(): string {
    return join(this.#directory, "connections.map");
  }

  /** Before the first column is given out: takes over the columns of workers that are left. */
  recall(left: readonly LeftWorker[]): void {
    if (left.length === 0 || !this.#isThere()) return;
    try {
      const { services, servers } = JSON.parse(readFileSync(this.#columnsPath, "utf8")) as Cells;
      for (const [name, column] of Object.entries(services)) this.#columns.services.set(name, column);
      for (const [name, column] of Object.entries(servers)) this.#columns.servers.set(name, column);
      this.#isRecalled = true;
    } catch {
      // what is left counts for itself then
    }
  }

  /** Makes the board, or goes on with the one of the workers that are left. Throws what the file system throws. */
  open(left: readonly LeftWorker[]): void {
    if (!this.#isRecalled) this.#create();
    else for (const { row } of left) this.#rows.add(row);
    const memory = Bun.mmap(this.path, { shared: true });
    this.#memory = new Int32Array(
      memory.buffer,
      memory.byteOffset,
      BOARD_BYTES / Int32Array.BYTES_PER_ELEMENT,
    );
    for (let row = 0; row < BOARD_ROWS; row++) if (!this.#rows.has(row)) wipeRow(this.#memory, row);
  }

  /** The lowest row that nobody has; -1: all are taken, and whoever gets it counts for itself. */
  takeRow(): number {
    for (let row = 0; row < BOARD_ROWS; row++) {
      if (this.#rows.has(row)) continue;
      this.#rows.add(row);
      return row;
    }
    return -1;
  }

  /** Whoever had it is gone. */
  freeRow(row: number): void {
    if (row < 0) return;
    if (this.#memory !== undefined) wipeRow(this.#memory, row);
    this.#rows.delete(row);
  }

  /** Gives it a column if it has none. */
  column(kind: Kind, name: string): void {
    const columns = this.#columns[kind];
    if (columns.has(name)) return;
    columns.set(name, this.#columns.services.size + this.#columns.servers.size);
    this.#isSaved = false;
  }

  /** For the workers; on disk before anybody learns of it. */
  get cells(): Cells {
    const { services, servers } = this.#columns;
    const cells = { services: Object.fromEntries(services), servers: Object.fromEntries(servers) };
    if (!this.#isSaved && this.#memory !== undefined) {
      // Nothing that has to survive the machine: its readers are processes.
      writeFileSync(`${this.#columnsPath}.new`, JSON.stringify(cells), { mode: 0o600 });
      renameSync(`${this.#columnsPath}.new`, this.#columnsPath);
      this.#isSaved = true;
    }
    return cells;
  }

  /** The last worker has ended. */
  remove(): void {
    for (const path of [this.path, this.#columnsPath])
      for (const name of [path, `${path}.new`]) rmSync(name, { force: true });
  }

  get #columnsPath(): string {
    return join(this.#directory, "connections.json");
  }

  #isThere(): boolean {
    return statSync(this.path, { throwIfNoEntry: false })?.size === BOARD_BYTES;
  }

  /** A new file: a worker left behind that still has the old one does not disturb. */
  #create(): void {
    const file = openSync(`${this.path}.new`, "w", 0o600);
    ftruncateSync(file, BOARD_BYTES);
    closeSync(file);
    renameSync(`${this.path}.new`, this.path);
  }
}
