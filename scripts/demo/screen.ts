import type { Watched } from "./stage.ts";

interface Seen {
  readonly word: string;
  readonly role: string;
  readonly code: string;
  readonly sentence: string;
}

/** The live table: redrawn in place on a terminal, a line for each change elsewhere. */
export class Screen {
  readonly #watched: readonly Watched[];
  readonly #isTerminal = process.stdout.isTTY === true;
  readonly #last = new Map<string, Seen>();
  #tableLines = 0;

  constructor(watched: readonly Watched[]) {
    this.#watched = watched;
  }

  /** A line that stays, above the table. */
  say(text: string): void {
    this.#eraseTable();
    process.stdout.write(`${text}\n`);
    if (this.#isTerminal) this.#drawTable();
  }

  show(name: string, seen: Seen): void {
    const before = this.#last.get(name);
    if (before?.code === seen.code && before.sentence === seen.sentence) return;
    this.#last.set(name, seen);
    if (this.#isTerminal) {
      this.#eraseTable();
      this.#drawTable();
    } else if (before?.code !== seen.code) {
      process.stdout.write(`  ${this.#row(name, seen)}\n`);
    }
  }

  /** Leaves the cursor below everything. */
  end(): void {
    this.#tableLines = 0;
  }

  #drawTable(): void {
    const width = process.stdout.columns ?? 120;
    const rows = [
      "",
      ...this.#watched.map(({ name }) => this.#row(name, this.#last.get(name)).slice(0, width - 1)),
    ];
    process.stdout.write(`${rows.join("\n")}\n`);
    this.#tableLines = rows.length;
  }

  #eraseTable(): void {
    if (this.#tableLines > 0) process.stdout.write(`\x1b[${this.#tableLines}A\x1b[0J`);
    this.#tableLines = 0;
  }

  #row(name: string, seen: Seen | undefined): string {
    const { word, role, code, sentence } = seen ?? { word: "…", role: "", code: "", sentence: "" };
    return `${name.padEnd(10)} ${word.padEnd(5)} ${role.padEnd(10)} ${code.padEnd(24)} ${sentence}`;
  }
}
