/** How many sessions something has: a service, a server. Over all workers, where they can see each other's counts. */
export interface Tally {
  readonly total: number;
  add(by: 1 | -1): void;
}

/** A tally of this process alone. */
export class LocalTally implements Tally {
  #total = 0;

  get total(): number {
    return this.#total;
  }

  add(by: 1 | -1): void {
    this.#total += by;
  }
}

/** Takes one of `limit` places (0: without limit); false: all are taken. Never more than `limit` are, whoever else asks at the same moment. */
export function takePlace(tally: Tally, limit: number): boolean {
  tally.add(1);
  if (limit === 0 || tally.total <= limit) return true;
  tally.add(-1);
  return false;
}
