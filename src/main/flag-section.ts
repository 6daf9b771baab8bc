import type { SourceSection } from "../config/source.ts";

/** The section of a configuration file that flags stand for. */
export function flagSection(name: string, values: Readonly<Record<string, string>>): SourceSection {
  const parameters = Object.entries(values).map(([key, value]) => ({
    name: key,
    value,
    at: undefined,
    quoted: true,
  }));
  return { name, at: undefined, origin: "file", parameters };
}
