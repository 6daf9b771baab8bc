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

/** One object: a name and a value a line. */
export function renderSheet(fields: readonly (readonly [string, string])[], style: TableStyle): string {
  if (style.tsv) return tsv(fields);
  const table = new Table({ style: colours(style) });
  table.push(...fields.map(([name, value]) => ({ [name]: value })));
  return `${table.toString()}\n`;
}

const tsv = (rows: readonly (readonly string[])[]): string =>
  rows.map((row) => `${row.map((cell) => cell.replace(/\s+/g, " ").trim()).join("\t")}\n`).join("");

const colours = ({ colour }: TableStyle) =>
  colour ? { head: ["cyan"], border: ["grey"] } : { head: [], border: [] };
