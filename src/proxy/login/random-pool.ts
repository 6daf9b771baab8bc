import { randomFillSync } from "node:crypto";

const POOL_BYTES = 4096;

/** Random bytes, fetched by the page: a call for twenty costs as much as one for thousands. Nothing of it is given out twice. */
export class RandomPool {
  #pool = Buffer.alloc(0);
  #at = 0;

  /** At most 4096. */
  take(count: number): Buffer {
    if (this.#at + count > this.#pool.length) {
      this.#pool = randomFillSync(Buffer.allocUnsafeSlow(POOL_BYTES));
      this.#at = 0;
    }
    this.#at += count;
    return this.#pool.subarray(this.#at - count, this.#at);
  }
}
