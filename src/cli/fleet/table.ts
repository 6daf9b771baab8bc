import Table from "cli-table3";

/** How tables look: for a person, with or without colours, or for a program. */
export interface TableStyle {
  readonly colour: boolean;
  readonly tsv: boolean;
}

/** Cells are texts of printable(); the result ends with a line break. */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  style: TableStyle,
): string {
  if (style.tsv) return tsv(rows);
  const table = new Table({ head: [...head], style: colours(style) });
  table.push(...rows.map((row) => [...row]));
  return `${table.toString()}\n`;
}

/**
 * One object: a name and a value a line. The library takes time with the cube of a cell's lines, and parameters have
 * dozens: each line is a row of a compact table, and what separates the fields is put between them.
 */
export function renderSheet(fields: readonly (readonly [string, string])[], style: TableStyle): string {
  if (style.tsv) return tsv(fields);
  const table = new Table({ style: { ...colours(style), compact: true } });
  const heights = fields.map(([name, value]) => {
    const lines = value.split("\n");
    for (const [index, line] of lines.entries()) table.push({ [index === 0 ? name : ""]: line });
    return lines.length;
  });
  const [top = "", ...drawn] = table.toString().split("\n");
  const separator = top.replace("┌", "├").replace("┬", "┼").replace("┐", "┤");
  const bodies = heights.map((height) => drawn.splice(0, height).join("\n"));
  return `${[top, bodies.join(`\n${separator}\n`), ...drawn].join("\n")}\n`;
}

const tsv = (rows: readonly (readonly string[])[]): string =>
  rows.map((row) => `${row.map((cell) => cell.replace(/\s+/g, " ").trim()).join("\t")}\n`).join("");

const colours = ({ colour }: TableStyle) =>
  colour ? { head: ["cyan"], border: ["grey"] } : { head: [], border: [] };
