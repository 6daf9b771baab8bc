import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import { Daemon, type DaemonOptions } from "./daemon.ts";
import type { DaemonAddress } from "./route.ts";

/** What one daemon answered. */
export interface Outcome<T> {
  readonly daemon: string;
  readonly value: T;
}

/** The daemons a command is meant for: one, or several that are kept alike. */
export class Daemons {
  readonly #daemons: readonly Daemon[];
  readonly #timeoutMs: number;

  constructor(addresses: readonly DaemonAddress[], options: DaemonOptions) {
    this.#daemons = addresses.map((address) => new Daemon(address, options));
    this.#timeoutMs = options.timeoutMs;
  }

  get count(): number {
    return this.#daemons.length;
  }

  /** Each of them, for whoever deals with them one by one. */
  get all(): readonly Daemon[] {
    return this.#daemons;
  }

  /**
   * Asks the daemons in order until one answers; a "no" is an answer. They share the deadline, so that one which hangs
   * does not use up the time of those behind it. Rejects with the failures of all of them.
   */
  async first<T>(ask: (daemon: Daemon) => Promise<T>): Promise<Outcome<T>> {
    const failures: SluiceError[] = [];
    const started = performance.now();
    for (const [index, daemon] of this.#daemons.entries()) {
      const leftMs = this.#timeoutMs - (performance.now() - started);
      const shareMs = Math.max(1, Math.round(leftMs / (this.#daemons.length - index)));
      try {
        return { daemon: daemon.name, value: await ask(daemon.within(shareMs)) };
      } catch (error) {
        if (!isUnanswered(error)) throw error;
        failures.push(error);
      }
    }
    throw combined(failures);
  }

  /**
   * Has every daemon do the same, one after the other. Of several, each must answer first, so that a daemon that is down
   * stops a change before it is half made. Rejects naming those that did it and those that did not.
   */
  async everywhere<T>(act: (daemon: Daemon) => Promise<T>): Promise<readonly Outcome<T>[]> {
    const [only] = this.#daemons;
    if (only !== undefined && this.#daemons.length === 1)
      return [{ daemon: only.name, value: await act(only) }];
    await Promise.all(this.#daemons.map((daemon) => daemon.get("").catch(nothingChanged)));
    const done: Outcome<T>[] = [];
    const failures: { readonly daemon: string; readonly error: SluiceError }[] = [];
    for (const daemon of this.#daemons) {
      try {
        done.push({ daemon: daemon.name, value: await act(daemon) });
      } catch (error) {
        if (!(error instanceof SluiceError)) throw error;
        failures.push({ daemon: daemon.name, error });
      }
    }
    const [failed] = failures;
    if (failed === undefined) return done;
    const where = failures.map(({ daemon, error }) => `on ${daemon}: ${error.message}`).join("; ");
    const others = done.length === 0 ? "" : `; done on ${done.map(({ daemon }) => daemon).join(", ")}`;
    throw new SluiceError(failed.error.code, `not done ${where}${others}`, { cause: failed.error });
  }
}

function isUnanswered(error: unknown): error is SluiceError {
  return error instanceof SluiceError && (error.code === "API_UNREACHABLE" || error.code === "TIMEOUT");
}

function nothingChanged(error: unknown): never {
  if (!(error instanceof SluiceError)) throw error;
  throw new SluiceError(error.code, `nothing was changed: ${errorMessage(error)}`, { cause: error });
}

function combined(failures: readonly SluiceError[]): SluiceError {
  const [first, ...more] = failures;
  if (first === undefined) return new SluiceError("USAGE", "--hosts names no daemon");
  if (more.length === 0) return first;
  return new SluiceError(first.code, failures.map(errorMessage).join("; "), { cause: first });
}
