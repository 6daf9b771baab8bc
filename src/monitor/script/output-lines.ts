import type { Log } from "../../telemetry/log.ts";

const MAX_LENGTH = 1000;
const MAX_LINES = 200;

/** MaxScale's words at the beginning of a line, and the level each of them is logged at. */
const LEVELS = {
  alert: "error",
  error: "error",
  warning: "warn",
  notice: "info",
  info: "info",
  debug: "debug",
} as const satisfies Record<string, keyof Log>;

const LEVEL = new RegExp(`^\\s*(${Object.keys(LEVELS).join("|")})\\s*:\\s*`, "i");

/**
 * Turns what a script prints into log lines, at most 200 of at most 1,000 characters: the rest is read, because a full
 * pipe would stop the script, and told as a number. One for each run.
 */
export class OutputLines {
  readonly #tell: (level: "debug" | "info" | "warn" | "error", line: string) => void;
  #line = "";
  #told = 0;
  #omitted = 0;

  constructor(tell: (level: "debug" | "info" | "warn" | "error", line: string) => void) {
    this.#tell = tell;
  }

  write(chunk: string): void {
    const [first = "", ...others] = chunk.split("\n");
    this.#extend(first);
    for (const part of others) {
      this.#endLine();
      this.#extend(part);
    }
  }

  /** Tells of a last line without a line feed, and how much was left out. */
  end(): void {
    this.#endLine();
    if (this.#omitted > 0) this.#tell("info", `(${this.#omitted} more lines)`);
  }

  // One character more than is shown, so that it is seen that there was more.
  #extend(part: string): void {
    this.#line += part.slice(0, MAX_LENGTH + 1 - this.#line.length);
  }

  #endLine(): void {
    const line = this.#line;
    this.#line = "";
    const level = LEVEL.exec(line);
    const text = printable(line.slice(level?.[0].length ?? 0));
    if (text === "") return;
    if (this.#told === MAX_LINES) {
      this.#omitted += 1;
      return;
    }
    this.#told += 1;
    const name = level?.[1]?.toLowerCase() as keyof typeof LEVELS | undefined;
    this.#tell(name === undefined ? "info" : LEVELS[name], text);
  }
}

// Control characters could forge lines of a log on a terminal.
function printable(line: string): string {
  const text = line.replace(/[\x00-\x1f\x7f-\x9f]/g, " ").trimEnd();
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
}
