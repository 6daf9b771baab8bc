import type { Findings } from "./findings.ts";
import { isGlobalSection } from "./global-setting.ts";
import { isObjectName, OBJECT_NAME_WORDS } from "./object-name.ts";
import { formatPlace } from "./problem.ts";
import { FILTER_MODULES, type ObjectKind, SECTION_KINDS } from "./schema/schemas.ts";
import type { SourceParameter, SourceSection } from "./source.ts";
import { nearest } from "./suggestion.ts";
import { splitList } from "./values/text.ts";

/** A section that is one object: its kind is known, and each parameter is there once. */
export interface ResolvedSection extends SourceSection {
  readonly kind: ObjectKind;
}

/** The word in `type=` of an object that was deleted at run time though a file still has it. */
export const DELETED = "deleted";

/**
 * From the sections of all files to one section per object:
 *
 *   duplicates told ─▶ persisted over static ─▶ deleted ones dropped ─▶ @include filled in ─▶ type= looked up
 */
export function resolveSections(
  sections: readonly SourceSection[],
  findings: Findings,
): readonly ResolvedSection[] {
  const unique = overridden(sections, findings).map((section) => withoutRepeats(section, findings));
  const shared = new Map(
    unique.filter((section) => typeOf(section)?.value === "include").map((s) => [s.name, s]),
  );
  return unique.flatMap((section) => {
    const type = typeOf(section)?.value;
    if (type === "include" || type === DELETED) return [];
    const kind = kindOf(section, findings);
    return kind === undefined ? [] : [{ ...withIncludes(section, shared, findings), kind }];
  });
}

/** One section per name, in the order of the files; a persisted one stands in the place of the static one it overrides. */
function overridden(sections: readonly SourceSection[], findings: Findings): readonly SourceSection[] {
  const byName = new Map<string, SourceSection>();
  for (const section of sections) {
    const name = isGlobalSection(section.name) ? "sluice" : section.name;
    const present = byName.get(name);
    if (present === undefined) byName.set(name, { ...section, name });
    else if (present.origin === section.origin) {
      const first = present.at ? ` at ${formatPlace(present.at)}` : "";
      findings.problem(
        { at: section.at, section: section.name },
        `the section is there already${first}`,
        "merge the two, or rename one",
      );
    } else byName.set(name, typeOf(section) === undefined ? merged(present, section) : section);
  }
  return [...byName.values()];
}

/**
 * A persisted section without type= overrides parameter by parameter: [sluice], which has too much in it to be overridden as a
 * whole, and what MaxScale 2.1 wrote of a service (its `servers=` alone).
 */
function merged(below: SourceSection, above: SourceSection): SourceSection {
  const names = new Set(above.parameters.map((parameter) => parameter.name));
  const kept = below.parameters.filter((parameter) => !names.has(parameter.name));
  return { ...below, parameters: [...kept, ...above.parameters] };
}

function withoutRepeats(section: SourceSection, findings: Findings): SourceSection {
  const first = new Map<string, SourceParameter>();
  for (const parameter of section.parameters) {
    const earlier = first.get(parameter.name);
    if (earlier === undefined) first.set(parameter.name, parameter);
    else {
      const where = earlier.at ? ` in line ${earlier.at.line}` : "";
      findings.problem(
        { at: parameter.at, section: section.name, parameter: parameter.name },
        `it is there already${where}`,
        "keep one",
      );
    }
  }
  return { ...section, parameters: [...first.values()] };
}

/** MaxScale's `@include = NAME`: parameters of a `type=include` section, where the section has none of that name itself. */
function withIncludes(
  section: SourceSection,
  shared: ReadonlyMap<string, SourceSection>,
  findings: Findings,
): SourceSection {
  const include = section.parameters.find((parameter) => parameter.name === "@include");
  if (include === undefined) return section;
  const parameters = new Map(section.parameters.map((parameter) => [parameter.name, parameter]));
  parameters.delete("@include");
  for (const name of splitList(include.value)) {
    const source = shared.get(name);
    if (source === undefined) {
      findings.problem(
        { at: include.at, section: section.name, parameter: "@include", found: name },
        "there is no section of that name with type=include",
        suggestion(nearest(name, shared.keys()), `add [${name}] with type=include`),
      );
    }
    for (const parameter of source?.parameters ?? []) {
      if (parameter.name !== "type" && !parameters.has(parameter.name))
        parameters.set(parameter.name, parameter);
    }
  }
  return { ...section, parameters: [...parameters.values()] };
}

function typeOf(section: SourceSection): SourceParameter | undefined {
  return section.parameters.find((parameter) => parameter.name === "type");
}

function kindOf(section: SourceSection, findings: Findings): ObjectKind | undefined {
  const { name, at } = section;
  if (name === "sluice") return "sluice";
  if (!isObjectName(name) || name.startsWith("@@")) {
    findings.problem({ at, section: name }, "the name is not possible", `a name has ${OBJECT_NAME_WORDS}`);
  }
  const type = typeOf(section);
  const types = `type=${SECTION_KINDS.join(", type=")}`;
  if (type === undefined) {
    const meant = nearest(name, ["sluice", "maxscale"]);
    const right =
      meant === undefined ? `add one of ${types}` : `add one of ${types}; or did you mean [${meant}]?`;
    findings.problem({ at, section: name }, "the section does not say what it is", right);
    return undefined;
  }
  const kind = SECTION_KINDS.find((candidate) => candidate === type.value.toLowerCase());
  if (kind !== undefined) return kind;
  const subject = { at: type.at, section: name, parameter: "type", found: type.value };
  if (type.value === "filter") refuseFilter(section, type, findings);
  else
    findings.problem(
      subject,
      "there is no such type",
      suggestion(nearest(type.value, SECTION_KINDS), `write one of ${types}`),
    );
  return undefined;
}

function refuseFilter(section: SourceSection, type: SourceParameter, findings: Findings): void {
  const module = section.parameters.find((parameter) => parameter.name === "module")?.value;
  const which = module === undefined ? "" : FILTER_MODULES.has(module) ? ` ${module}` : ` module ${module}`;
  findings.problem(
    { at: type.at, section: section.name, parameter: "type", found: "filter" },
    `Sluice has no filters, and so not the filter${which}`,
    `remove the section, and ${section.name} from each filters=`,
  );
}

/** "did you mean X?" where one is near, else `otherwise`. */
export function suggestion(near: string | undefined, otherwise: string): string {
  return near === undefined ? otherwise : `did you mean ${near}?`;
}
