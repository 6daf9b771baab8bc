import type { VrrpHost } from "../lab/vrrp-host.ts";

const LOOK_MS = 20;

/** Looks all the time at both hosts of a pair, and remembers the longest time that both held the address, or that both were active. */
export class PairWatch {
  readonly #pair: readonly VrrpHost[];
  readonly #bothHold = new Stretch();
  readonly #bothActive = new Stretch();
  /** A proxy that hangs does nothing, but it may go on where it was: until it says something else, it is what it last said. */
  readonly #isActive = new Map<VrrpHost, boolean>();
  #isOver = false;
  readonly #looking: readonly Promise<void>[];

  constructor(pair: readonly VrrpHost[]) {
    this.#pair = pair;
    this.#looking = pair.map((box) => this.#look(box));
  }

  /** ms */
  get longestBothHold(): number {
    return this.#bothHold.longestMs;
  }

  /** ms */
  get longestBothActive(): number {
    return this.#bothActive.longestMs;
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#looking);
  }

  /** Each host in a loop of its own: one that hangs holds up nobody. */
  async #look(box: VrrpHost): Promise<void> {
    while (!this.#isOver) {
      // One that is not there is not active; one that hangs keeps its word.
      const isActive = await box.isPassive().then(
        (isPassive) => !isPassive,
        () => !box.sluice.hasExited && (this.#isActive.get(box) ?? false),
      );
      this.#isActive.set(box, isActive);
      this.#bothActive.add(this.#pair.every((each) => this.#isActive.get(each) === true));
      this.#bothHold.add(this.#pair.every(({ holdsAddress }) => holdsAddress));
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
}

/** How long something was true at a stretch. */
class Stretch {
  longestMs = 0;
  #since: number | undefined;

  add(isTrue: boolean): void {
    const now = performance.now();
    this.#since = isTrue ? (this.#since ?? now) : undefined;
    if (this.#since !== undefined) this.longestMs = Math.max(this.longestMs, now - this.#since);
  }
}
