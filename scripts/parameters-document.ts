import type { ParameterSet } from "../src/config/parameter.ts";
import type { ObjectSchema } from "../src/config/schema/object-schema.ts";
import { SCHEMAS } from "../src/config/schema/schemas.ts";

/** docs/parameters.md: every parameter of every object type, from the schemas that the parser uses. */
export function parametersDocument(): string {
  return [
    "# Parameters",
    "",
    "Every parameter of every object type. Generated from `src/config/schema/`.",
    "Durations are `500ms`, `1s`, `2min`, `1h`; sizes `64Ki`, `16Mi`, `1G`; lists have commas between. ⟳: a change takes a restart.",
    "",
    ...Object.entries(SCHEMAS).flatMap(([kind, schema]) => section(kind, schema)),
  ].join("\n");
}

function section(kind: string, schema: ObjectSchema): string[] {
  const title = kind === "sluice" ? "[sluice]" : `type=${kind}`;
  return [
    `## ${title}`,
    "",
    schema.description,
    "",
    ...table(schema.common),
    ...Object.entries(schema.modules).flatMap(([module, own]) => [
      `### ${schema.moduleParameter}=${module}`,
      "",
      ...table(own),
    ]),
    ...oldNames(schema),
  ];
}

function table(set: ParameterSet): string[] {
  const rows = Object.entries(set).map(
    ([name, { type, presence, default: standard, description, fixed }]) => {
      const value = presence === "required" ? "required" : standard === undefined ? "" : `\`${standard}\``;
      return `| \`${name}\`${fixed ? " ⟳" : ""} | ${cell(type.expected)} | ${value === "``" ? "" : value} | ${cell(description)} |`;
    },
  );
  return ["| parameter | value | default | what it does |", "|---|---|---|---|", ...rows, ""];
}

function oldNames({ renamed, obsolete, moduleAliases }: ObjectSchema): string[] {
  const rows = [
    ...Object.entries(renamed).map(([old, present]) => [old, `write \`${present}\``]),
    ...Object.entries(moduleAliases).map(([old, present]) => [
      `module=${old}`,
      `write \`module=${present}\``,
    ]),
    ...Object.entries(obsolete).map(([old, why]) => [old, typeof why === "string" ? why : why.reason]),
  ];
  if (rows.length === 0) return [];
  return [
    "Names of MaxScale that are accepted with a warning:",
    "",
    "| name | now |",
    "|---|---|",
    ...rows.map(([old, present]) => `| \`${old}\` | ${cell(present ?? "")} |`),
    "",
  ];
}

const cell = (text: string): string => text.replaceAll("|", "\\|");
