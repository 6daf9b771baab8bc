import type { CnfParameter, CnfSection } from "./cnf-parser.ts";
import type { Origin } from "./configuration.ts";
import type { Place } from "./problem.ts";

/** A parameter on its way to an object; one from a flag or over REST stands in no file. */
export interface SourceParameter extends Pick<CnfParameter, "name" | "value"> {
  readonly at: Place | undefined;
  /** `$NAME` is only replaced where this is false: in a file, outside quotes. */
  readonly quoted?: boolean;
  /** The environment variable whose value this is. */
  readonly variable?: string;
}

/** A section and which of the two sources it is from. */
export interface SourceSection {
  readonly name: string;
  readonly at: Place | undefined;
  readonly origin: Origin;
  readonly parameters: readonly SourceParameter[];
}

export function fromCnf(sections: readonly CnfSection[], origin: Origin): readonly SourceSection[] {
  return sections.map((section) => ({ ...section, origin }));
}
