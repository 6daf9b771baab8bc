/** The last `cap` characters of an endless text, cheaply: it is cut only once it has grown to twice the cap. */
export class TextTail {
  readonly #cap: number;
  #text = "";

  constructor(cap: number) {
    this.#cap = cap;
  }

  append(chunk: string): void {
    this.#text += chunk;
    if (this.#text.length > 2 * this.#cap) this.#text = this.#text.slice(-this.#cap);
  }

  toString(): string {
    return this.#text.length > this.#cap ? this.#text.slice(-this.#cap) : this.#text;
  }
}
