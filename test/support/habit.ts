/** Does it again and again until the end, and keeps what went wrong. */
export class Habit {
  readonly failures: string[] = [];
  count = 0;
  #isOver = false;
  readonly #work: Promise<void>;

  constructor(act: () => Promise<void>) {
    this.#work = this.#go(act);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#work;
  }

  async #go(act: () => Promise<void>): Promise<void> {
    while (!this.#isOver) {
      await act().catch(async (error: unknown) => {
        this.failures.push(String(error));
        // A refusal comes at once: without a pause nothing but refusals would get its turn.
        await new Promise((resolve) => setTimeout(resolve, 10));
      });
      this.count++;
    }
  }
}
