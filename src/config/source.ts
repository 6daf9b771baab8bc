import type { CnfParameter, CnfSection } from "./cnf-parser.ts";
import type { Origin } from "./configuration.ts";
import type { Place } from "./problem.ts";

/** A parameter on its way to an object; over REST it stands in no file. */
export interface SourceParameter extends Omit<CnfParameter, "at"> {
  readonly at: Place | undefined;
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
