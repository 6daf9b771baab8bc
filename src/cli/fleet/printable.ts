/**
 * A value as a cell shows it: lists with commas, objects as JSON, nothing for what is not known. Texts come from servers and
 * other people: control characters, which could drive the terminal, are shown and not sent.
 */
export function cellText(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (Array.isArray(value) && value.every((item) => typeof item !== "object")) {
    return printable(value.join(", "));
  }
  if (typeof value === "object") return printableLines(JSON.stringify(value, null, 4));
  return printable(String(value));
}

/** On one line. */
export function printable(text: string): string {
  return text.replace(/\s+/g, " ").replace(CONTROL, shown);
}

/** With its line breaks. */
export function printableLines(text: string): string {
  return text.replace(/\t/g, "    ").replace(CONTROL_BUT_NEWLINE, shown);
}

// C0, DEL and C1, and what turns the direction of writing.
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const CONTROL_BUT_NEWLINE =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

const shown = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
