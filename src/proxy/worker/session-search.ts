import type { Timers } from "../passthrough/timers.ts";
import type { FoundSession } from "../split/split-host.ts";

/** How long other workers may take to look, ms. */
const ANSWER_MS = 2000;

/** Questions for sessions that other workers may have; the control process passes them on. */
export class SessionSearch {
  readonly #timers: Timers;
  readonly #ask: (question: number, connectionId: number) => void;
  readonly #open = new Map<number, (found: FoundSession | undefined) => void>();
  #last = 0;

  constructor(timers: Timers, ask: (question: number, connectionId: number) => void) {
    this.#timers = timers;
    this.#ask = ask;
  }

  /** Undefined: nobody has it, or nobody has said so in time. */
  async find(connectionId: number): Promise<FoundSession | undefined> {
    const question = ++this.#last;
    return await new Promise((resolve) => {
      const cancel = this.#timers.after(ANSWER_MS, () => this.answered(question, undefined));
      this.#open.set(question, (found) => {
        cancel();
        resolve(found);
      });
      this.#ask(question, connectionId);
    });
  }

  answered(question: number, found: FoundSession | undefined): void {
    const tell = this.#open.get(question);
    this.#open.delete(question);
    tell?.(found);
  }
}
