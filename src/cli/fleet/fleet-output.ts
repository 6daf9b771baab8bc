import type { Outcome } from "../../client/rest/daemons.ts";
import { renderSheet, renderTable, type TableStyle } from "./table.ts";

export type OutputMode = "table" | "tsv" | "json" | "nothing";

/** Where an action's answer goes, in the form that was asked for. */
export class FleetOutput {
  readonly mode: OutputMode;
  readonly style: TableStyle;
  readonly #write: (text: string) => void;

  constructor(mode: OutputMode, colour: boolean, write: (text: string) => void) {
    this.mode = mode;
    this.style = { colour, tsv: mode === "tsv" };
    this.#write = write;
  }

  /** The document itself with --json; otherwise what `render` makes of it. */
  document(document: unknown, render: () => string): void {
    if (this.mode === "nothing") return;
    this.#write(this.mode === "json" ? `${JSON.stringify(document, null, 2)}\n` : render());
  }

  table(document: unknown, head: readonly string[], rows: readonly (readonly string[])[]): void {
    this.document(document, () => renderTable(head, rows, this.style));
  }

  /** Several objects follow each other. */
  sheets(document: unknown, objects: readonly (readonly (readonly [string, string])[])[]): void {
    this.document(document, () => objects.map((fields) => renderSheet(fields, this.style)).join(""));
  }

  /** A change was made: OK, or each daemon and OK. A list of texts as outcome is shown instead of OK. */
  done(outcomes: readonly Outcome<unknown>[]): void {
    const document = { done: outcomes.map(({ daemon }) => daemon) };
    this.document(document, () => {
      const answers = outcomes.map(({ daemon, value }) => {
        const lines = Array.isArray(value) && value.length > 0 ? value : ["OK"];
        return outcomes.length > 1 ? [daemon, ...lines] : lines;
      });
      return `${answers.flat().join("\n")}\n`;
    });
  }

  /** One line of an endless answer; with --json `document` on one line. */
  line(document: unknown, text: string): void {
    if (this.mode === "nothing") return;
    this.#write(this.mode === "json" ? `${JSON.stringify(document)}\n` : `${text}\n`);
  }
}
