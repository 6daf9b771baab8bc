import { isatty, WriteStream } from "node:tty";

/** A screen that is drawn over and over: how wide and high it is, and where its bytes go. */
export interface Terminal {
  size(): { readonly columns: number; readonly rows: number };
  write(text: string): void;
}

const ENTER = "\u001b[?1049h\u001b[?25l"; // the other screen buffer, no cursor
const LEAVE = "\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";
const PLAIN = "\u001b[0m";

/**
 * Draws lines in place, on the terminal's other screen buffer: what stood there before is back when it is closed. Only
 * what fits is drawn, and nothing is cleared before it is drawn over: it does not flicker.
 */
export class LiveScreen {
  readonly #terminal: Terminal;
  #isOpen = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  draw(lines: readonly string[]): void {
    const { columns, rows } = this.#terminal.size();
    const hidden = lines.length - rows;
    const shown = hidden > 0 ? [...lines.slice(0, rows - 1), `… ${hidden + 1} more lines`] : lines;
    const text = shown.map((line) => `${cut(line, columns)}${CLEAR_LINE}`).join("\r\n");
    this.#terminal.write(`${this.#isOpen ? "" : ENTER}${HOME}${text}${CLEAR_BELOW}`);
    this.#isOpen = true;
  }

  close(): void {
    if (this.#isOpen) this.#terminal.write(`${PLAIN}${LEAVE}`);
    this.#isOpen = false;
  }
}

/** The first `columns` characters; escape sequences take none. */
function cut(line: string, columns: number): string {
  let used = 0;
  let result = "";
  for (const [piece] of line.matchAll(/\u001b\[[0-9;]*m|./gsu)) {
    if (piece.startsWith("\u001b")) result += piece;
    else if (used < columns) {
      used += 1;
      result += piece;
    }
  }
  return result;
}

/** The terminal on standard output; undefined where that is none. */
export function standardTerminal(write: (text: string) => void): Terminal | undefined {
  if (!isatty(1)) return undefined;
  const stream = new WriteStream(1);
  return {
    write,
    size: () => {
      const [columns, rows] = stream.getWindowSize();
      return { columns: columns || 80, rows: rows || 24 };
    },
  };
}
