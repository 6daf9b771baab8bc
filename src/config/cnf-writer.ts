import type { ConfigurationObject, Given } from "./configuration.ts";
import { SCHEMAS } from "./schema/schemas.ts";
import { Secret } from "./secret.ts";
import type { SourceSection } from "./source.ts";

/** A section with its parameters, a line each, as parseCnf reads it back. */
export function printSection({ name, parameters }: Pick<SourceSection, "name" | "parameters">): string {
  const lines = parameters.map((parameter) => {
    const { variable } = parameter;
    return `${parameter.name}=${variable === undefined ? printValue(parameter.value) : `$${variable}`}`;
  });
  return [`[${name}]`, ...lines, ""].join("\n");
}

/** The section that an object was made from, under present names: what is persisted, and what a change at run time begins with. */
export function sectionOf(object: ConfigurationObject): SourceSection {
  const { kind, name, module, at, origin, given } = object;
  const written = (parameter: string, text: string): SourceSection["parameters"][number] => ({
    name: parameter,
    value: text,
    at,
    quoted: true,
  });
  const moduleParameter = SCHEMAS[kind].moduleParameter;
  return {
    name,
    at,
    origin,
    parameters: [
      ...(kind === "sluice" ? [] : [written("type", kind)]),
      ...(module === undefined || moduleParameter === undefined ? [] : [written(moduleParameter, module)]),
      ...[...given].map(([parameter, value]) => ({
        ...written(parameter, textOf(value)),
        at: value.at,
        ...(value.variable === undefined ? {} : { variable: value.variable }),
      })),
    ],
  };
}

function textOf({ text }: Given): string {
  return text instanceof Secret ? text.reveal() : text;
}

/** A value in the form in which it reads back, whatever it holds besides line breaks. */
function printValue(value: string): string {
  const plain = value !== "" && !/^[\s"'$#;]|\s$|\s[#;]|[\r\ufeff]|,$/.test(value);
  return plain ? value : `"${value.replaceAll('"', '""')}"`;
}
