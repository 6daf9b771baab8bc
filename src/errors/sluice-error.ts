/**
 * errors/: the error base class and the one catalogue of codes. Pure; imports nothing.
 */
import { CATALOGUE, type CatalogueEntry, type Code } from "./catalogue.ts";

/** An error a person can act on: the message says what was wrong, where, and what would be right. */
export class SluiceError extends Error {
  override readonly name = "SluiceError";
  readonly code: Code;

  constructor(code: Code, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  get entry(): CatalogueEntry {
    return CATALOGUE[this.code];
  }
}

/** The words of whatever was thrown, on one line. */
export function errorMessage(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s+/g, " ").trim();
}
