import { closeSync, constants, fstatSync, openSync, readSync, statSync } from "node:fs";
import { errorMessage } from "../../errors/sluice-error.ts";
import type { Clock } from "../../telemetry/clock.ts";

const LOOK_MS = 25;
const MAX_LINE = 4096;

/**
 * The lines that others write into a FIFO, in order. keepalived makes the FIFO when it starts and removes it when it ends, so it
 * may be missing, and another one may be there later. It is read without blocking: a blocked read would hold up the end of
 * the process.
 */
export class FifoReader {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #onLine: (line: string) => void;
  readonly #complain: (sentence: string) => void;
  readonly #lookMs: number;
  readonly #buffer = Buffer.alloc(MAX_LINE);
  #file: number | undefined;
  #rest = "";
  #complaint: string | undefined;
  #cancel: () => void = () => {};

  constructor(
    path: string,
    clock: Clock,
    onLine: (line: string) => void,
    complain: (sentence: string) => void,
    lookMs = LOOK_MS,
  ) {
    this.#path = path;
    this.#clock = clock;
    this.#onLine = onLine;
    this.#complain = complain;
    this.#lookMs = lookMs;
  }

  start(): void {
    this.read();
    this.#cancel = this.#clock.after(this.#lookMs, () => this.start());
  }

  close(): void {
    this.#cancel();
    this.#leave();
  }

  /** Takes what is there now. */
  read(): void {
    try {
      this.#file ??= this.#open();
      if (this.#file === undefined) return;
      while (this.#readSome(this.#file));
      if (this.#isReplaced(this.#file)) this.#leave();
      this.#complaint = undefined;
    } catch (error) {
      this.#leave();
      const sentence = `cannot read ${this.#path}: ${errorMessage(error)}`;
      if (sentence !== this.#complaint) this.#complain(sentence);
      this.#complaint = sentence;
    }
  }

  #open(): number | undefined {
    const found = statSync(this.#path, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    if (!found.isFIFO()) throw new Error("it is no FIFO; keepalived makes one when it starts");
    // For reading and writing: so that it never ends when a writer goes.
    return openSync(this.#path, constants.O_RDWR | constants.O_NONBLOCK);
  }

  #readSome(file: number): boolean {
    let count: number;
    try {
      count = readSync(file, this.#buffer, 0, MAX_LINE, null);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return false;
      throw error;
    }
    const lines = (this.#rest + this.#buffer.toString("utf8", 0, count)).split("\n");
    this.#rest = (lines.pop() ?? "").slice(0, MAX_LINE);
    for (const line of lines) this.#onLine(line);
    return count === MAX_LINE;
  }

  #isReplaced(file: number): boolean {
    const found = statSync(this.#path, { throwIfNoEntry: false });
    return found?.ino !== fstatSync(file).ino;
  }

  #leave(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#rest = "";
  }
}
