/** More than any message; who sends more has lost the thread. */
const MAX_LINE_BYTES = 64 << 20;

/** Cuts a byte stream into JSON values, one a line. */
export class JsonLines<T> {
  readonly #onMessage: (message: T) => void;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(onMessage: (message: T) => void) {
    this.#onMessage = onMessage;
  }

  /** Throws where a line is no JSON or too long: the other side is not what it should be. */
  feed(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      this.#parts.push(chunk.subarray(start, end));
      const line = Buffer.concat(this.#parts).toString();
      this.#parts = [];
      this.#bytes = 0;
      start = end + 1;
      this.#onMessage(JSON.parse(line) as T);
    }
    if (start === chunk.length) return;
    this.#parts.push(chunk.subarray(start));
    this.#bytes += chunk.length - start;
    if (this.#bytes > MAX_LINE_BYTES) throw new Error(`a message of more than ${MAX_LINE_BYTES} bytes`);
  }
}

export const jsonLine = (message: unknown): string => `${JSON.stringify(message)}\n`;
