import type { RoutingTable } from "../../topology/routing-table.ts";
import type { AccountBooks } from "./account-books.ts";
import type { CertificateWatch } from "./certificate-watch.ts";
import type { RouteTable } from "./route-table.ts";
import type { WorkerBoard } from "./worker-board.ts";
import type { WorkerLink } from "./worker-link.ts";

export interface FeedParts {
  readonly table: RouteTable;
  readonly board: WorkerBoard;
  readonly accounts: AccountBooks;
  readonly certificates: CertificateWatch;
}

/** What workers are told of what to do: a table, and before the first one what it needs to be followed. */
export class WorkerFeed {
  readonly #parts: FeedParts;
  /** The table that each worker got last. */
  readonly #told = new WeakMap<WorkerLink, RoutingTable>();
  readonly #draining = new WeakSet<WorkerLink>();

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  /** For a worker that has just come. */
  equip(link: WorkerLink): void {
    this.#tellSecrets(link);
    this.tellTable(link);
  }

  /** Where it is not the one that the worker has. */
  tellTable(link: WorkerLink): void {
    const table = this.#parts.table.current;
    if (this.#told.get(link) === table) return;
    this.#told.set(link, table);
    link.tell({ type: "table", table, cells: this.#parts.board.cells });
  }

  /** A worker of before follows this table from now on, accepts no more and ends with its last session, or after `withinMs`. */
  drain(link: WorkerLink, withinMs: number): void {
    const isNew = !this.#draining.has(link);
    this.#draining.add(link);
    if (isNew) this.#tellSecrets(link);
    this.tellTable(link);
    if (isNew) link.tell({ type: "drain", withinMs });
  }

  #tellSecrets(link: WorkerLink): void {
    link.tell({ type: "tls", materials: this.#parts.certificates.materials });
    for (const message of this.#parts.accounts.messages()) link.tell(message);
  }
}
