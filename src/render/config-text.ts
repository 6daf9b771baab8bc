/** A line, several, or nothing where an option is not set. */
export type Lines = string | undefined | readonly Lines[];

/** The lines as the text of a file. */
export function configText(...lines: readonly Lines[]): string {
  return `${flat(lines).join("\n")}\n`;
}

/** The lines one step deeper. */
export function indented(step: string, ...lines: readonly Lines[]): readonly string[] {
  return flat(lines).map((line) => (line === "" ? "" : step + line));
}

/** A comment of several lines, each beginning with `# `. */
export function comment(text: string): readonly string[] {
  return text.split("\n").map((line) => (line === "" ? "#" : `# ${line}`));
}

/** Seconds where they are whole, else milliseconds: how HAProxy and nginx write durations. */
export function shortDuration(ms: number): string {
  if (ms % 3_600_000 === 0 && ms > 0) return `${ms / 3_600_000}h`;
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

/** The name, filled up so that what follows stands in a column. */
export function column(name: string, names: readonly string[]): string {
  return name.padEnd(Math.max(...names.map(({ length }) => length)));
}

function flat(lines: readonly Lines[]): readonly string[] {
  return lines.flatMap((line) => {
    if (line === undefined) return [];
    return typeof line === "string" ? [line] : flat(line);
  });
}
