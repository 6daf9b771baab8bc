import type { Session } from "./session.ts";

/** More than a service can use; who comes then is told at once that there is no place. */
const MOST_WAITING = 10_000;

/** Sessions that wait for a place, first come, first served. */
export class WaitingLine {
  readonly #sessions = new Set<Session>();

  get length(): number {
    return this.#sessions.size;
  }

  get first(): Session | undefined {
    for (const session of this.#sessions) return session;
    return undefined;
  }

  /** False: the line is full. */
  join(session: Session): boolean {
    if (this.#sessions.size >= MOST_WAITING) return false;
    this.#sessions.add(session);
    return true;
  }

  has(session: Session): boolean {
    return this.#sessions.has(session);
  }

  leave(session: Session): void {
    this.#sessions.delete(session);
  }
}
