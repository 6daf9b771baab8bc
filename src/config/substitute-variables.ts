import type { Findings } from "./findings.ts";
import { globalSetting } from "./global-setting.ts";
import type { SourceParameter, SourceSection } from "./source.ts";
import { flag } from "./values/choice.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where [sluice] has substitute_variables=true, a value `$NAME` becomes the environment variable NAME: the whole value, as in
 * MaxScale. One in quotes stays as it is, and one that is not set is a mistake.
 */
export function substituteVariables(
  sections: readonly SourceSection[],
  env: Environment,
  findings: Findings,
): readonly SourceSection[] {
  if (!isAskedFor(sections)) return sections;
  return sections.map((section) => ({
    ...section,
    parameters: section.parameters.map((parameter) => substituted(parameter, section.name, env, findings)),
  }));
}

function isAskedFor(sections: readonly SourceSection[]): boolean {
  const parsed = flag().parse(globalSetting(sections, "substitute_variables") ?? "false");
  return parsed.ok && parsed.value;
}

function substituted(
  parameter: SourceParameter,
  section: string,
  env: Environment,
  findings: Findings,
): SourceParameter {
  const { name, value, at, quoted } = parameter;
  if (quoted !== false || !value.startsWith("$")) return parameter;
  const variable = value.slice(1);
  const found = env[variable];
  if (found !== undefined) return { ...parameter, value: found, quoted: true, variable };
  findings.problem(
    { at, section, parameter: name, found: value },
    `the environment has no variable ${variable}`,
    "set it, or put the value in quotes if it is meant as it stands",
  );
  return parameter;
}
